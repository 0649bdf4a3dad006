"""The order in which the trials of a search begin, where they do not train together."""

from __future__ import annotations


def starting_order(count: int) -> list[int]:
    """The places 0 to ``count`` - 1 as van der Corput's sequence comes by them: of eight 0, 4, 2, 6, 1, 5, 3, 7.

    Trials are numbered along the interval. In that order each would be better than the one before until the best one is
    reached, and none of them would be stopped.
    """
    bits = max(count - 1, 0).bit_length()
    order = (int(f"{place:0{bits}b}"[::-1], 2) if bits else 0 for place in range(1 << bits))
    return [place for place in order if place < count]
