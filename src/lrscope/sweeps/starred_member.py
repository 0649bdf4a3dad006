"""Which member's model is packed: the one that the report stars, so that what is recommended can be registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lrscope.core.from_store import LARGEST_STEP, whole
from lrscope.core.outcome import Outcome
from lrscope.core.trace import Trace
from lrscope.core.verdict import Verdict

if TYPE_CHECKING:
    from lrscope.report.data.stored_sweep import Member


def starred_member(
    outcomes: Mapping[int, Outcome],
    traces: Mapping[int, Trace],
    axes: tuple[str, ...],
    objective: str,
    direction: str,
    searched: tuple[str, ...] = (),
) -> int | None:
    """The number of the member that the report will star; None where it stars none.

    Args:
        outcomes: by the numbers of the jobs, with their last verdicts.
        traces: the curves of those that have some.
        axes: the keys that vary.
        objective: what the sweep is judged by, and in which ``direction``.
        searched: the axes that were given as intervals.
    """
    from lrscope.report.analysis.comparison import compare
    from lrscope.report.analysis.recommend import recommend
    from lrscope.report.data.stored_sweep import DIRECTION, OBJECTIVE, Sweep
    from lrscope.report.output.starred import best_row

    params = {OBJECTIVE: objective, DIRECTION: direction}
    members = tuple(_member(number, outcomes[number], trace, params) for number, trace in traces.items())
    if not members:
        return None
    sweep = Sweep("", "", "", "", "", "", None, axes, (), None, 0, members, searched=searched)
    comparison = compare([sweep])
    best = best_row(comparison, recommend(comparison))
    return int(best.member.run_id) if best is not None else None


def _member(number: int, outcome: Outcome, trace: Trace, params: Mapping[str, str]) -> Member:
    from lrscope.report.data.stored_sweep import Member

    return Member(
        run_id=str(number),
        name=outcome.name,
        rate=outcome.lr,
        seed=whole(outcome.overrides.get("seed"), low=-LARGEST_STEP),
        settings=outcome.overrides,
        status=outcome.status,
        verdict=Verdict.from_label(outcome.verdict) if outcome.verdict else None,
        why=outcome.why,
        seconds=outcome.seconds,
        trace=trace,
        pruned=outcome.pruned,
        params={**params, "lr": repr(outcome.lr)},
    )
