"""The slow twin of a stack: every member trained by itself in a plain loop, and once more with each step rounded
otherwise.
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
from lrscope.training.objective import at, objective
from lrscope.training.supported import Loss

CONF = Path(__file__).parents[2] / "conf"
SCHEDULERS = sorted(path.stem for path in (CONF / "scheduler").glob("*.yaml"))
OPTIMIZERS = sorted(path.stem for path in (CONF / "optimizer").glob("*.yaml") if path.stem != "own")

UNPREDICTABLE = 1e-12
"""A member is predictable in float64 until its run and the one rounded otherwise differ by this."""

EQUAL = 1e-9
"""What is promised in float64 while a member is predictable."""

ROUNDINGS = 4
"""How many units in the last place one step of a stack and of a run alone in float32 may be apart."""


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
    network = build.network(cfg, of, objective(cfg, build.Source(of, None, 1)).outputs).to(dtype)
    optimizer = build.optimizer(cfg, network.parameters())
    made = build.schedule(cfg, optimizer)
    schedule = Schedule(made, cfg.scheduler.interval, cfg.scheduler.get("monitor")) if made is not None else None
    return Member(network, optimizer, schedule, cfg.seed, generator=torch.get_rng_state())


def loss_for(cfg: DictConfig, of: Data, dtype: torch.dtype) -> Loss:
    return at(objective(cfg, build.Source(of, None, 1)).loss, torch.empty((), dtype=dtype))


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

    def assert_near(self, single: Twin, nudged: Twin) -> int:
        """Assert that a stack's member is as near to its run alone as roundings explain; the number of steps for which
        it was predictable.

        Both ways do the same arithmetic, in products of other shapes, which a processor adds up in another order. So
        each step puts them some units in the last place apart, and training carries each such difference on, as it
        carries on those of ``nudged``, whose weights are moved by one unit behind each step.

        In float64, while the nudged run is below ``UNPREDICTABLE``, a thousand times that is asked. In float32, in
        which runs train, n steps put the two at most ``ROUNDINGS`` times as far apart as the nudged run is, or as n
        units where that is more: 3e-5 after 64 steps that make no rounding grow. The most that was measured is 1.9 of
        these 4 roundings (AVX-512, AVX2 and neither), and 5.5e-6. A wrong rate, batch or rule shows as 1e-1 and more.
        """
        assert self.rates == single.rates
        unit, grown = torch.finfo(self.weights[0][0].dtype).eps, 0.0
        for step in range(len(self.losses)):
            grown = max(grown, nudged.distance(single, step))
            if not grown <= UNPREDICTABLE * unit / torch.finfo(torch.float64).eps:
                return step
            double = self.weights[0][0].dtype == torch.float64
            apart, most = self.distance(single, step), EQUAL if double else ROUNDINGS * max((step + 1) * unit, grown)
            assert apart <= most, f"step {step}: {apart:.3g} apart, at most {most:.3g}"
        return len(self.losses)

    def same_bits(self, other: Twin) -> bool:
        """Whether all weights behind every step are the same, not-a-numbers included."""
        steps = zip(self.weights, other.weights, strict=True)
        pairs = (pair for mine, theirs in steps for pair in zip(mine, theirs, strict=True))
        return all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in pairs)


def cast(part: Part, dtype: torch.dtype) -> Part:
    floating = part.targets.is_floating_point()
    return Part(part.inputs.to(dtype), part.targets.to(dtype) if floating else part.targets)


def alone(cfg: DictConfig, of: Data, dtype: torch.dtype = torch.float64, *, nudge: bool = False) -> Twin:
    """Train one member in a plain PyTorch loop."""
    member, part, loss_function = make_member(cfg, of, dtype), cast(of.train, dtype), loss_for(cfg, of, dtype)
    network, optimizer, schedule = member.network, member.optimizer, member.schedule
    signs = torch.Generator().manual_seed(0)
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
            if nudge:
                _nudge(network, signs)
            twin.losses.append(loss.item())
            twin.weights.append([p.detach().clone() for p in network.parameters() if p.requires_grad])
            if schedule is not None and schedule.interval == "step":
                schedule.scheduler.step()
        if schedule is not None and schedule.interval == "epoch":
            schedule.scheduler.step(*([twin.losses[-1]] if schedule.monitor else []))
    return twin


def together(cfgs: Sequence[DictConfig], of: Data, dtype: torch.dtype = torch.float64) -> list[Twin]:
    """Train all members as one stack."""
    first, part = cfgs[0], cast(of.train, dtype)
    # Short runs take the fast path too, as a long one does after hundreds of passes.
    learner = BatchedTrainer([make_member(cfg, of, dtype) for cfg in cfgs], loss_for(first, of, dtype), trace_after=4)
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
def _nudge(network: nn.Module, signs: torch.Generator) -> None:
    """Move every weight by one unit in the last place, up or down."""
    for parameter in network.parameters():
        up = torch.rand(parameter.shape, generator=signs) < 0.5
        parameter.copy_(torch.nextafter(parameter, torch.where(up, torch.inf, -torch.inf).to(parameter)))
