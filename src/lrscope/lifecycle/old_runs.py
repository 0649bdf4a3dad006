"""Which stored runs are old and not worth keeping: what ``lrscope clean`` lists, and then removes.

A sweep is judged as a whole, by the member that ended last. What stays keeps what it rests on: a member its sweep, a
run the find that gave its rate, the run whose weights it began with, the run that it trained again.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrscope.core.found_rate import FOUND_BY
from lrscope.lifecycle.recorded import REPRODUCES
from lrscope.report.data.collect import collect_sweep
from lrscope.report.output.report import report_of
from lrscope.tracking.mlflow_store.lookup import BEGINNING
from lrscope.tracking.mlflow_store.registry import registered_runs
from lrscope.tracking.mlflow_store.runs import LOCAL_ID, PARENT, all_experiments

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from lrscope.tracking.mlflow_store.store import Store

ENDED = ("FINISHED", "FAILED")
KIND = "lrscope.kind"


@dataclass(frozen=True)
class Asked:
    """What is to go: everything that ended before ``before_ms``, but for what is kept.

    ``interrupted``: runs that are KILLED, too, which could be resumed; ``foreign``: those that lrscope did not make;
    ``user``: of this person alone (None: of anybody).
    """

    before_ms: int
    best: bool = True
    registered: bool = True
    interrupted: bool = False
    foreign: bool = False
    user: str | None = None


@dataclass(frozen=True)
class Choice:
    """``going``: a parent before its members. ``staying``: how many old ones stay, by the reason in words."""

    going: tuple[Run, ...]
    staying: Mapping[str, int]


def choose(store: Store, asked: Asked, held: Callable[[Run], bool]) -> Choice:
    """The old runs of a store that are to go.

    Args:
        held: says of a run, or of a sweep by its parent, that something on this machine still needs it.
    """
    runs = {run.info.run_id: run for run in stored_runs(store, "")}
    units: dict[str, list[Run]] = defaultdict(list)
    for run in runs.values():
        units[_root(run, runs)].append(run)
    old = {root: unit for root, unit in units.items() if _is_old(unit, asked)}
    staying: Counter[str] = Counter()
    for root, unit in list(old.items()):
        if why := _why_whole(unit, asked, held):
            staying[why] += len(unit)
            del old[root]
    going = {run.info.run_id for unit in old.values() for run in unit}
    for words, kept in _kept(store.client, asked, old):
        _keep(words, kept & going, runs, going, staying)
    while pointed := _pointed_at(going, runs):
        _keep("needed by runs that stay", pointed, runs, going, staying)
    oldest_first = sorted(old, key=lambda root: max(map(_ended_ms, old[root])))
    listed = (run for root in oldest_first for run in sorted(old[root], key=lambda run: _depth(run, runs)))
    return Choice(tuple(run for run in listed if run.info.run_id in going), staying)


def stored_runs(store: Store, wanted: str, deleted: bool = False) -> Iterator[Run]:
    """All runs of a store, in whatever experiment; with ``deleted`` those in its bin."""
    from mlflow.entities import ViewType

    view = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY
    experiments, token = all_experiments(store), None
    while experiments:
        page = store.client.search_runs(experiments, wanted, view, max_results=1000, page_token=token)
        yield from page
        if not (token := page.token):
            return


def age_ms(run: Run, now_ms: int) -> int:
    """How long ago a run ended; of one without a word of that, began."""
    return now_ms - _ended_ms(run)


def _ended_ms(run: Run) -> int:
    return run.info.end_time or run.info.start_time or 0


def _above(run: Run, runs: Mapping[str, Run]) -> Iterator[Run]:
    """Its parent, and that one's."""
    seen = {run.info.run_id}
    while (above := runs.get(run.data.tags.get(PARENT, ""))) is not None and above.info.run_id not in seen:
        seen.add(above.info.run_id)
        yield above
        run = above


def _root(run: Run, runs: Mapping[str, Run]) -> str:
    *_, last = run, *_above(run, runs)
    return str(last.info.run_id)


def _depth(run: Run, runs: Mapping[str, Run]) -> int:
    return len(list(_above(run, runs)))


def _is_old(unit: Sequence[Run], asked: Asked) -> bool:
    """Whether all of it is, and of a kind and a person that are asked about."""
    if not all(0 < _ended_ms(run) < asked.before_ms for run in unit):
        return False
    if not asked.foreign and any(KIND not in run.data.tags for run in unit):
        return False
    return asked.user is None or all(run.data.tags.get("mlflow.user") == asked.user for run in unit)


def _why_whole(unit: Sequence[Run], asked: Asked, held: Callable[[Run], bool]) -> str:
    """Why nothing of it goes; empty where something may."""
    statuses = {run.info.status for run in unit} - {*ENDED}
    if statuses - {"KILLED"}:
        return "not ended"
    if statuses and not asked.interrupted:
        return "interrupted, and could go on"
    return "not wholly delivered" if any(map(held, unit)) else ""


def _kept(client: MlflowClient, asked: Asked, old: Mapping[str, Sequence[Run]]) -> Iterator[tuple[str, set[str]]]:
    if asked.registered and old:
        yield "registered", registered_runs(client)
    if asked.best:
        yield "best of their sweep", {best for root, unit in old.items() if (best := _best(client, root, unit))}


def _best(client: MlflowClient, root: str, unit: Sequence[Run]) -> str | None:
    """The member that the report stars; where it stars none, the one with the lowest loss of those that trained."""
    if not any(run.data.tags.get(PARENT) == root for run in unit):
        return None
    report = report_of(collect_sweep(client, root))
    if report.best is not None:
        return report.best.member.run_id
    trained = [row for row in report.comparison.rows if not row.member.failed and math.isfinite(row.score)]
    first = min(trained, key=lambda row: row.score, default=None)
    return first.member.run_id if first is not None else None


def _keep(words: str, kept: Collection[str], runs: Mapping[str, Run], going: set[str], staying: Counter[str]) -> None:
    """Take them from what goes, and the parents that show them."""
    whole = {run.info.run_id for run_id in kept for run in (runs[run_id], *_above(runs[run_id], runs))} & going
    going -= whole
    staying[words] += len(whole)


def _pointed_at(going: Collection[str], runs: Mapping[str, Run]) -> set[str]:
    """Those that go and that one which stays names."""
    named = {
        word
        for run_id, run in runs.items()
        if run_id not in going
        for word in (
            run.data.tags.get(FOUND_BY),
            run.data.tags.get(REPRODUCES),
            run.data.params.get("model.checkpoint"),
        )
        if word and BEGINNING.match(word)
    }
    return {run_id for run_id in going for word in named if _is_meant(word, runs[run_id])}


def _is_meant(word: str, run: Run) -> bool:
    """By its id, lrscope's own, or the beginning of one."""
    ids = (run.info.run_id, run.data.tags.get(LOCAL_ID, ""))
    return word in ids or (BEGINNING.fullmatch(word) is not None and any(one.startswith(word) for one in ids))
