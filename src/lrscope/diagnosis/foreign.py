"""What the parameters of a run that lrscope did not make, or whose facts were lost, say about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from lrscope.core.from_store import setting
from lrscope.core.run_facts import RunFacts

_NAMES: Mapping[str, tuple[str, ...]] = {
    "peak_lr": (
        *("lr", "learning_rate", "peak_lr", "max_lr", "base_lr", "initial_lr", "init_lr"),
        *("starter_learning_rate", "lr0"),
    ),
    "optimizer": ("optimizer_target", "optimizer", "optimizer_name", "optimizer_type", "optim", "opt", "opt_name"),
    "momentum": ("momentum",),
    "nesterov": ("nesterov",),
    "beta1": ("beta1", "beta_1", "adam_beta1"),
    "scheduler": (
        *("scheduler_name", "scheduler", "lr_scheduler", "lr_schedule", "schedule", "scheduler_type"),
        *("lr_scheduler_type", "scheduler_target"),
    ),
    "batch_size": ("batch_size", "batchsize", "train_batch_size", "per_device_train_batch_size", "minibatch_size"),
    "planned_steps": ("total_steps", "max_steps", "num_steps", "steps", "n_steps", "num_training_steps"),
    "steps_per_epoch": ("steps_per_epoch", "batches_per_epoch"),
    "task": ("task",),
}
"""Names in small letters with underscores between their words, lrscope's own first."""

_ARGUMENTS = ("decay_rate", "decay_steps", "gamma", "step_size", "milestones", "patience", "factor", "t_max")
"""Of a schedule, beside a name of it: by themselves ``gamma``, ``patience`` and ``factor`` may be anything's."""

_IMPLIED = {"decay_rate": "exponential", "decay_steps": "exponential", "milestones": "multistep", "t_max": "cosine"}
"""Arguments that only a schedule has: a run with ``decay_steps`` was meant to decay, though nothing names how."""


def facts_from_params(params: Mapping[str, str]) -> RunFacts:
    """RunFacts from logged parameters, as far as their names are known; what is not known stays None.

    Parameters are text, as MLflow stores them; a dotted name counts by its last part where the whole is not known
    (``optimizer.momentum``).
    """
    arguments = {name: value for name in _ARGUMENTS if (value := next(_given(params, (name,)), None)) is not None}
    scheduler = _class_name(_text(params, "scheduler"))
    if scheduler is None:
        scheduler = next((name for key, name in _IMPLIED.items() if key in arguments), None)
    numbers = {name: number for name, text in arguments.items() if (number := setting(text)) is not None}
    task = _text(params, "task")
    return RunFacts(
        peak_lr=rate_from_params(params),
        optimizer=_class_name(_text(params, "optimizer")),
        momentum=setting(_text(params, "momentum")),
        nesterov=str(_text(params, "nesterov")).lower() in {"true", "1"},
        beta1=setting(_text(params, "beta1")),
        scheduler=scheduler,
        scheduler_arguments=numbers if scheduler is not None else {},
        planned_steps=_whole(_text(params, "planned_steps")),
        steps_per_epoch=_whole(_text(params, "steps_per_epoch")),
        task=task if task in ("classification", "regression") else None,
        batch_size=_whole(_text(params, "batch_size")),
    )


def rate_from_params(params: Mapping[str, str]) -> float | None:
    """The first number under a name that a learning rate has."""
    numbers = (setting(text) for text in _given(params, _NAMES["peak_lr"]))
    return next((number for number in numbers if number is not None), None)


def is_rate(name: str) -> bool:
    """Whether a parameter of that name holds the learning rate: ``lr``, ``optim.lr``; not an argument of a schedule."""
    return _plain(name) in _NAMES["peak_lr"] or _last(name) in _NAMES["peak_lr"]


def _given(params: Mapping[str, str], names: tuple[str, ...]) -> Iterator[str]:
    """The values under these names, in their order; those whose whole name it is before those whose last part it is."""
    for name in names:
        yield from (value for given, value in params.items() if value and _plain(given) == name)
        yield from (value for given, value in params.items() if value and _plain(given) != name == _last(given))


def _text(params: Mapping[str, str], fact: str) -> str | None:
    """The value of the fact's first name; what holds keys of its own (``{'name': …}``) is none."""
    return next((text for text in _given(params, _NAMES[fact]) if not text.startswith("{")), None)


@lru_cache(4096)
def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_")


@lru_cache(4096)
def _last(name: str) -> str:
    """The last part of a dotted name; of a schedule's rate (``scheduler.base_lr``) the whole: it is not the run's."""
    *roof, last = re.split(r"[./]", name)
    return _plain(name if last.lower().endswith("lr") and "sched" in "".join(roof).lower() else last)


def _whole(text: str | None) -> int | None:
    number = setting(text)
    return int(number) if number is not None and 0 < number < 2**63 else None


def _class_name(text: str | None) -> str | None:
    """``torch.optim.adam.Adam`` and ``adam`` are both Adam."""
    if text is None:
        return None
    name = re.split(r"[.\s(]", text.strip())[-1] if "(" not in text else re.split(r"[\s(]", text.strip())[0]
    name = name.rsplit(".", 1)[-1]
    known = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
    return known.get(name.lower(), name)
