"""The names under which other tools record what lrscope calls ``train/loss``, ``val/acc``, ``lr`` …"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from lrscope.core.trace import Series, Trace

ALIASES: Mapping[str, tuple[str, ...]] = {
    "train/loss": ("loss", "train_loss", "training_loss", "loss_train", "train_loss_step", "batch_loss", "step_loss"),
    "train/loss_epoch": ("train_loss_epoch", "epoch_loss", "loss_epoch", "training_loss_epoch"),
    "train/loss_eval": ("train_loss_eval", "train_eval_loss"),
    "val/loss": ("val_loss", "validation_loss", "valid_loss", "eval_loss", "loss_val", "dev_loss", "val_loss_epoch"),
    "train/acc": ("acc", "accuracy", "train_acc", "train_accuracy", "training_accuracy", "train_acc_epoch"),
    "val/acc": ("val_acc", "val_accuracy", "validation_accuracy", "valid_accuracy", "eval_accuracy", "eval_acc"),
    "lr": ("learning_rate", "train_lr", "train_learning_rate", "current_lr", "rate"),
    "grad_norm": ("gradient_norm", "train_grad_norm", "grad_2_0_norm_total", "total_norm"),
    "dead_units": ("dead_relu", "dead_neurons"),
}
_CANONICAL = {alias: name for name, aliases in ALIASES.items() for alias in (*aliases, re.sub(r"\W", "_", name))}


def canonical_name(metric: str) -> str:
    """lrscope's name for a metric, whatever the spelling: ``Train-Loss`` is ``train/loss``, ``lr-Adam`` is ``lr``.

    A metric without a known alias keeps its name.
    """
    plain = re.sub(r"\W+", "_", metric.strip().lower()).strip("_")
    if re.fullmatch(r"lr_[a-z]+", plain):
        return "lr"
    return _CANONICAL.get(plain, metric)


def canonical(trace: Trace) -> Trace:
    """The trace with lrscope's own metric names, ascending steps, and epoch counters turned into steps.

    A metric that already has lrscope's name wins over an alias of it. A curve whose points stand at 0, 1, 2 … (or
    1, 2 …) while another runs to at least twice that step was recorded by epoch: its points move to the epochs' ends.
    """
    series: dict[str, Series] = {}
    for metric, curve in trace.series.items():
        name = canonical_name(metric)
        if name in trace.series and metric.startswith("lr/"):
            name = metric  # the rate of another parameter group
        if len(curve) and (name == metric or name not in trace.series) and name not in series:
            series[name] = _ordered(curve)
    last = max((int(curve.steps[-1]) for curve in series.values()), default=0)
    return Trace({name: _by_step(curve, last) for name, curve in series.items()}, trace.facts)


def _ordered(curve: Series) -> Series:
    """Ascending steps, the last value where a step was recorded twice."""
    order = np.argsort(curve.steps, kind="stable")
    steps, values = np.asarray(curve.steps)[order], np.asarray(curve.values, dtype=np.float64)[order]
    keep = np.append(steps[1:] != steps[:-1], True)
    return Series(steps[keep], values[keep])


def _by_step(curve: Series, last: int) -> Series:
    count = len(curve)
    if count < 2 or last < 2 * (int(curve.steps[-1]) + 1):
        return curve
    if np.any(np.diff(curve.steps) != 1) or curve.steps[0] > 1:
        return curve
    ends = np.round((last + 1) * np.arange(1, count + 1) / count).astype(np.int64) - 1
    return Series(ends, curve.values)
