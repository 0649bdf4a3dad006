"""What is recorded already, so that a resumed run neither loses anything nor records a point twice."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from lrscope.core.point import Point


def dataset_place(name: str) -> str:
    """What a dataset is remembered by, beside the files of a run."""
    return f"dataset:{name}"


class History:
    """The last step of each key; of an earlier process also its values, to tell an exact replay from
    another.
    """

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._earlier_last: dict[str, int] = {}
        self._earlier: dict[str, tuple[array[int], array[float]]] = {}
        self.artifacts: set[str] = set()
        """Files, and datasets by ``dataset_place``, that an earlier process recorded."""
        self.differed = False
        """Whether a replayed point had another value than the one that is recorded."""

    def remember(self, points: Iterable[Point]) -> None:
        """Points of an earlier process, in the order of their steps."""
        for point in points:
            steps, values = self._earlier.setdefault(point.key, (array("q"), array("d")))
            steps.append(point.step)
            values.append(point.value)
            self.remember_steps({point.key: point.step})

    def remember_steps(self, last_steps: Mapping[str, int]) -> None:
        """Last steps of an earlier process's points whose values are not at hand."""
        for key, step in last_steps.items():
            self._earlier_last[key] = max(step, self._earlier_last.get(key, step))
            self._last[key] = self._earlier_last[key]

    def remember_artifact(self, place: str) -> None:
        self.artifacts.add(place)

    def last_step(self, key: str) -> int | None:
        return self._last.get(key)

    def admit(self, points: Sequence[Point]) -> list[Point]:
        """The points that no earlier process recorded."""
        kept = [point for point in points if self._is_new(point)] if self._earlier_last else list(points)
        for point in kept:
            self._last[point.key] = point.step
        return kept

    def _is_new(self, point: Point) -> bool:
        limit = self._earlier_last.get(point.key)
        if limit is None:
            return True
        if point.step <= limit:
            self.differed = self.differed or self._differs(point)
            return False
        del self._earlier_last[point.key]
        self._earlier.pop(point.key, None)
        return True

    def _differs(self, point: Point) -> bool:
        if (earlier := self._earlier.get(point.key)) is None:
            return False
        steps, values = earlier
        at = bisect_left(steps, point.step)
        if at == len(steps) or steps[at] != point.step:
            return False
        return values[at] != point.value and not (math.isnan(values[at]) and math.isnan(point.value))
