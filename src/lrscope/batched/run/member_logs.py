"""What the members of a stack log by ``self.log``: in Lightning's own collection, with a number of each in the place of
one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from pytorch_lightning.trainer.connectors.logger_connector.fx_validator import _FxValidator
from pytorch_lightning.trainer.connectors.logger_connector.result import _ResultCollection
from torch import Tensor

from lrscope.batched.run.step_forward import Logged
from lrscope.training.user_module.carry_module import add_sums, sums_in
from lrscope.training.user_module.record_logged_values import RecordLoggedValues

Sums = Mapping[str, Mapping[str, Tensor]]

ONE_ONLY = ("prog_bar", "sync_dist", "sync_dist_group", "rank_zero_only")
"""What ``self.log`` may be told of one number on several devices, or on a line that shows it."""


class MemberLogs:
    """Of the training steps of an epoch, or of one evaluation.

    Args:
        step: the name of the steps that log.
        sums: of every member what it had logged in this epoch where it goes on from.
    """

    def __init__(self, step: str, sums: Sequence[Sums] = ()) -> None:
        self._step = step
        self._results = _ResultCollection(training=step == "training_step")
        keys = sums[0] if sums else {}
        self._before = {  # the examples that a mean is over are the same for all
            key: {**keys[key], "value": torch.stack([own[key]["value"].reshape(()) for own in sums])} for key in keys
        }

    def add(self, logged: Sequence[Logged], examples: int) -> None:
        """What one step of all members logged."""
        self._results.batch_size = examples
        for one in logged:
            options = {name: value for name, value in one.options.items() if name not in ONE_ONLY}
            levels = _FxValidator.check_logging_and_get_default_levels(
                self._step, options.pop("on_step", None), options.pop("on_epoch", None)
            )
            shown = True if options.pop("logger", None) is None else one.options["logger"]
            levels_and_logger = dict(zip(("on_step", "on_epoch", "logger"), (*levels, shown), strict=True))
            self._results.log(self._step, one.name, one.value, **levels_and_logger, **options)
            key = f"{self._step}.{one.name}"
            metric: Any = self._results[key]
            # A row of numbers would keep its own type, where Lightning's single sum has the widest of both.
            metric.value = metric.value.to(torch.promote_types(metric._defaults["value"].dtype, metric.value.dtype))
            if key in self._before:
                add_sums(metric, self._before.pop(key))

    def of_step(self) -> dict[str, Tensor]:
        """The values to record at this step, [M] each."""
        return self._recorded(on_step=True)

    def of_epoch(self) -> dict[str, Tensor]:
        """The values to record at the end, [M] each."""
        return self._recorded(on_step=False)

    def looked_at(self) -> dict[str, Tensor]:
        """What schedules, early stopping and the choice of the best epoch can look at, at the end."""
        return {**self._results.metrics(True)["callback"], **self._results.metrics(False)["callback"]}

    def end(self) -> None:
        """The epoch is over."""
        self._results.reset()
        self._before = {}

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all members but these."""
        for metric in self._results.values():
            for name in ("value", "_forward_cache", "_computed"):
                held = getattr(metric, name, None)
                if isinstance(held, Tensor) and held.dim():
                    setattr(metric, name, held[list(rows)])
        for sums in self._before.values():
            sums["value"] = sums["value"][list(rows)]

    def sums_of(self, row: int) -> dict[str, dict[str, Tensor]]:
        """What a member's single run would carry through its checkpoint."""
        found = sums_in(self._results)
        return {
            key: {name: tensor[row] if tensor.dim() else tensor for name, tensor in sums.items()}
            for key, sums in found.items()
        }

    def _recorded(self, on_step: bool) -> dict[str, Tensor]:
        values: Mapping[str, Any] = self._results.metrics(on_step)["log"]
        return {name: value for name, value in values.items() if name not in RecordLoggedValues.its_own}
