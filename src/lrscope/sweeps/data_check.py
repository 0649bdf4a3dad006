"""What a config asks of its data, and the data has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrscope.core.errors import Problem

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from lrscope.training.build import Source

_ACCURACIES = ("train/acc", "val/acc")


def missing_of_data(cfg: DictConfig, source: Source) -> list[Problem]:
    """A regression has no accuracy to look at; few data sets have a part to test on."""
    data = source.data
    name = data.name if data is not None else str(cfg.dataset.get("_target_"))
    found = []
    if source.task == "regression":
        looking = {
            "callbacks.checkpoint.monitor": cfg.callbacks.checkpoint.monitor,
            "callbacks.early_stopping.monitor": cfg.callbacks.early_stopping.monitor,
            "scheduler.monitor": cfg.scheduler.get("monitor"),
        }
        rule = f"the dataset {name} has numbers to predict, and no accuracy"
        found += [Problem(key, m, rule, f"Try {key}=val/loss.") for key, m in looking.items() if m in _ACCURACIES]
    if cfg.callbacks.test and (data is None or data.test is None):
        rule = f"the dataset {name} has no test part in memory"
        found.append(Problem("callbacks.test", "true", rule, "Leave it out, or give lrscope's Data a test part."))
    return found
