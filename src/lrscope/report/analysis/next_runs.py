"""Commands to paste: the same sweep with other rates or more seeds."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from typing import Literal

from lrscope.core.command_words import resume_command, train_again
from lrscope.report.analysis.comparison import Group
from lrscope.report.data.axes import SEED, format_rate
from lrscope.report.data.stored_sweep import Sweep

GO_ON = "To go on with the members that have not ended"
DECADE = 10.0
SEEDS = 5


def go_on(sweep: Sweep) -> tuple[str, str]:
    """A reason, and the command that goes on with a sweep."""
    return GO_ON, resume_command(sweep.overrides, sweep.run_id, sweep=True)


def beyond(group: Group, best: float, rates: Sequence[float], edge: Literal["lowest", "highest", "both"]) -> str:
    """The rate at that end again and two or three steps past it, as wide as the sweep's own but at most a decade."""
    step = _step(best, rates)
    exponents = {"lowest": (-3, -2, -1, 0), "highest": (0, 1, 2, 3), "both": (-2, -1, 0, 1, 2)}[edge]
    return command(group, [best * step**exponent for exponent in exponents])


def between(group: Group, low: float, high: float, use: float | str | None) -> str:
    """Five rates from the lowest to the highest, evenly spread in the logarithm, the recommended one among them."""
    spread = [float(nice(low * (high / low) ** (part / 4))) for part in range(5)]
    if isinstance(use, float):  # in the place of the nearest
        spread[min(range(5), key=lambda place: abs(math.log(spread[place] / use)))] = use
    return command(group, list(dict.fromkeys(spread)))


def around(group: Group, rate: float) -> str:
    """Half a decade and a decade to either side of the rate that all settings shared."""
    return command(group, [rate * DECADE**power for power in (-1, -0.5, 0, 0.5, 1)])


def lower(group: Group, lowest: float) -> str:
    """Three decades below everything that was tried."""
    return command(group, [lowest / DECADE**power for power in (3, 2, 1)])


def more_seeds(group: Group, rates: Sequence[float], had: int = 1) -> str:
    """Five seeds, or twice as many as there were, of the rates that compete; of all that was swept where none are
    named.
    """
    count = SEEDS if had < SEEDS else 2 * had
    return command(group, rates, seeds=",".join(map(str, range(count))))


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
        and not (rates and (key == "search" or key.startswith("search.")))
    ]
    words += [f"{key}={value}" for key, value in settings.items()]
    if rates:
        tried = {cell.x for cell in group.cells}
        texts = [exact(rate) if rate in tried else nice(rate) for rate in rates]
        words.append(f"{group.rate_key}=" + ",".join(texts))
    if seeds:
        words.append(f"seed={seeds}")
    return train_again(words, sweep=True) if group.sweep.ours else " ".join(map(shlex.quote, words))


def exact(rate: float) -> str:
    """The very rate that was tried, as short as it can be written: ``0.01``, ``0.00316228``, ``1``."""
    return f"{rate:g}" if float(f"{rate:g}") == rate else repr(rate)


def nice(rate: float) -> str:
    """Two significant digits: a rate that somebody would type."""
    return format_rate(float(f"{rate:.2g}"))


def _step(best: float, rates: Sequence[float]) -> float:
    """The factor between the best rate and its nearest neighbour, 2 to 10; 10 where it has none."""
    ratios = [max(rate / best, best / rate) for rate in rates if rate > 0 and rate != best]
    step = min(ratios, default=DECADE)
    return min(max(step, 2.0), DECADE) if math.isfinite(step) else DECADE
