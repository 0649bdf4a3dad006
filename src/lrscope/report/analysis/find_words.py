"""The finding of a find in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from lrscope.core.found_rate import FoundRate, RateAt


def headline(found: FoundRate, key: str) -> str:
    """The rate for the planned updates, in one line; or why it cannot be told.

    Args:
        key: of the config, that sets the rate.
    """
    measured = f"measured at {_listed(one.updates for one in found.optima)} updates" if found.optima else ""
    if found.best is None:
        words = f"cannot tell {key} for {found.planned:,} updates: {found.why_not}"
        return "; ".join(part for part in (words, _failing(found), measured) if part)
    best = found.best
    words = f"{key}={found.lr:g} for {best.updates:,} updates ({_range(best)}, 80% interval)"
    return "; ".join(part for part in (words, _failing(found), measured) if part)


def further_lines(found: FoundRate) -> tuple[str, ...]:
    """How sure it is, what the law says of longer runs, what it took, and what speaks against it."""
    lines = []
    if found.best is not None:
        lines.append(f"within a factor of 2 of the best rate with {found.sure:.0%}")
        longer = ", ".join(f"{one.rate:.2g} ({_range(one)}) for {one.updates:,}" for one in found.longer)
        lines.append(f"the best rate falls as updates^{found.slope:.2f}: {longer} updates")
    return (*lines, f"each copy took {found.spent:.0%} of the updates of a run", *found.cautions)


def _failing(found: FoundRate) -> str:
    return f"copies fail from {found.fails_from:.2g}" if found.fails_from is not None else ""


def _range(one: RateAt) -> str:
    return f"{one.low:.2g} to {one.high:.2g}"


def _listed(counts: Iterator[int]) -> str:
    *first, last = (f"{count:,}" for count in counts)
    return f"{', '.join(first)} and {last}" if first else last
