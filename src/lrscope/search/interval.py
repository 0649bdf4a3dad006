"""A range of numbers that is searched."""

from __future__ import annotations

import math
from dataclasses import dataclass

DIGITS = 3
"""Significant digits of a value that is tried: neighbours of 64 in six decades differ by a quarter."""

DECADE = 10.0


@dataclass(frozen=True)
class Interval:
    """``key`` as it is typed, with the ``+`` of a key that is added. ``log``: even in the logarithm. ``whole``: whole
    numbers only.
    """

    key: str
    low: float
    high: float
    log: bool
    whole: bool = False

    @classmethod
    def of(cls, key: str, low: float, high: float, whole: bool = False, log: bool | None = None) -> Interval:
        """In logarithms where nothing else is asked for and it is positive and spans a decade."""
        spans = low > 0 and high / low >= DECADE
        return cls(key, low, high, spans if log is None else log, whole)

    def at(self, place: float) -> float:
        """The number at a place from 0 to 1, rounded to what is typed."""
        value = self.low * (self.high / self.low) ** place if self.log else self.low + place * (self.high - self.low)
        if self.whole:
            return float(min(max(round(value), math.ceil(self.low)), math.floor(self.high)))
        return min(max(self._rounded(value), self.low), self.high)

    def word(self, place: float) -> str:
        """The override that sets the key to the number at a place from 0 to 1."""
        value = self.at(place)
        return f"{self.key}={int(value)}" if self.whole else f"{self.key}={repr(value).removesuffix('.0')}"

    def place(self, value: float) -> float:
        """Where a number lies in it, from 0 to 1."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def _rounded(self, value: float) -> float:
        """To as many digits as tell neighbours apart: of the number, or of the width where that is small beside it."""
        width = value if self.log else self.high - self.low
        decimals = DIGITS - 1 - math.floor(math.log10(abs(width))) if width else DIGITS
        return round(value, decimals)
