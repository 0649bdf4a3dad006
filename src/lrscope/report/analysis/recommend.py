"""Which setting to use, how sure that is, and what to run next."""

from __future__ import annotations

from lrscope.report.analysis.cautions import cautions
from lrscope.report.analysis.choice import choose
from lrscope.report.analysis.comparison import Comparison, Group
from lrscope.report.analysis.next_commands import next_commands
from lrscope.report.analysis.no_choice import no_effect, no_rate_matters, nothing, one_rate_for_all
from lrscope.report.analysis.recommendation import CONFIDENCE, Recommendation
from lrscope.report.analysis.safest import best_of, has_idle_schedule, safest
from lrscope.report.analysis.sensitivity import lr_sensitivity
from lrscope.report.analysis.sentences import sentences


def recommend(comparison: Comparison) -> tuple[Recommendation, ...]:
    """One recommendation per group, the group with the lowest loss first, but after those that fail less."""
    best = {group.label: cell for group in comparison.groups if (cell := best_of(group.cells)) is not None}
    before = safest(list(best.values()))

    def rank(found: Recommendation) -> tuple[bool, bool, float, bool]:
        cell = best.get(found.group)
        shown = float(f"{comparison.judge.value(found.loss):.4g}")  # what reads the same is a tie
        return found.best is None, cell not in before, shown, cell is not None and has_idle_schedule(cell)

    return tuple(sorted((_of_group(comparison, group) for group in comparison.groups), key=rank))


def _of_group(comparison: Comparison, group: Group) -> Recommendation:
    chosen = choose(comparison, group)
    if chosen is None:
        return nothing(comparison, group)
    if (hopeless := no_rate_matters(comparison, group)) is not None:
        return hopeless
    if (used := one_rate_for_all(comparison, group)) is not None:
        return no_effect(comparison, group, used)
    assert chosen.best.score is not None
    low, high = chosen.range
    return Recommendation(
        group=group.label,
        axis=comparison.x_axis,
        best=chosen.best.x,
        use=chosen.use,
        loss=comparison.judge.value(chosen.best.score.mean),
        low=low,
        high=high,
        confidence=CONFIDENCE if chosen.curve is not None else None,
        sure=chosen.sure,
        tolerance=chosen.room,
        basis=chosen.basis,
        evidence=chosen.evidence,
        sensitivity=lr_sensitivity(comparison, group),
        sentences=sentences(chosen),
        warnings=cautions(chosen),
        commands=next_commands(chosen),
    )
