"""Whether a config's model is a LightningModule of the user's, which brings its own loss, steps and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from lrscope.config.instantiate import accepts, named
from lrscope.config.lightning_names import lightning_package

if TYPE_CHECKING:
    import pytorch_lightning as pl

TRAINED = "pytorch_lightning"
"""The package whose modules are trained."""

RATES = ("lr", "learning_rate")
"""Parameters of its constructor that take the peak rate."""


def lightning_class(cfg: DictConfig) -> type[pl.LightningModule] | None:
    """The class that ``model._target_`` names, where it is a LightningModule; None for a network."""
    found: Any = named(cfg.model)
    return found if lightning_package(found) == TRAINED else None


def reads_validation(cfg: DictConfig) -> bool:
    """Whether a validation part is looked at: not by a LightningModule without a ``validation_step``."""
    kind = lightning_class(cfg)
    return kind is None or overrides(kind, "validation_step")


def trains_itself(cfg: DictConfig) -> bool:
    """Whether ``configure_optimizers`` of the module makes the optimizers: with ``optimizer=own``."""
    return bool(cfg.optimizer.get("_target_") is None and cfg.optimizer.get("name") == "own")


def rate_arguments(cfg: DictConfig) -> list[str]:
    """The parameters of the module's constructor that take the rate."""
    return [name for name in RATES if accepts(cfg.model, name)]


def overrides(kind: type[pl.LightningModule], hook: str) -> bool:
    """Whether a class has a hook of its own."""
    import pytorch_lightning as pl

    return getattr(kind, hook) is not getattr(pl.LightningModule, hook)
