"""Where the trials of a run begin, from its config: the network, the data and the order that the run had."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf, open_dict
from torch import nn

from lrscope.batched.model.batched_trainer import Member
from lrscope.batched.model.clipping import Clipping
from lrscope.batched.model.member_rates import Schedule
from lrscope.core.trials import RESET, STANDARDISED
from lrscope.datasets.data import Part
from lrscope.datasets.member_batches import MemberBatches
from lrscope.probe.trial_start import Change, TrialStart
from lrscope.runs.fit import PLAIN_PRECISIONS, make_module
from lrscope.runs.place_data import full_batch, place
from lrscope.runs.prepare import PreparedRun, monitored
from lrscope.training import build
from lrscope.training.copied_network import copied
from lrscope.training.facts.constant_answer import constant_losses
from lrscope.training.generators import random_state, restore_random_state, same_generators, untouched_generators
from lrscope.training.objective import at
from lrscope.training.supported import Pair, taken
from lrscope.training.user_loader import one_epoch

EVALUATED = 2_048
"""Training examples that copies are evaluated on at most."""
PRECISIONS = (*PLAIN_PRECISIONS, "bf16-mixed")


def can_be_tried(run: PreparedRun, world_size: int) -> bool:
    """Whether a copy would do what the run did."""
    cfg = run.cfg
    plain = cfg.trainer.precision in PRECISIONS and (cfg.scheduler.get("frequency") or 1) == 1
    return plain and world_size == 1 and not cfg.callbacks.extra and not run.objective.of_module


def trial_start_of(run: PreparedRun, device: torch.device) -> TrialStart:
    """The start of a run; every generator is as it was when this returns."""
    with untouched_generators():
        module = make_module(run)
        state = random_state()
        network = module.network.to(device)
        epoch, examples = _in_memory(run, device) if run.source.data is not None else _of_loader(run, network, state)
    cfg, targets = run.cfg, examples.targets
    loss = at(run.objective.loss, next(network.parameters()))
    return TrialStart(
        member=partial(_member, run, network, state["torch"]),
        epoch=epoch,
        examples=examples,
        facts=replace(
            run.facts,
            constant_loss=constant_losses(loss, targets).train,
            class_shares=_shares(targets),
        ),
        loss=loss,
        device=device,
        updates=cfg.steps_per_epoch,
        length=cfg.total_steps,
        batch_size=min(cfg.batch_size or len(examples), len(examples)),
        accumulate=cfg.trainer.accumulate_grad_batches,
        precision=str(cfg.trainer.precision),
        free_threads=cfg.trainer.threads is None,
    )


def _in_memory(run: PreparedRun, device: torch.device) -> tuple[Any, Part]:
    cfg, data = run.cfg, run.source.data
    assert data is not None
    train = place(data.train, device, cfg.trainer.precision.startswith("64"))
    batches = MemberBatches(train, full_batch(cfg, train), [cfg.seed], cfg.trainer.limit_train_batches)
    every = -(-len(train) // EVALUATED)
    return batches.epoch, Part(train.inputs[::every], train.targets[::every])


def _of_loader(run: PreparedRun, network: nn.Module, state: Any) -> tuple[Any, Part]:
    """The batches of a DataModule as its loader gives them from where the run began; some of them to evaluate on."""
    module, limit = run.source.module, run.cfg.trainer.limit_train_batches
    assert module is not None
    like = next(network.parameters())

    def epoch(number: int) -> Iterator[Pair]:
        if number == 0:
            restore_random_state(state)
        batches = one_epoch(module.train_dataloader(), limit)
        for batch in islice(batches, limit):
            yield taken(batch, run.objective, like)

    seen: list[Pair] = []
    for inputs, targets in epoch(0):
        seen.append((inputs, targets))
        if sum(len(own) for _, own in seen) >= EVALUATED:
            break
    inputs, targets = (torch.cat(parts)[:EVALUATED] for parts in zip(*seen, strict=True))
    return epoch, Part(inputs, targets)


def _shares(targets: torch.Tensor) -> tuple[float, ...]:
    """The shares of the classes among these examples; of none where there are no classes."""
    if targets.is_floating_point() or targets.dim() != 1:
        return ()
    counts = torch.bincount(targets.cpu()).double()
    return tuple((counts / len(targets)).tolist())


def _member(run: PreparedRun, network: nn.Module, generator: torch.Tensor, change: Change) -> Member:
    cfg = with_change(run, change)
    own = copied(network)
    if RESET in change.settings:
        reset(own, cfg.seed + 1)
    optimizer = build.optimizer(cfg, own)
    made = build.schedule(cfg, optimizer)
    monitor = monitored(cfg.scheduler.get("monitor", "val/loss"), run.source)
    schedule = Schedule(made, cfg.scheduler.get("interval", "epoch"), monitor) if made is not None else None
    limit = cfg.trainer.gradient_clip_val
    clipping = Clipping(limit, cfg.trainer.gradient_clip_algorithm) if limit is not None else None
    return Member(own, optimizer, schedule, cfg.seed, clipping, generator)


def with_change(run: PreparedRun, change: Change) -> DictConfig:
    """The run's config with the keys of a change; those that are no keys of a config are left out."""
    cfg = copy.deepcopy(run.cfg)
    with open_dict(cfg):
        for key, value in change.settings.items():
            if key == "scheduler":
                cfg.scheduler = {"name": value, "interval": "epoch", "_target_": None}
            elif key not in (RESET, STANDARDISED):
                OmegaConf.update(cfg, key, value, force_add=True)
    if (cfg.epochs, cfg.max_steps) != (run.cfg.epochs, run.cfg.max_steps):
        limited = "epochs" if cfg.epochs == run.cfg.epochs else "max_steps"
        cfg[limited] = None  # by what is not changed, a trial that is longer would end where the run did
        build.fill_steps(cfg, run.cfg.steps_per_epoch)
    return cfg


def reset(network: nn.Module, seed: int) -> None:
    """Give every layer the initial weights that torch draws by itself."""
    with same_generators(torch.device("cpu")):
        torch.manual_seed(seed)
        for layer in network.modules():
            frozen = any(not p.requires_grad for p in layer.parameters(recurse=False))
            if not frozen and callable(again := getattr(layer, "reset_parameters", None)):
                again()
