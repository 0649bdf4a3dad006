"""The run that is to be registered, and what the store knows of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrscope.core.errors import InputError, Problem
from lrscope.lifecycle.score import Score
from lrscope.report.analysis.comparison import Comparison, Row
from lrscope.report.analysis.noise import tolerance
from lrscope.report.data.collect import alone, collect_sweep, stored_run
from lrscope.report.data.stored_sweep import Member
from lrscope.report.output.report import report_of
from lrscope.tracking.mlflow_store.registry import model_of

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Candidate:
    """A run with what decides whether its model is registered.

    ``sweep`` is the id of its sweep (empty: a lone run), ``model_id`` MLflow's id of its model (None: it has none),
    ``score`` None where nothing was measured, ``data`` the digest of what it trained on.
    """

    member: Member
    sweep: str
    model_id: str | None
    score: Score | None
    data: str

    @property
    def refusal(self) -> str | None:
        """Why nobody should use its model; None where nothing speaks against it."""
        if not self.member.ended:
            return f"has not come to its end: MLflow has it as {self.member.status}"
        if self.member.failed:
            why = f" ({self.member.why.rstrip('. ')})" if self.member.why else ""
            return f"{self.member.outcome}{why}"
        return None


def candidate_of(client: MlflowClient, word: str) -> Candidate:
    """The run of an id, or the recommended member of a sweep.

    Args:
        word: id of a sweep, a member or a lone run, or its beginning.

    Raises:
        InputError: no such run; a sweep of which no member can be recommended.
    """
    run = stored_run(client, word)
    lone = run.data.tags.get("lrscope.kind") == "run"
    sweep = alone(client, run) if lone else collect_sweep(client, run.info.run_id)
    report = report_of(sweep)
    row = next((row for row in report.comparison.rows if row.member.run_id == run.info.run_id), report.best)
    if row is None:
        why = report.first.headline.rstrip(". ") if report.first is not None else "it has no members"
        why = "members of it have not ended" if sweep.unfinished else why
        remedy = f"Go on with it (resume={sweep.run_id}), or give" if sweep.unfinished else "Give"
        remedy += " the id of the member that you mean."
        raise InputError(Problem("register", word, f"no member of this sweep is recommended: {why}", remedy))
    stored = run if run.info.run_id == row.member.run_id else client.get_run(row.member.run_id)
    return Candidate(
        member=row.member,
        sweep="" if lone else sweep.run_id,
        model_id=model_of(client, stored),
        score=_score(report.comparison, row),
        data=row.member.trace.facts.data_digest or "",
    )


def _score(comparison: Comparison, row: Row) -> Score | None:
    """Of the runs that differ from this one in their seed only."""
    cells = next(group for group in comparison.groups if group.label == row.group).cells
    cell = next(cell for cell in cells if row in cell.rows)
    if cell.score is None or not math.isfinite(cell.score.mean):
        return None
    judge = comparison.judge
    found = judge.estimate(cell.score)
    room, _ = tolerance(cells, cell, comparison.start)
    return Score(judge.metric, judge.rises, found.mean, found.low, found.high, found.error, found.n, room)
