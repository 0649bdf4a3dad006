"""Looks ahead from the end of a run that trained alone."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from functools import partial

from torch import nn

from lrscope.core.stop_signals import STOP
from lrscope.datasets.index_batches import IndexBatches
from lrscope.datasets.member_batches import MemberBatches
from lrscope.probe.continue_training import (
    RunState,
    Update,
    cycles_momentum,
    has_several_rates,
    in_updates,
    run_probe,
    seed_of_order,
)
from lrscope.probe.probes import further_probes, probes
from lrscope.runs.fit import SingleRun
from lrscope.runs.lifecycle import RunEnd
from lrscope.training import build
from lrscope.training.evaluation import chunks, mean_loss
from lrscope.training.lightning_module import Module
from lrscope.training.recording import RunRecorder


def look_ahead(single: SingleRun, recorder: RunRecorder, ending: RunEnd) -> Mapping[str, float]:
    """What copies of a run that ended as planned come to.

    Raises:
        Interrupted: a signal came before all of them were there.
    """
    if not single.scope.tenth or not ending.as_planned:
        return {}
    optimizer = single.trainer.optimizers[0]
    if cycles_momentum(optimizer) or has_several_rates(optimizer):
        return {}
    try:
        standing, trace = _standing(single), recorder.trace(single.run.facts)
        found = run_probe(standing, probes(trace, single.scope), STOP.raise_if_requested)
        return found | run_probe(standing, further_probes(trace, found), STOP.raise_if_requested)
    except Exception as error:  # of a network or an optimizer that cannot be copied: the run itself has ended well
        warn_of_no_look(single.run.name, error)
        return {}


def warn_of_no_look(name: str, error: Exception) -> None:
    """Say that a verdict has to do with what was recorded."""
    text = str(error).splitlines()[0] if str(error) else ""
    warnings.warn(
        f"{name}: could not train a copy on, so the verdict rests on the record alone ({type(error).__name__}: {text})",
        stacklevel=2,
    )


def _standing(single: SingleRun) -> RunState:
    cfg, module = single.run.cfg, single.module
    assert isinstance(module, Module)  # no copy of a LightningModule of the user's is trained on
    assert isinstance(single.loader, IndexBatches)  # its scope is nowhere where the data does not lie in memory
    train = single.loader.part
    accumulate = cfg.trainer.accumulate_grad_batches

    def updates(order: int) -> Iterator[Update]:
        seeds = [seed_of_order(cfg.seed, order)]
        batches = MemberBatches(train, cfg.batch_size, seeds, cfg.trainer.limit_train_batches)
        return in_updates(batches.epoch, single.steps.step // cfg.steps_per_epoch, accumulate)

    return RunState(
        module.network,
        single.trainer.optimizers[0],
        partial(build.optimizer, cfg),
        module.loss,
        updates,
        lambda network: mean_loss(network, chunks(train), module.loss),
        train.inputs.device,
        accumulate,
        partial(_clip, cfg.trainer.gradient_clip_val, cfg.trainer.gradient_clip_algorithm),
    )


def _clip(limit: float | None, algorithm: str, network: nn.Module) -> None:
    if limit is None:
        return
    if algorithm == "norm":
        nn.utils.clip_grad_norm_(network.parameters(), limit)
    else:
        nn.utils.clip_grad_value_(network.parameters(), limit)
