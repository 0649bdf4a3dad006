"""What speaks against a recommendation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lrscope.core.verdict import Verdict
from lrscope.diagnosis.signals.run_signals import RunSignals
from lrscope.diagnosis.signals.turned import turned
from lrscope.report.analysis.choice import FEW_SEEDS, Choice
from lrscope.report.analysis.estimates import Estimate
from lrscope.report.analysis.recommendation import loss
from lrscope.report.analysis.safest import known, usable
from lrscope.report.analysis.sentences import share

LATE = 0.05
"""A run that ends above its best by more than this share of what it gained is told."""


def cautions(chosen: Choice) -> tuple[str, ...]:
    """One sentence each."""
    of_rates = () if chosen.held else _of_the_rate(chosen)  # another rate would mend nothing
    return (*chosen.held, *_of_failures(chosen), *_of_the_end(chosen), *of_rates, *_of_the_sweep(chosen))


def _of_failures(chosen: Choice) -> Iterator[str]:
    axis, best = chosen.comparison.x_axis, chosen.best
    assert best.score is not None
    if best.failed.count:
        yield (
            f"{axis}={best.label} failed for {share(best.failed)}, and every other value for some seed: no safe choice"
            " was found."
        )
    for cell in usable(chosen.group.cells):
        if cell.best and cell.score and cell.failed.count and cell is not best and cell.score.mean < best.score.mean:
            yield (
                f"{axis}={cell.label} reached {_shown(chosen, cell.best)} where it trained, but failed for"
                f" {share(cell.failed)}: not recommended."
            )


def _shown(chosen: Choice, costs: Estimate) -> str:
    return loss(chosen.comparison.judge.value(costs.mean))


def _of_the_end(chosen: Choice) -> Iterator[str]:
    """Where the best epochs and the ends do not agree on a setting, or the chosen one ends well above its best."""
    best, axis, better = chosen.best, chosen.comparison.x_axis, chosen.comparison.judge.better
    assert best.best is not None and best.final is not None
    safe = [cell for cell in usable(chosen.group.cells) if cell.failed.count == 0]
    lowest = min(safe, key=lambda cell: cell.best.mean if cell.best else 0.0, default=best)
    if lowest is not best and lowest.best and lowest.final and lowest.best.mean < best.best.mean:
        yield (
            f"{axis}={lowest.label} was {better} at its best ({_shown(chosen, lowest.best)}) but ends at"
            f" {_shown(chosen, lowest.final)}."
            if lowest.final.mean > best.final.mean
            else f"{axis}={lowest.label} was {better} ({_shown(chosen, lowest.best)}), more than its neighbours bear"
            " out."
        )
    told = any((v := row.member.verdict) is not None and v.meaning.about == "generalisation" for row in best.rows)
    if not told and _ends_above_its_best(chosen):
        beyond = "below" if chosen.comparison.judge.rises else "above"
        yield (
            f"{best.label} ends at {_shown(chosen, best.final)}, {beyond} its best of {_shown(chosen, best.best)}: use"
            " the weights of its best epoch, or train for fewer."
        )


def _ends_above_its_best(chosen: Choice) -> bool:
    best = chosen.best
    assert best.best is not None and best.final is not None
    gained = chosen.comparison.start - best.best.mean
    return best.final.mean - best.best.mean > LATE * gained > 0


def _of_the_rate(chosen: Choice) -> Iterator[str]:
    if chosen.comparison.by_rate and chosen.beyond and not chosen.group.sweep.unfinished:
        end = known(chosen.group.cells)[0 if chosen.beyond == "lowest" else -1]
        yield f"{end.label} is the {chosen.beyond} rate of the sweep: the optimum may lie beyond it."
    if chosen.constant is None:
        yield from _of_verdicts(chosen)


def _of_the_sweep(chosen: Choice) -> Iterator[str]:
    best, cells = chosen.best, chosen.group.cells
    rows = [row for cell in cells for row in cell.rows]
    if unfinished := sum(not row.member.ended for row in rows):
        yield f"{unfinished} of {len(rows)} members have not ended: this rests on the others."
    if crashed := sum(row.member.crashed for row in rows):
        yield f"{crashed} of {len(rows)} members crashed: see why above."
    if len(best.rows) == 1 and chosen.curve is not None:
        yield "One seed per value: what another seed would change is judged from how neighbouring rates differ."
    elif len(best.rows) == 1:
        yield "One seed per value: what another seed would change is not known."
    elif len(best.rows) < FEW_SEEDS:
        yield f"{len(best.rows)} seeds per value: the intervals over them are wide."


def _of_verdicts(chosen: Choice) -> list[str]:
    best, highest = chosen.best, chosen.group.cells[-1] is chosen.best
    verdicts = Counter(row.member.verdict for row in best.rows)
    words = [(verdict, verdict.meaning.of_the_best) for verdict in verdicts if verdict]
    turns = [turned(RunSignals.of(row.member.trace)) for row in best.rows]
    rises = chosen.comparison.loss == "val/loss" and _ends_above_its_best(chosen)
    if Verdict.TOO_SLOW in verdicts and (rises or all(turn is not None and turn.for_good for turn in turns)):
        return [f"{best.label} was still improving on its training part alone: the val loss had been lower before."]
    if not highest:  # a higher one was tried, and came off worse
        longer = "was still improving at the end: longer training gives a lower loss"
        words = [(verdict, longer if verdict is Verdict.TOO_SLOW else told) for verdict, told in words]
    return [f"{best.label} {told}." for _, told in words if told]
