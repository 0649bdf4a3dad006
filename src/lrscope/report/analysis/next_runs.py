"""Commands to paste: the same sweep with other rates or more seeds."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from typing import Literal

from lrscope.report.analysis.comparison import Group
from lrscope.report.data.axes import SEED, format_rate

DECADE = 10.0
SEEDS = "0,1,2,3,4"


def beyond(group: Group, best: float, rates: Sequence[float], edge: Literal["lowest", "highest", "both"]) -> str:
    """The best rate again and two or three steps past it, as wide as the sweep's own but at most a decade."""
    step = _step(best, rates)
    exponents = {"lowest": (-3, -2, -1, 0), "highest": (0, 1, 2, 3), "both": (-2, -1, 0, 1, 2)}[edge]
    return command(group, [best * step**exponent for exponent in exponents])


def between(group: Group, best: float, rates: Sequence[float]) -> str:
    """The best rate and two rates on either side, evenly spread in the logarithm up to its neighbours."""
    place = list(rates).index(best)
    found = {best}
    for neighbour in (*rates[max(place - 1, 0) : place], *rates[place + 1 : place + 2]):
        found |= {best ** (1 - part) * neighbour**part for part in (1 / 3, 2 / 3)}
    return command(group, sorted(found))


def around(group: Group, rate: float) -> str:
    """Half a decade and a decade to either side of the rate that all settings shared."""
    return command(group, [rate * DECADE**power for power in (-1, -0.5, 0, 0.5, 1)])


def lower(group: Group, lowest: float) -> str:
    """Three decades below everything that was tried."""
    return command(group, [lowest / DECADE**power for power in (3, 2, 1)])


def more_seeds(group: Group, rates: Sequence[float]) -> str:
    """Five seeds of the rates that compete; of all that was swept where none are named."""
    return command(group, rates, seeds=SEEDS)


def command(group: Group, rates: Sequence[float], seeds: str | None = None) -> str:
    """The sweep's own command with its rates, and its seeds where asked, replaced; quoted for a shell.

    Of a sweep that lrscope did not make only the settings are told: its program is not known.
    """
    settings = dict(group.settings)
    words = [
        word
        for word in group.sweep.overrides
        if (key := word.lstrip("+~").split("=", 1)[0]) not in settings
        and not (key == group.rate_key and rates)
        and not (key == SEED and seeds)
    ]
    words += [f"{key}={value}" for key, value in settings.items()]
    if rates:
        words.append(f"{group.rate_key}=" + ",".join(nice(rate) for rate in rates))
    if seeds:
        words.append(f"seed={seeds}")
    quoted = " ".join(shlex.quote(word) for word in words)
    return f"python train.py -m {quoted}" if group.sweep.ours else quoted


def nice(rate: float) -> str:
    """Two significant digits: a rate that somebody would type."""
    return format_rate(float(f"{rate:.2g}"))


def _step(best: float, rates: Sequence[float]) -> float:
    """The factor between the best rate and its nearest neighbour, 2 to 10; 10 where it has none."""
    ratios = [max(rate / best, best / rate) for rate in rates if rate > 0 and rate != best]
    step = min(ratios, default=DECADE)
    return min(max(step, 2.0), DECADE) if math.isfinite(step) else DECADE
