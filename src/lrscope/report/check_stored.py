"""A stored candidate held against a stored baseline, over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from lrscope.core.errors import InputError, Problem
from lrscope.report.analysis.comparison import Cell, Comparison, compare
from lrscope.report.analysis.regression import Judged, Side, judge
from lrscope.report.analysis.safest import best_of
from lrscope.report.data.collect import PARENT, children, collect_lone_runs, collect_sweep, stored_run
from lrscope.report.data.connect import connect
from lrscope.report.data.stored_sweep import Sweep
from lrscope.report.diagnose_stored import latest_trained


@dataclass(frozen=True)
class Checked:
    """Both sides, and what was found."""

    baseline: Side
    candidate: Side
    judged: Judged


def check_stored(baseline: str, candidates: Sequence[str], uri: str | None, tolerance: float | None = None) -> Checked:
    """Whether the candidates train worse than the baseline.

    A sweep stands for its best setting, over seeds; a member of a sweep for its own setting over seeds; runs that are
    in no sweep for themselves.

    Args:
        baseline: a run's or sweep's id, or ``NAME@alias`` of the model registry, which names the run of that version.
        candidates: likewise; several runs are the seeds of one setting. None means what was started last.
        uri: of the store; None as for a run.
        tolerance: see :func:`judge`.

    Raises:
        InputError: one of them is not there, has not ended, or cannot be held against the other.
    """
    client = connect(uri)
    before = side_of(client, [baseline])
    after = side_of(client, candidates or [latest_trained(client)])
    shared = {row.member.run_id for row in before.rows} & {row.member.run_id for row in after.rows}
    if shared:
        rule = "is the baseline itself" if not candidates else "is in the baseline too"
        remedy = "Train the candidate, or name it behind the baseline."
        raise InputError(Problem("candidate", sorted(shared)[0], rule, remedy))
    return Checked(before, after, judge(before, after, tolerance))


def side_of(client: MlflowClient, words: Sequence[str]) -> Side:
    """The runs that these words mean, as one setting over seeds.

    Raises:
        InputError: one is not there, has not ended, or has nothing recorded.
    """
    ids = [_run_id(client, word) for word in dict.fromkeys(words)]
    runs = [stored_run(client, run_id) for run_id in ids]
    lone = [run for run in runs if not _in_a_sweep(client, run)]
    sides = [_best_setting(collect_lone_runs(client, lone))] if lone else []
    for run in runs:
        if run not in lone:
            sweep = collect_sweep(client, run.info.run_id)
            is_member = sweep.run_id != run.info.run_id
            sides.append(_setting_of(sweep, run.info.run_id) if is_member else _best_setting(sweep))
    first = sides[0]
    rows = {row.member.run_id: row for side in sides for row in side.rows}
    side = replace(first, rows=tuple(rows.values()))
    _check_ended(side)
    return side


def _run_id(client: MlflowClient, word: str) -> str:
    """The id of a run, which a registered model's alias may name."""
    name, at, alias = word.removeprefix("models:/").rpartition("@")
    if not at:
        return word
    try:
        version = client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        rule = f"the registry has no such alias ({str(error).splitlines()[0][:120]})"
        raise InputError(Problem("baseline", word, rule, "Set it: mlflow's page, Models, Aliases.")) from None
    if not version.run_id:
        raise InputError(Problem("baseline", word, "was registered without its run", "Give the run's id instead."))
    return str(version.run_id)


def _in_a_sweep(client: MlflowClient, run: Run) -> bool:
    """Whether it is a sweep or a member of one."""
    tags = run.data.tags
    return bool(tags.get(PARENT)) or tags.get("lrscope.kind") == "sweep" or bool(children(client, run))


def _best_setting(sweep: Sweep) -> Side:
    comparison = compare([sweep])
    best = best_of([cell for group in comparison.groups if (cell := best_of(group.cells)) is not None])
    return _side(comparison, best)


def _setting_of(sweep: Sweep, member: str) -> Side:
    comparison = compare([sweep])
    cells = [cell for group in comparison.groups for cell in group.cells]
    return _side(comparison, next(cell for cell in cells if any(row.member.run_id == member for row in cell.rows)))


def _side(comparison: Comparison, cell: Cell | None) -> Side:
    """None: nothing trained, so all of its runs stand for it."""
    rows = comparison.rows if cell is None else cell.rows
    axis = f"{comparison.x_axis}=" if comparison.by_rate and cell is not None else ""
    group = rows[0].group if rows and rows[0].group else ""
    label = cell.label if cell is not None else comparison.sweeps[0].title
    setting = ", ".join(part for part in (group, axis + label) if part)
    return Side(setting, rows, comparison.judge, comparison.start)


def _check_ended(side: Side) -> None:
    left = [row.member for row in side.rows if not row.member.ended]
    if left:
        rule = f"has not come to its end: it is {left[0].status.lower()}"
        if len(left) > 1:
            rule += f", and so are {len(left) - 1} others"
        raise InputError(Problem("run", left[0].run_id, rule, "Wait for it, or go on with it: resume=ID."))
    if not side.rows:
        raise InputError(Problem("run", side.setting, "has no members", "Give one that has trained."))
