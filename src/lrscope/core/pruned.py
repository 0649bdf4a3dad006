"""That a search stopped a member, as its record keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lrscope.core.from_store import entries, number, whole

PRUNED = "lrscope.pruned"
"""Tag of a member that a search stopped: :class:`Pruned` as JSON."""


@dataclass(frozen=True)
class Pruned:
    """``epoch`` (from 1) that it ended with, the ``rung`` (from 1) of those of its search, its ``place`` (from 1) among
    as many as ``among`` settings there, of which ``kept`` went on.

    ``forecast``: the loss that it was judged by; None where that was the latest. ``update``: that it ended behind,
    where that is not the end of the epoch.
    """

    epoch: int
    rung: int
    place: int
    among: int
    kept: int
    forecast: float | None = None
    update: int | None = None

    @property
    def where(self) -> str:
        """``epoch 4``, or ``update 200``."""
        return f"epoch {self.epoch}" if self.update is None else f"update {self.update:,}"

    @property
    def reason(self) -> str:
        """In a sentence, without its full stop."""
        came = " by what they had come to"
        if self.forecast is not None:
            came = f": its loss was forecast to end at {self.forecast:.4g}"
        went = "went on" if self.kept > 1 else "went on alone"
        return f"the search stopped it at {self.where}, {self.place} of {self.among}, where {self.kept} {went}{came}"

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "reason": self.reason})

    @classmethod
    def from_json(cls, text: str | None) -> Pruned | None:
        """What ``to_json`` wrote; None where the text is nothing of the kind."""
        return cls.of(entries(text))

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Pruned | None:
        """From its fields; None where one is missing, or no count."""
        names = ("epoch", "rung", "place", "among", "kept")
        counts = {name: whole((stored or {}).get(name), low=1) for name in names}
        known = {name: count for name, count in counts.items() if count is not None}
        if stored is None or len(known) < len(names):
            return None
        forecast = stored.get("forecast")
        update = whole(stored.get("update"), low=1)
        return cls(**known, forecast=None if forecast is None else number(forecast), update=update)
