"""A verdict in one plain sentence, with the numbers of the members that got it.

Every number is read off their curves. Where the curves that a sentence needs were not recorded, the run's own words
(the tag ``lrscope.why``) stand in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from lrscope.core.trace import Series
from lrscope.core.verdict import Verdict
from lrscope.diagnosis.detectors.collapse import dead_layer
from lrscope.diagnosis.signals.run_signals import RunSignals
from lrscope.report.analysis.member_numbers import outcome_of, train_loss
from lrscope.report.data.stored_sweep import Member

LAST = 0.2
"""The last part of a run whose bounce is told."""

NEGLIGIBLE_FALL = 0.02
"""Share of the loss at the start that is not told as having been down."""

NEGLIGIBLE = 0.01
"""Share of its peak below which a rate is told as used up."""


def because(verdict: Verdict, members: Sequence[Member], best: Member | None) -> str:
    """Why these members got the verdict: a sentence without its full stop.

    Args:
        verdict: the one that all of them got.
        members: at least one.
        best: the recommended member, which some are held against; None where there is none.
    """
    told = WORDS[verdict](members, best) if verdict in WORDS else None
    return told or members[0].why.rstrip(". ") or verdict.meaning.sentence


def _diverged(members: Sequence[Member], _: Member | None) -> str | None:
    curves = [curve for member in members if len(curve := member.trace.get("train/loss")) > 1]
    if not curves:
        return None
    start, step = float(np.median([c.values[0] for c in curves])), max(int(c.steps[-1]) for c in curves)
    broken = all(not math.isfinite(c.values[-1]) for c in curves)
    if broken:
        return f"the loss, {_number(start)} at the start, was no finite number any more by step {step:,}"
    highest = max(float(c.values[-1]) for c in curves)
    return f"the loss grew from {_number(start)} to {_number(highest)} by step {step:,}"


def _collapsed(members: Sequence[Member], _: Member | None) -> str | None:
    found = [layer for m in members if (layer := dead_layer(RunSignals.of(m.trace))) is not None]
    spreads = [float(curve.values[-1]) for m in members if len(curve := m.trace.get("output_spread"))]
    if found and len(found) >= len(spreads):
        names = {name for name, _ in found}
        where = names.pop() if len(names) == 1 else "a hidden layer"
        step = max(since for _, since in found)
        return f"by step {step:,} every unit of {where} is dead; the network answers {_the_same(members, exactly=True)}"
    if spreads:
        largest = max(spreads)
        exactly = largest == 0
        return f"the network answers {_the_same(members, exactly)}" + (
            "" if exactly else f": the spread of its answers is down to {_number(largest)}"
        )
    return None


def _the_same(members: Sequence[Member], exactly: bool) -> str:
    """``the same for every input, 1 of 6 classes``: which class differs between seeds, that it is one does not."""
    classes = len(members[0].trace.facts.class_shares)
    return ("the same" if exactly else "nearly the same") + (
        f" for every input, 1 of {classes} classes" if classes > 1 and exactly else " for every input"
    )


def _oscillating(members: Sequence[Member], _: Member | None) -> str | None:
    late = [_last_part(member.trace.get("train/loss")) for member in members]
    late = [values for values in late if len(values) > 4]
    if not late:
        return None
    low = float(np.median([np.percentile(values, 10) for values in late]))
    high = float(np.median([np.percentile(values, 90) for values in late]))
    return (
        "the updates jump across a minimum instead of going down into it: in the last fifth of the run the loss of"
        f" a batch swings between {_number(low)} and {_number(high)}"
    )


def _last_part(curve: Series) -> np.ndarray:
    if not len(curve):
        return curve.values
    late = curve.values[curve.steps >= (1 - LAST) * curve.steps[-1]]
    return late[np.isfinite(late)]


def _stalled(members: Sequence[Member], best: Member | None) -> str | None:
    ends = _losses(members)
    if not ends:
        return None
    start = _start(members)
    gradients = [float(np.median(_last_part(c))) for m in members if len(c := m.trace.get("grad_norm"))]
    alive = (
        f"; the gradient is still there (norm {_number(min(gradients))})" if gradients and min(gradients) > 0 else ""
    )
    return f"the loss stands at {_range(ends)}{start}{_beside(best)}{alive}"


def _too_slow(members: Sequence[Member], best: Member | None) -> str | None:
    ends = _losses(members)
    if not ends:
        return None
    steps = max(outcome_of(member).steps for member in members)
    signals = [RunSignals.of(member.trace) for member in members]
    if all(one.came_back_up and one.first - one.lowest > NEGLIGIBLE_FALL * one.first for one in signals):
        lowest = _range([one.lowest for one in signals])
        return (
            f"the loss had been down at {lowest} and was back at {_range(ends)} after {steps:,} updates{_beside(best)}"
        )
    if all(one.fall <= 0 for one in signals):
        return f"after {steps:,} updates the loss is no lower than it began: {_range(ends)}{_beside(best)}"
    return f"the loss was still falling when the run ended: {_range(ends)} after {steps:,} updates{_beside(best)}"


def _overfitting(members: Sequence[Member], _: Member | None) -> str | None:
    member = members[len(members) // 2]
    curve = member.trace.get("val/loss")
    finite = np.isfinite(curve.values)
    if finite.sum() < 2:
        return None
    steps, values = curve.steps[finite], curve.values[finite]
    lowest = int(values.argmin())
    if values[-1] <= values[lowest]:
        return None
    return (
        f"the validation loss was lowest at step {steps[lowest]:,} ({_number(float(values[lowest]))}) and rose to"
        f" {_number(float(values[-1]))} while the training loss fell"
    )


def _schedule_ran_out(members: Sequence[Member], _: Member | None) -> str | None:
    curve = members[0].trace.get("lr")
    if len(curve) < 2 or not (peak := float(curve.values.max())) > 0:
        return None
    up = np.flatnonzero(curve.values >= NEGLIGIBLE * peak)
    last, end = int(curve.steps[up[-1]]), int(curve.steps[-1])
    return f"after step {last:,} of {end:,} the rate is below 1% of its peak" if last < end else None


def _schedule_never_moved(members: Sequence[Member], _: Member | None) -> str | None:
    curve = members[0].trace.get("lr")
    if not len(curve) or not curve.values[0] > 0:
        return None
    end = float(curve.values[-1] / curve.values[0])
    moved = f"{end:.7g} times that of the first" if f"{end:.7g}" != "1" else "that of the first"
    return f"the rate of the last step is {moved}: this is a constant rate in truth"


WORDS: dict[Verdict, Callable[[Sequence[Member], Member | None], str | None]] = {
    verdict: globals()[name] for verdict in Verdict if (name := f"_{verdict.name.lower()}") in globals()
}
"""The function of each verdict has its name; what has none is told by its finding's own sentence."""


def _losses(members: Sequence[Member]) -> list[float]:
    """The training losses at the end that are finite."""
    ends = [float(curve.values[-1]) for member in members if len(curve := train_loss(member.trace))]
    return [end for end in ends if math.isfinite(end)]


def _start(members: Sequence[Member]) -> str:
    starts = [start for m in members if math.isfinite(start := outcome_of(m).start)]
    return f" ({_number(float(np.median(starts)))} at the start)" if starts else ""


def _beside(best: Member | None) -> str:
    reached = _losses([best]) if best is not None else []
    return f", where {best.name} came to {_number(reached[0])}" if best is not None and reached else ""


def _range(values: Sequence[float]) -> str:
    low, high = _number(min(values)), _number(max(values))
    return low if low == high else f"{low} to {high}"


def _number(value: float) -> str:
    return f"{value:.3g}"
