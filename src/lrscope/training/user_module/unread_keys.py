"""Keys of the config that a LightningModule leaves no use for: it has a loss and metrics of its own."""

from __future__ import annotations

from omegaconf import DictConfig

from lrscope.core.errors import Problem
from lrscope.training.lightning_class import rate_arguments

LOGS = "Log it in the module: self.log('val/f1', …)."


def unread_by_module(cfg: DictConfig) -> list[Problem]:
    """What was asked for and would have no effect."""
    target, asked = cfg.model._target_, cfg.callbacks
    rate = float(cfg.optimizer.get("lr") or cfg.lr)
    found = [
        Problem(
            f"model.{name}", str(cfg.model[name]), f"the rate is {rate:g}, which lr says", "Set lr= and leave it out."
        )
        for name in rate_arguments(cfg)
        if name in cfg.model and cfg.model[name] != rate
    ]
    if cfg.loss.get("_target_") is not None:
        rule = f"{target} computes its own loss in its training_step"
        found.append(Problem("loss._target_", str(cfg.loss._target_), rule, "Leave it out, or change the module."))
    for name in cfg.metrics:
        rule = f"{target} is a LightningModule, of whose answers only its own steps know"
        found.append(Problem(f"metrics.{name}", "", rule, LOGS))
    if asked.sharpness_every_epochs is not None:
        rule = "is measured of networks whose loss comes from the config"
        found.append(
            Problem("callbacks.sharpness_every_epochs", str(asked.sharpness_every_epochs), rule, "Leave it out.")
        )
    if asked.parameters:
        rule = "follows networks whose loss comes from the config"
        found.append(Problem("callbacks.parameters", "true", rule, "Leave it out."))
    if asked.test:
        rule = "a LightningModule is not tested by lrscope so far"
        found.append(Problem("callbacks.test", "true", rule, "Leave it out; its best weights are kept."))
    return found
