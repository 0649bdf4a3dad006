"""What a config asks of its data, and the data has not, or does not read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from lrscope.config.in_vain import Need, refers_to
from lrscope.core.errors import Problem

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from lrscope.training.build import Source


@dataclass(frozen=True)
class OnData:
    """A config and the data that it names."""

    cfg: DictConfig
    source: Source
    groups_set_rates: bool = False
    """Whether every parameter that is trained has a rate from its group."""

    def looks_at_what_is_there(self, key: str) -> bool:
        from omegaconf import OmegaConf

        from lrscope.runs.prepare import has_validation

        return has_validation(self.source) or not str(OmegaConf.select(self.cfg, key)).startswith("val/")

    def reads(self, key: str) -> bool:
        """Whether the data was made with that key of ``dataset``."""
        data = self.source.data
        if data is None:
            return True
        if key in _OF_A_DRAWN_PART:
            return data.val_is_drawn is not False
        return self.cfg.dataset._target_ != HUB or len(data.input_shape) == _OF_ONE_KIND[key]


HUB = "lrscope.datasets.hub.hub"

_OF_A_DRAWN_PART = ("dataset.seed", "dataset.val_fraction")

_OF_ONE_KIND = {"dataset.size": 3, "dataset.length": 1}
"""Keys that only images, or only texts, are made with: the dimensions of an example."""

_MONITORS = (
    *("callbacks.checkpoint.monitor", "callbacks.early_stopping.monitor", "scheduler.monitor"),
    "sweep.objective",
)

NEEDS = (
    *(
        Need(
            key,
            lambda run: not run.groups_set_rates,
            "every parameter that is trained has the rate of its group",
            "Leave it out, or give a group lr_factor in the place of lr.",
        )
        for key in ("lr", "optimizer.lr")
    ),
    Need(
        "batch_size",
        lambda run: run.source.data is not None or bool(refers_to(run.cfg, "batch_size")),
        "the DataModule makes its own batches, and does not refer to ${batch_size}",
        "Write '+dataset.batch_size=${batch_size}' where its class takes one, else leave it out.",
    ),
    *(
        Need(
            key,
            partial(OnData.looks_at_what_is_there, key=key),
            "the data have no validation part",
            f"Try {key}=train/loss_eval.",
        )
        for key in _MONITORS
    ),
    *(
        Need(key, partial(OnData.reads, key=key), "the data has a validation part of its own", "Leave it out.")
        for key in _OF_A_DRAWN_PART
    ),
    *(
        Need(key, partial(OnData.reads, key=key), f"this set of the hub holds no {what}", "Leave it out.")
        for key, what in (("dataset.size", "images"), ("dataset.length", "texts"))
    ),
)
"""What must be so of the data for a key to be read, see :mod:`lrscope.config.in_vain`."""

_ACCURACIES = ("train/acc", "val/acc")


def missing_of_data(cfg: DictConfig, source: Source) -> list[Problem]:
    """A regression has no accuracy to look at; few data sets have a part to test on."""
    from lrscope.runs.prepare import has_validation

    data = source.data
    name = data.name if data is not None else str(cfg.dataset.get("_target_"))
    found = []
    if source.task == "regression":
        looking = {
            "callbacks.checkpoint.monitor": cfg.callbacks.checkpoint.monitor,
            "callbacks.early_stopping.monitor": cfg.callbacks.early_stopping.monitor,
            "scheduler.monitor": cfg.scheduler.get("monitor"),
            "sweep.objective": cfg.sweep.objective,
        }
        rule = f"the dataset {name} has numbers to predict, and no accuracy"
        there = OnData(cfg, source).looks_at_what_is_there  # of a part that is not there ``NEEDS`` tells
        loss = "val/loss" if has_validation(source) else "train/loss_eval"
        found += [
            Problem(key, metric, rule, f"Try {key}={loss}.")
            for key, metric in looking.items()
            if metric in _ACCURACIES and there(key)
        ]
    if cfg.callbacks.test and (data is None or data.test is None):
        rule = f"the dataset {name} has no test part in memory"
        found.append(Problem("callbacks.test", "true", rule, "Leave it out, or give lrscope's Data a test part."))
    return [*found, *_one_class(cfg, source)]


def _one_class(cfg: DictConfig, source: Source) -> list[Problem]:
    """Labels that are all the same, for a loss that is known to look at nothing else."""
    from lrscope.config.monitors import is_users
    from lrscope.training.lightning_class import lightning_class

    data = source.data
    if data is None or data.task != "classification" or len(data.train) < 2:
        return []
    labels, loss = data.train.targets, cfg.loss.get("_target_")
    if int(labels.min()) < int(labels.max()) or lightning_class(cfg) is not None or (loss and is_users(loss)):
        return []
    name = data.classes[int(labels[0])]
    rule = f"all {len(labels):,} training examples are of one class, {name!r}: there is nothing to tell apart"
    return [Problem("dataset", data.name, rule, "Give it examples of another class.")]
