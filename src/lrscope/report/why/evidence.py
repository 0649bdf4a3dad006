"""The curves that show why a run failed: what a small figure beside the sentence draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrscope.core.trace import Series
from lrscope.core.verdict import Verdict
from lrscope.report.analysis.member_numbers import train_loss
from lrscope.report.data.stored_sweep import Member
from lrscope.report.figures.limits import Axis, averaged, spanning, thinned

MOST_LINES = 5
"""Of more members than this only the first ones are drawn."""

POINTS = 60
LAST = 0.2
"""Share of the steps whose single batches show a bounce."""


@dataclass(frozen=True)
class Line:
    """One curve; ``reference`` marks that of the recommended member."""

    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    reference: bool = False


@dataclass(frozen=True)
class Evidence:
    """A small figure: what it shows, on which axis, and for the eye the words at its curves."""

    title: str
    y: Axis
    lines: tuple[Line, ...]

    @property
    def steps(self) -> tuple[int, int]:
        """The first and the last step that it shows."""
        return min(int(line.steps[0]) for line in self.lines), max(int(line.steps[-1]) for line in self.lines)


def evidence_of(verdict: Verdict, members: Sequence[Member], best: Member | None) -> tuple[Evidence, ...]:
    """At most two figures, the more telling one first; none where nothing that shows it was recorded."""
    found = [
        figure for name in verdict.meaning.shown_by if (figure := FIGURES[name](members[:MOST_LINES], best)) is not None
    ]
    return tuple(found[:2])


Draw = Callable[[Sequence[Member], Member | None], Evidence | None]


def _dead_units(members: Sequence[Member], _: Member | None) -> Evidence | None:
    lines = [_line(_deadest(member)) for member in members]
    return _figure("share of dead units, worst layer", lines, Axis("", 0.0, 1.0))


def _deadest(member: Member) -> Series:
    """The curve of the layer with the most dead units at the end."""
    curves = [c for name, c in member.trace.series.items() if name.partition("/")[0] == "dead_units" and len(c)]
    return max(curves, key=lambda curve: float(curve.values[-1]), default=member.trace.get("dead_units"))


def _spread(members: Sequence[Member], _: Member | None) -> Evidence | None:
    lines = [_line(_from_the_start(member)) for member in members]
    highest = max((float(line.values.max()) for line in lines if line is not None), default=0.0)
    return _figure("spread of the answers", lines, Axis("", 0.0, 1.1 * highest or 1.0))


def _from_the_start(member: Member) -> Series:
    """The spread by epoch, with that of the network before its first update."""
    curve, start = member.trace.get("output_spread"), member.trace.get("output_spread_start")
    if not len(curve) or not len(start) or curve.steps[0] == 0:
        return curve
    return Series(np.append(0, curve.steps), np.append(start.values[0], curve.values))


def _gradient(members: Sequence[Member], _: Member | None) -> Evidence | None:
    return _figure("gradient norm", [_line(member.trace.get("grad_norm")) for member in members])


def _cosine(members: Sequence[Member], _: Member | None) -> Evidence | None:
    lines = [_line(member.trace.get("update_cosine"), smooth=True) for member in members]
    return _figure("cosine of an update with the one before", lines, Axis("", -1.0, 1.0))


def _bounce(members: Sequence[Member], _: Member | None) -> Evidence | None:
    lines = []
    for member in members[:1]:
        curve = member.trace.get("train/loss")
        late = curve.steps >= (1 - LAST) * curve.steps[-1] if len(curve) else np.empty(0, bool)
        lines.append(_line(Series(curve.steps[late], curve.values[late])))
    return _figure("loss of each batch, last fifth of the run", lines)


def _loss(members: Sequence[Member], best: Member | None) -> Evidence | None:
    lines = [_line(_usual_loss(member)) for member in members]
    if best is not None and any(line is not None for line in lines):
        beside = _line(_usual_loss(best))
        lines.append(Line(beside.steps, beside.values, reference=True) if beside is not None else None)
    return _figure("training loss", lines)


def _usual_loss(member: Member) -> Series:
    """By epoch where there are several, else by batch."""
    curve, batches = train_loss(member.trace), member.trace.get("train/loss")
    return curve if len(curve) > 3 or not len(batches) else batches


def _blow_up(members: Sequence[Member], _: Member | None) -> Evidence | None:
    return _figure("loss of each batch", [_line(member.trace.get("train/loss")) for member in members])


def _validation(members: Sequence[Member], _: Member | None) -> Evidence | None:
    return _figure("validation loss", [_line(member.trace.get("val/loss")) for member in members])


def _rate(members: Sequence[Member], _: Member | None) -> Evidence | None:
    return _figure("learning rate", [_line(member.trace.get("lr")) for member in members])


FIGURES: dict[str, Draw] = {
    "single batches": _blow_up,
    "gradient": _gradient,
    "dead units": _dead_units,
    "spread": _spread,
    "loss": _loss,
    "bounce": _bounce,
    "cosine": _cosine,
    "validation": _validation,
    "rate": _rate,
}
"""By the names that a verdict's ``shown_by`` uses."""


def _line(curve: Series, smooth: bool = False) -> Line | None:
    steps, values = (averaged if smooth else thinned)(curve, POINTS)
    return Line(steps, values) if len(steps) > 1 else None


def _figure(title: str, lines: Sequence[Line | None], y: Axis | None = None) -> Evidence | None:
    drawn = tuple(line for line in lines if line is not None)
    if not drawn or all(line.reference for line in drawn):
        return None
    values = [float(value) for line in drawn for value in line.values]
    return Evidence(title, y or spanning("", values), drawn)
