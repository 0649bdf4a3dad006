"""Looks ahead from the end of a run that trained alone."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial

from torch import nn

from lrscope.core.stop_signals import STOP
from lrscope.datasets.index_batches import IndexBatches
from lrscope.datasets.member_batches import MemberBatches
from lrscope.probe.continue_training import Standing, cycles_momentum, in_updates, travel
from lrscope.probe.probes import journeys
from lrscope.runs.fit import Solo
from lrscope.runs.lifecycle import Ending
from lrscope.training import build
from lrscope.training.evaluation import chunks, mean_loss
from lrscope.training.recording import RunRecorder


def look_ahead(solo: Solo, recorder: RunRecorder, ending: Ending) -> Mapping[str, float]:
    """What copies of a run that ended as planned come to; a signal leaves it at what is known."""
    if not solo.scope.tenth or not ending.as_planned or cycles_momentum(solo.trainer.optimizers[0]):
        return {}
    try:
        return travel(_standing(solo), journeys(recorder.trace(solo.run.facts), solo.scope), STOP.requested)
    except Exception as error:  # of a network or an optimizer that cannot be copied: the run itself has ended well
        warn_of_no_look(solo.run.name, error)
        return {}


def warn_of_no_look(name: str, error: Exception) -> None:
    """Say that a verdict has to do with what was recorded."""
    text = str(error).splitlines()[0] if str(error) else ""
    warnings.warn(
        f"{name}: could not train a copy on, so the verdict rests on the record alone ({type(error).__name__}: {text})",
        stacklevel=2,
    )


def _standing(solo: Solo) -> Standing:
    cfg, module = solo.run.cfg, solo.module
    assert isinstance(solo.loader, IndexBatches)  # its scope is nowhere where the data does not lie in memory
    train = solo.loader.part
    batches = MemberBatches(train, cfg.batch_size, [cfg.seed], cfg.trainer.limit_train_batches)
    accumulate = cfg.trainer.accumulate_grad_batches
    return Standing(
        module.network,
        solo.trainer.optimizers[0],
        partial(build.optimizer, cfg),
        module.loss,
        partial(in_updates, batches.epoch, solo.steps.step // cfg.steps_per_epoch, accumulate),
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
