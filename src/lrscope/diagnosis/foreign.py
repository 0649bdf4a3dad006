"""What the parameters of a run that lrscope did not make say about it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lrscope.core.trace import RunFacts

_NAMES: Mapping[str, tuple[str, ...]] = {
    "peak_lr": ("lr", "learning_rate", "max_lr", "base_lr", "initial_lr", "init_lr", "starter_learning_rate", "lr0"),
    "optimizer": ("optimizer", "optimizer_name", "optim", "opt", "opt_name"),
    "momentum": ("momentum",),
    "nesterov": ("nesterov",),
    "beta1": ("beta1", "beta_1", "adam_beta1"),
    "scheduler": ("scheduler", "lr_scheduler", "lr_schedule", "schedule", "scheduler_name", "lr_scheduler_type"),
    "batch_size": ("batch_size", "batchsize", "train_batch_size", "per_device_train_batch_size", "minibatch_size"),
    "planned_steps": ("total_steps", "max_steps", "num_steps", "steps", "n_steps", "num_training_steps"),
    "steps_per_epoch": ("steps_per_epoch", "batches_per_epoch"),
    "task": ("task",),
}
_SCHEDULE_ARGUMENTS = ("decay_rate", "decay_steps", "gamma", "step_size", "milestones", "patience", "factor", "t_max")
_FROM_ARGUMENTS = {"decay_rate": "exponential", "decay_steps": "exponential", "gamma": "decaying", "step_size": "step"}
_FROM_ARGUMENTS |= {"milestones": "multistep", "t_max": "cosine"}


def facts_from_params(params: Mapping[str, str]) -> RunFacts:
    """RunFacts from logged parameters, as far as their names are known; what is not known stays None.

    Parameters are text, as MLflow stores them; a dotted or nested name counts by its last part where the whole is not
    known (``optimizer.momentum``). A schedule that no parameter names is inferred from its arguments: a run with
    ``decay_steps`` was meant to decay.
    """
    plain = {_plain(key): value for key, value in params.items()}
    last = {_plain(re.split(r"[./]", key)[-1]): value for key, value in params.items()}

    def text(fact: str) -> str | None:
        return next((plain.get(n) or last.get(n) for n in _NAMES[fact] if plain.get(n) or last.get(n)), None)

    arguments = {n: _number(v) for n in _SCHEDULE_ARGUMENTS if (v := plain.get(n, last.get(n))) is not None}
    numbers = {n: number for n, number in arguments.items() if number is not None}
    scheduler = text("scheduler")
    if scheduler is None:
        scheduler = next((name for key, name in _FROM_ARGUMENTS.items() if key in numbers), None)
    return RunFacts(
        peak_lr=_number(text("peak_lr")),
        optimizer=_class_name(text("optimizer")),
        momentum=_number(text("momentum")),
        nesterov=str(text("nesterov")).lower() in {"true", "1"},
        beta1=_number(text("beta1")),
        scheduler=scheduler,
        scheduler_arguments=numbers,
        planned_steps=_whole(text("planned_steps")),
        steps_per_epoch=_whole(text("steps_per_epoch")),
        task=text("task"),
        batch_size=_whole(text("batch_size")),
    )


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", name.strip().lower()).strip("_")


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _whole(text: str | None) -> int | None:
    number = _number(text)
    return int(number) if number is not None and number == number and number > 0 else None


def _class_name(text: str | None) -> str | None:
    """``torch.optim.adam.Adam`` and ``adam`` are both Adam."""
    if text is None:
        return None
    name = re.split(r"[.\s(]", text.strip())[-1] if "(" not in text else re.split(r"[\s(]", text.strip())[0]
    name = name.rsplit(".", 1)[-1]
    known = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
    return known.get(name.lower(), name)
