"""What a report recommends for one group of members."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Evidence = Literal["clear", "tentative", "none"]

CONFIDENCE = 0.8
"""Of the range in which the best rate lies."""


@dataclass(frozen=True)
class Recommendation:
    """What to use for one group of members.

    ``best`` is the recommended value among those of the x axis that were tried (None: none can be recommended), and
    ``loss`` its loss, or the metric that decides: the mean of that at its best and at the end. ``use`` is what to train
    with: ``best``, or a rate between those that were tried where a smooth curve lies clearly lower there.

    Of rates, ``low`` to ``high`` is where the best one lies with the probability ``confidence``, and ``sure`` the
    probability that ``use`` is within 2% (of what training gained) of it. Where no curve could be laid through them,
    ``confidence`` and ``sure`` are None and ``low`` to ``high`` are the neighbours that are as good, within
    ``tolerance``; ``basis`` says where that comes from.

    ``sentences`` say it in words, ``warnings`` what speaks against it, ``commands`` what to run next, each with its
    reason, the most useful first.
    """

    group: str
    axis: str
    best: float | str | None
    use: float | str | None
    loss: float
    low: float | str | None
    high: float | str | None
    confidence: float | None
    sure: float | None
    tolerance: float
    basis: str
    evidence: Evidence
    sensitivity: float | None
    sentences: tuple[str, ...]
    warnings: tuple[str, ...]
    commands: tuple[tuple[str, str], ...]

    @property
    def headline(self) -> str:
        return self.sentences[0]

    @property
    def tried(self) -> bool:
        """Whether a member trained with what is recommended."""
        return self.use == self.best


def loss(value: float) -> str:
    """A loss as people read it: four significant digits, no ``e-01``."""
    return "not finite" if not math.isfinite(value) else f"{value:.4g}"
