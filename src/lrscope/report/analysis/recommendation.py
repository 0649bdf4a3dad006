"""What a report recommends for one group of members."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Evidence = Literal["clear", "tentative", "none"]


@dataclass(frozen=True)
class Recommendation:
    """What to use for one group of members.

    ``best`` is the recommended value of the x axis (None: none can be recommended), ``low`` and ``high`` the range of
    neighbours that are as good, ``tolerance`` how much loss counts as equal and ``basis`` why. ``sentences`` say it in
    words, ``warnings`` what speaks against it, ``commands`` what to run next, each with its reason.
    """

    group: str
    axis: str
    best: float | str | None
    loss: float
    low: float | str | None
    high: float | str | None
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


def loss(value: float) -> str:
    """A loss as people read it: four significant digits, no ``e-01``."""
    return "not finite" if not math.isfinite(value) else f"{value:.4g}"
