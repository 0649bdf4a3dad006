"""Metrics that the config names, torchmetrics' or the user's own, over a whole part at fixed weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor

from lrscope.config.instantiate import accepts, instantiated, reason_of
from lrscope.core.errors import InputError, Problem
from lrscope.datasets.preprocessing import TargetScale
from lrscope.training.build import without

_REMEDIES = {
    "regression": "Try metrics=[r2,mae].",
    "classification": "Try metrics=[f1,auroc].",
}


@dataclass(frozen=True)
class Answered:
    """Answers and targets of some examples as metrics take them.

    Attributes:
        kind: ``binary`` (two classes: the probability of class 1 [N], and 0 or 1), ``multiclass`` (probabilities
            [N, C], and classes [N]), ``multilabel`` (probabilities and labels [N, K]), ``regression`` (numbers [N] or
            [N, D] in the user's unit).
    """

    kind: str
    answers: Tensor
    targets: Tensor

    @classmethod
    def of(cls, answers: Tensor, targets: Tensor, scale: TargetScale | None, labels: bool) -> Answered:
        """From what a network answers [N, ...] and the training's targets."""
        if targets.is_floating_point():
            if labels:
                return cls("multilabel", answers.sigmoid(), targets.round().long())
            if scale is not None:
                answers, targets = scale.in_units(answers), scale.in_units(targets)
            one = answers.dim() == 2 and answers.shape[1] == 1
            return cls("regression", *((t.squeeze(1) if one else t) for t in (answers, targets)))
        answers, targets = answers.flatten(0, -2), targets.flatten()
        if answers.shape[1] == 1:
            return cls("binary", answers.squeeze(1).sigmoid(), targets)
        probabilities = answers.softmax(1)
        return cls("binary", probabilities[:, 1], targets) if answers.shape[1] == 2 else cls(
            "multiclass", probabilities, targets
        )  # fmt: skip

    @property
    def both_classes(self) -> Tensor:
        """The probabilities [N, C] of a classification."""
        return torch.stack([1 - self.answers, self.answers], 1) if self.answers.dim() == 1 else self.answers


class MetricMeter:
    """The metrics of one run, each with a state of its own. How many classes there are is seen on the first answers.

    Args:
        groups: the config of each by its name.
        scale: of standardised targets, which are shown to metrics in the user's unit.
        labels: whether floating targets are labels.
    """

    def __init__(
        self, groups: Mapping[str, DictConfig], scale: TargetScale | None = None, labels: bool = False
    ) -> None:
        self._groups, self._scale, self._labels = dict(groups), scale, labels
        self._made: dict[str, Any] = {}
        self._by_column: set[str] = set()
        """Metrics of each column of a regression's targets: the mean of them is taken, as r2 takes it."""

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(self, answers: Tensor, targets: Tensor) -> None:
        """Takes in some more examples.

        Raises:
            InputError: a metric is none for such answers or targets.
        """
        shown = Answered.of(answers.detach(), targets, self._scale, self._labels)
        for name, group in self._groups.items():
            if name not in self._made:
                self._made[name] = _made(name, group, shown).to(answers.device)
                several = shown.kind == "regression" and shown.answers.dim() > 1
                if several and accepts(group, "num_outputs") and "num_outputs" not in group:
                    self._by_column.add(name)
            with _told(name, group), _quietly():
                self._made[name].update(*_fed(self._made[name], shown, answers, targets))

    def values(self) -> dict[str, float]:
        """Of all examples since the last call, by name.

        Raises:
            InputError: a metric is no single number.
        """
        found = {}
        for name, metric in self._made.items():
            with _told(name, self._groups[name]), _quietly():
                value = metric.compute()
                metric.reset()
                if name in self._by_column:
                    value = value.mean()
            is_number = isinstance(value, (int, float)) or (isinstance(value, Tensor) and value.numel() == 1)
            if not is_number:
                shown = f"{list(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
                remedy = "Choose one that is one number, e.g. average=macro."
                raise InputError(_problem(name, self._groups[name], f"gives {shown}, not one number", remedy))
            found[name] = float(value)
        return found


def metric_meter(cfg: DictConfig, scale: TargetScale | None, labels: bool) -> MetricMeter:
    """The metrics of a config, each time anew: a member of a stack has its own."""
    return MetricMeter({str(name): without(cfg.metrics[name], ()) for name in cfg.metrics}, scale, labels)


def _made(name: str, group: DictConfig, shown: Answered) -> Any:
    from torchmetrics import Metric

    target, several = str(group.get("_target_")), ("multiclass", "binary")
    family = "regression" if shown.kind == "regression" else "classification"
    other = {"regression": "torchmetrics.classification.", "classification": "torchmetrics.regression."}[family]
    if target.startswith(other):
        has = "numbers to predict" if family == "regression" else "classes"
        raise InputError(_problem(name, group, f"is no metric for these data, which have {has}", _REMEDIES[family]))
    kind = target.rpartition(".")[2]
    if shown.kind == "multilabel" and (kind.startswith(("Multiclass", "Binary")) or kind == "CohenKappa"):
        rule = "is no metric for several labels of an example"
        raise InputError(_problem(name, group, rule, _REMEDIES["classification"]))
    offered: dict[str, Any] = {}
    if accepts(group, "task"):
        offered["task"] = shown.kind
    count = shown.answers.shape[1] if shown.answers.dim() > 1 else 2
    counted = {"num_classes": shown.kind in several, "num_labels": shown.kind == "multilabel",
               "num_outputs": shown.kind == "regression" and shown.answers.dim() > 1}  # fmt: skip
    offered |= {key: count for key, applies in counted.items() if applies and accepts(group, key)}
    if "task" in offered and (unread := _unread(name, group, shown.kind)):
        raise InputError(unread)
    with _quietly():
        metric = instantiated(f"metrics.{name}", group, Metric, **{k: v for k, v in offered.items() if k not in group})
    metric.sync_on_compute = False  # every process of a distributed run sees the whole part
    return metric


_READ = {
    "num_classes": ("multiclass",), "top_k": ("multiclass",), "average": ("multiclass", "multilabel"),
    "num_labels": ("multilabel",), "threshold": ("binary", "multilabel"),
}  # fmt: skip
"""Which data torchmetrics reads an argument of; for others it drops it without a word."""
_AS_IT_IS = {"num_classes": (2,), "top_k": (1,), "average": ("macro", "micro")}
"""What says nothing new of two classes: the shipped options have such."""


def _unread(name: str, group: DictConfig, kind: str) -> list[Problem]:
    task, found = str(group.get("task", kind)), []
    for key, tasks in _READ.items():
        value = group.get(key)
        if value is not None and task not in tasks and value not in _AS_IT_IS.get(key, ()):
            rule = f"has no effect with task={task}, which these data have"
            instead = f"Leave it out, or add +metrics.{name}.task=multiclass." if kind == "binary" else "Leave it out."
            found.append(Problem(f"metrics.{name}.{key}", str(value), rule, instead))
    return found


def _fed(metric: Any, shown: Answered, answers: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """What a metric is given: torchmetrics' what their kind takes, the user's own the answers as they are."""
    if not type(metric).__module__.startswith("torchmetrics."):
        return answers.detach(), targets
    if type(metric).__name__.startswith("Multiclass"):
        return shown.both_classes, shown.targets
    return shown.answers, shown.targets


@contextmanager
def _told(name: str, group: DictConfig) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        rule = f"cannot take these answers and targets ({reason_of(error)})"
        raise InputError(_problem(name, group, rule, "Choose another, see docs/recipes.md.")) from error


@contextmanager
def _quietly() -> Iterator[None]:
    """An F1 without a single positive example is 0, and no warning at every epoch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _problem(name: str, group: DictConfig, rule: str, remedy: str) -> Problem:
    return Problem(f"metrics.{name}", str(group.get("_target_")), rule, remedy)
