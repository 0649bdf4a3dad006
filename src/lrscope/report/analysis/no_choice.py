"""Where nothing can be recommended, or nothing without saying what is wrong with it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from lrscope.core.verdict import Cause, Finding
from lrscope.diagnosis import diagnose_sweep
from lrscope.diagnosis.data_causes import no_rate_helps
from lrscope.diagnosis.signals import chance
from lrscope.diagnosis.signals.run_signals import RunSignals
from lrscope.report.analysis.comparison import Cell, Comparison, Group
from lrscope.report.analysis.next_runs import around, go_on, lower
from lrscope.report.analysis.recommendation import Recommendation, loss
from lrscope.report.data.stored_sweep import Member


def one_rate_for_all(comparison: Comparison, group: Group) -> float | None:
    """The rate that every member used whatever the axis said; None where they differ, as they should."""
    used = {row.member.rate for cell in group.cells for row in cell.rows}
    if comparison.by_rate and len(group.cells) > 1 and len(used) == 1:
        return next(iter(used))
    return None


def no_effect(comparison: Comparison, group: Group, used: float) -> Recommendation:
    members, key = sum(len(cell.rows) for cell in group.cells), group.cells[0].rows[0].member.trace.facts.rate_key
    rule = f"{comparison.x_axis} changed nothing: all {members} members trained at a peak rate of {used:.4g}"
    where = f", which {key} sets" if key != comparison.x_axis else ""
    return _none(comparison, group, f"{rule}{where}.", ())


def constant_answer(best: Cell) -> float | None:
    """The loss of a constant answer, where the best cell is known to have come no lower, or no lower on the examples
    that it was not trained on.
    """
    assert best.best is not None
    signals = [RunSignals.of(row.member.trace) for row in best.rows]
    if all(s.learned.generalises is False for s in signals):
        return min(chance.val_constant_loss(s.trace) or math.inf for s in signals)
    bars = [s.constant_loss - (1 - chance.NOTHING) * s.learned.room
            for s in signals if s.constant_loss and not s.learned.above_chance]  # fmt: skip
    if len(bars) < len(signals) or _lowest_loss(best) < min(bars):
        return None
    return min(s.constant_loss for s in signals if s.constant_loss)


def _lowest_loss(cell: Cell) -> float:
    """The mean over its members of the lowest loss, whatever they are judged by."""
    outcomes = [row.outcome for row in cell.rows if row.member.ended and not row.member.failed]
    validated = any(math.isfinite(o.best_val) for o in outcomes)
    losses = [value for o in outcomes if math.isfinite(value := o.best_val if validated else o.best_train)]
    return math.fsum(losses) / len(losses) if losses else math.inf


def nothing_learned(comparison: Comparison, best: Cell, constant: float, where: str) -> str:
    """The sentence in the place of a recommendation, where the best is no better than a constant answer."""
    assert best.best is not None
    axis = comparison.x_axis
    memorised = all(RunSignals.of(row.member.trace).learned.memorised for row in best.rows)
    what = "the training examples were memorised, nothing" if memorised else "nothing"
    return (
        f"No {'rate' if comparison.by_rate else axis}{where} did better than a constant answer ({loss(constant)}): "
        f"{what} was learned{' that holds for others' if memorised else ''}. "
        f"The {comparison.judge.best_word} {comparison.loss} is {loss(comparison.judge.value(best.best.mean))}, with"
        f" {axis}={best.label}."
    )


def nothing(comparison: Comparison, group: Group) -> Recommendation:
    """All failed, or none has a loss yet."""
    rows = [row for cell in group.cells for row in cell.rows]
    fates = ", ".join(f"{count} {word}" for word, count in Counter(row.member.outcome for row in rows).most_common())
    failed = [row for row in rows if row.member.failed and not row.member.crashed]
    rates = [row.x for row in rows if isinstance(row.x, float) and not row.member.crashed]
    found = _findings([row.member for row in failed])
    cause = _cause(found)
    commands = []
    tried = next((f for f in found if f.rate is not None and list(f.changes) == [group.rate_key]), None)
    if tried is not None and tried.rate is not None and comparison.by_rate:
        commands.append(("To train around the rate that was seen to train", around(group, tried.rate)))
    elif failed and rates and comparison.by_rate and cause is None:
        commands.append(("To find where training starts to work", lower(group, min(rates))))
    sentence = f"No {'rate' if comparison.by_rate else comparison.x_axis} can be recommended: " + (
        f"none of {len(rows)} members trained ({fates})." if rows else "nothing was recorded."
    )
    if group.sweep.unfinished:
        return _none(comparison, group, sentence, (go_on(group.sweep),))
    if rows and all(row.member.crashed for row in rows):
        sentence += " A crash is not a matter of the rate: mend its cause, then run the same sweep again."
    elif tried is not None:
        sentence += f" {tried.advice[:1].upper()}{tried.advice[1:]}."
    elif cause is not None:
        sentence += f" No other rate would help: {cause}."
    return _none(comparison, group, sentence, commands)


def _cause(found: Sequence[Finding]) -> str | None:
    """What to do, where something else than the rate explains every one of these runs."""
    if not found or not all(finding.not_the_rate for finding in found):
        return None
    return Counter(finding.advice for finding in found).most_common(1)[0][0]


def no_rate_matters(comparison: Comparison, group: Group) -> Recommendation | None:
    """Where every member has labels that are all the same, or a loss with the wrong sign: the best of them is nothing
    to recommend.
    """
    members = [row.member for cell in group.cells for row in cell.rows if not row.member.crashed]
    findings = [member.finding for member in members]
    causes = [next((c for c in finding.causes if c.instead), None) if finding else None for finding in findings]
    cause = causes[0] if causes and None not in causes else None
    if cause is None or not all(no_rate_helps(RunSignals.of(member.trace)) for member in members):
        return None
    rate = "rate" if comparison.by_rate else comparison.x_axis
    remedy = f"{cause.remedy[:1].upper()}{cause.remedy[1:]}"
    return _none(comparison, group, f"No {rate} can be recommended: {cause.why}. {remedy}.", ())


def held_back(group: Group) -> list[str]:
    """A sentence for each cause beside the rate that at least half of the members have; see :class:`Cause`."""
    members = [row.member for cell in group.cells for row in cell.rows if row.member.tells and not row.member.crashed]
    having: dict[str, list[tuple[Member, Cause]]] = {}
    for member in members:
        for cause in member.finding.causes if member.finding is not None else ():
            if cause.instead:
                having.setdefault(cause.name, []).append((member, cause))
    return [
        f"{len(found)} of {len(members)} members are held back by {name}, not by their rate "
        f"({found[0][0].name}: {found[0][1].why}): {found[0][1].remedy}."
        for name, found in having.items()
        if 2 * len(found) >= len(members)
    ]


def _findings(members: Sequence[Member]) -> list[Finding]:
    """As each was judged with all its curves at hand; where one was not, all are judged from what a report reads."""
    kept = [member.finding for member in members if member.finding is not None]
    if len(kept) == len(members):
        return kept
    return [diagnosis.primary for diagnosis in diagnose_sweep([member.trace for member in members])]


def _none(comparison: Comparison, group: Group, sentence: str, commands: Sequence[tuple[str, str]]) -> Recommendation:
    return Recommendation(
        group=group.label, axis=comparison.x_axis, best=None, use=None, loss=comparison.judge.value(math.inf),
        low=None, high=None, confidence=None, sure=None, tolerance=math.nan, basis="", evidence="none",
        sensitivity=None, sentences=(sentence,), warnings=(), commands=tuple(commands),
    )  # fmt: skip
