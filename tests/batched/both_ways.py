"""The slow twin of a stack: every member trained by itself in a plain loop, and once more from one unit in the
last place away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from lrscope.batched.model.batched_trainer import BatchedTrainer, Member
from lrscope.batched.model.member_rates import Schedule
from lrscope.config import schema
from lrscope.datasets.data import Data, Part
from lrscope.datasets.index_batches import IndexBatches
from lrscope.datasets.member_batches import MemberBatches
from lrscope.training import build
from lrscope.training.supported import loss_of

CONF = Path(__file__).parents[2] / "conf"
SCHEDULERS = sorted(path.stem for path in (CONF / "scheduler").glob("*.yaml"))
OPTIMIZERS = sorted(path.stem for path in (CONF / "optimizer").glob("*.yaml"))

UNPREDICTABLE = 1e-12
"""A member is predictable until its run and the one started one unit in the last place away differ by this."""

EQUAL = 1e-9


@cache
def composed(overrides: tuple[str, ...]) -> DictConfig:
    schema.register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", list(overrides))


@cache
def data(dataset: str = "digits", *overrides: str) -> Data:
    made = build.source(composed((f"dataset={dataset}", *overrides))).data
    assert made is not None
    return made


def member_config(epochs: int, steps_per_epoch: int, *overrides: str, **top: Any) -> DictConfig:
    """A config as the command line would compose it; ``top`` are keys of the root (lr, seed …)."""
    cfg = composed(overrides).copy()
    for key, value in {**top, "epochs": epochs}.items():
        OmegaConf.update(cfg, key, value)
    cfg.steps_per_epoch, cfg.total_steps = steps_per_epoch, steps_per_epoch * epochs
    return cfg


def make_member(cfg: DictConfig, of: Data, dtype: torch.dtype) -> Member:
    """Network, optimizer and schedule as a single run makes them."""
    build.seed_everything(cfg.seed)
    network = build.network(cfg, of).to(dtype)
    optimizer = build.optimizer(cfg, network.parameters())
    made = build.schedule(cfg, optimizer)
    schedule = Schedule(made, cfg.scheduler.interval, cfg.scheduler.get("monitor")) if made is not None else None
    return Member(network, optimizer, schedule, cfg.seed, generator=torch.get_rng_state())


@dataclass
class Twin:
    """One member's run: losses and rates of every step, and all weights behind every step."""

    losses: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    weights: list[list[Tensor]] = field(default_factory=list)

    def distance(self, other: Twin, step: int) -> float:
        """The largest difference at that step: of the loss, or of one tensor in norm; relative where they are
        above 1.
        """
        pairs = zip(self.weights[step], other.weights[step], strict=True)
        apart = [float((a - b).norm() / max(1.0, float(b.norm()))) for a, b in pairs]
        loss = other.losses[step]
        return max(abs(self.losses[step] - loss) / max(1.0, abs(loss)), *apart)

    def same_bits(self, other: Twin) -> bool:
        """Whether all weights behind every step are the same, not-a-numbers included."""
        steps = zip(self.weights, other.weights, strict=True)
        pairs = (pair for mine, theirs in steps for pair in zip(mine, theirs, strict=True))
        return all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in pairs)

    def predictable_until(self, nudged: Twin) -> int:
        """The first step at which the run started one unit away has left this one; the number of steps if none."""
        for step in range(len(self.losses)):
            if not self.distance(nudged, step) <= UNPREDICTABLE:
                return step
        return len(self.losses)


def cast(part: Part, dtype: torch.dtype) -> Part:
    floating = part.targets.is_floating_point()
    return Part(part.inputs.to(dtype), part.targets.to(dtype) if floating else part.targets)


def alone(cfg: DictConfig, of: Data, dtype: torch.dtype = torch.float64, *, nudge: bool = False) -> Twin:
    """Train one member in a plain PyTorch loop."""
    member, part, loss_function = make_member(cfg, of, dtype), cast(of.train, dtype), loss_of(of.task)
    network, optimizer, schedule = member.network, member.optimizer, member.schedule
    if nudge:
        _nudge(network)
    twin, batches = Twin(), IndexBatches(part, cfg.batch_size, cfg.seed)
    network.train()
    for epoch in range(cfg.epochs):
        batches.set_epoch(epoch)
        for _, (inputs, targets) in zip(range(cfg.steps_per_epoch), batches, strict=False):
            loss = loss_function(network(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            twin.rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            twin.losses.append(loss.item())
            twin.weights.append([p.detach().clone() for p in network.parameters()])
            if schedule is not None and schedule.interval == "step":
                schedule.scheduler.step()
        if schedule is not None and schedule.interval == "epoch":
            schedule.scheduler.step(*([twin.losses[-1]] if schedule.monitor else []))
    return twin


def together(cfgs: Sequence[DictConfig], of: Data, dtype: torch.dtype = torch.float64) -> list[Twin]:
    """Train all members as one stack."""
    first, part = cfgs[0], cast(of.train, dtype)
    # Short runs take the fast path too, as a long one does after hundreds of passes.
    learner = BatchedTrainer([make_member(cfg, of, dtype) for cfg in cfgs], loss_of(of.task), trace_after=4)
    batches = MemberBatches(part, first.batch_size, [cfg.seed for cfg in cfgs], first.steps_per_epoch)
    twins = [Twin() for _ in cfgs]
    for epoch in range(first.epochs):
        for inputs, targets in batches.epoch(epoch):
            rates = list(learner.rates.current)
            learner.gather(inputs, targets, own=batches.own)
            losses = learner.update().tolist()
            views = [view.detach().clone() for view in learner.stack.parameters.values()]
            for row, twin in enumerate(twins):
                twin.losses.append(losses[row])
                twin.rates.append(rates[row])
                twin.weights.append([view[row] for view in views])
        learner.end_epoch([{"val/loss": twin.losses[-1]} for twin in twins])
    return twins


@torch.no_grad()
def _nudge(network: nn.Module) -> None:
    for parameter in network.parameters():
        parameter.copy_(torch.nextafter(parameter, torch.full_like(parameter, torch.inf)))
