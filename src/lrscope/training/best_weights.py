"""The best weights of a run so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

Weights = Callable[[], Mapping[str, Tensor]]
"""The ``state_dict`` of a run's module as it is now."""


class BestWeights:
    """The weights of the epoch whose monitored metric was lowest (highest for accuracies).

    Until there is one, the initial weights: the last good ones of a run that diverges in its first epoch.
    """

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self.sign = -1.0 if monitor.rsplit("/", 1)[-1].startswith("acc") else 1.0
        self.weights: dict[str, Tensor] = {}
        self.score: float | None = None
        self.epoch = 0

    def begin(self, weights: Weights) -> None:
        """Before the first update; a resumed run has weights already."""
        if not self.weights:
            self._keep(weights, 0)

    def end_epoch(self, epoch: int, value: float | None, weights: Weights) -> None:
        """So many epochs are done, and the metric came to this."""
        if value is None or not math.isfinite(value):
            return
        score = self.sign * value
        if self.score is None or score < self.score:
            self.score = score
            self._keep(weights, epoch)

    def state_dict(self) -> dict[str, Any]:
        return {"weights": self.weights, "score": self.score, "epoch": self.epoch}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.weights, self.score, self.epoch = state["weights"], state["score"], state["epoch"]

    def _keep(self, weights: Weights, epoch: int) -> None:
        self.weights = {key: value.detach().clone() for key, value in weights().items()}
        self.epoch = epoch
