"""Old runs, with what they take and what removes them: from the store, and from the journals of this machine."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lrscope.core.errors import InputError, Problem
from lrscope.core.from_store import is_local_id, line, whole
from lrscope.core.paths import project_root
from lrscope.core.redact import redact
from lrscope.lifecycle.old_runs import ENDED, Asked, choose, stored_runs
from lrscope.tracking.journal.journal import Journal, all_journals
from lrscope.tracking.mlflow_store.concurrent import AT_ONCE, side_by_side
from lrscope.tracking.mlflow_store.remove import (
    CLEANED,
    CLEANED_MEMBERS,
    bytes_of,
    check_removable,
    models_of,
    remove_run,
)
from lrscope.tracking.mlflow_store.runs import LOCAL_ID, PARENT, is_deleted

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel, Run

    from lrscope.tracking.mlflow_store.store import Store

_LOCK_WAIT_S = 1.0


@dataclass(frozen=True)
class OldRun:
    """A run that is to go, the bytes of its artifacts (its models' included), and of its journal on this machine."""

    run: Run
    models: tuple[LoggedModel, ...]
    artifacts: int
    journal: int


@dataclass(frozen=True)
class CleaningPlan:
    """``going``: a parent before its members. ``staying``: how many old ones stay, by the reason in words."""

    going: tuple[OldRun, ...]
    staying: Mapping[str, int]


def is_shared(store: Store) -> bool:
    """Whether others may record there: it is no file of this project."""
    file = store.address.database_file
    return file is None or not file.is_relative_to(project_root())


def plan(store: Store, spool: Path, asked: Asked) -> CleaningPlan:
    """What is to go, and how large it is.

    Raises:
        InputError: the store holds what cannot be read.
        StoreUnreachable: it does not answer.
    """
    waiting = _waiting(spool)
    choice = choose(store, asked, lambda run: run.data.tags.get(LOCAL_ID) in waiting)
    runs = [*choice.going, *_left_by_a_killed_one(store)]
    weighed: dict[str, OldRun] = {}

    def weigh(run: Run) -> None:
        models = models_of(store.client, run)
        check_removable(store.client, run, models)
        size = bytes_of(store.client, run, models)
        weighed[run.info.run_id] = OldRun(run, models, size, _size(_journal(spool, run)))

    errors = side_by_side([partial(weigh, run) for run in runs], AT_ONCE if store.address.is_server else 1)
    for error in errors:
        if error is not None and type(error) is not InputError:
            raise error
    staying = Counter(choice.staying)
    misplaced = _with_parents([run for run in runs if run.info.run_id not in weighed], runs)
    staying["whose artifacts are not where they should be"] += len(misplaced)
    going = (weighed[run.info.run_id] for run in runs if run.info.run_id not in misplaced)
    return CleaningPlan(tuple(going), {words: count for words, count in staying.items() if count})


def remove(store: Store, spool: Path, going: Sequence[OldRun], tell: Callable[[str], None]) -> int:
    """Remove runs, members before their parents; how many were removed.

    Args:
        tell: told of each that was taken up again since it was listed, and stays.
    """
    _count_members(store, going)
    removed, needed = 0, set[str]()
    for old in reversed(going):
        run_id, above = old.run.info.run_id, old.run.data.tags.get(PARENT, "")
        if run_id in needed:
            needed.add(above)
            continue
        if old.run.info.lifecycle_stage == "active":
            now = store.client.get_run(run_id).info
            if now.status not in (*ENDED, "KILLED") or now.end_time != old.run.info.end_time:
                tell(f"left: {old.run.info.run_name} ({run_id}) was taken up again")
                needed.add(above)
                continue
        _remove(store, old)
        _remove_journal(_journal(spool, old.run))
        removed += 1
    return removed


def _remove(store: Store, old: OldRun) -> None:
    from mlflow.exceptions import MlflowException

    try:
        remove_run(store, old.run, old.models)
    except MlflowException as error:
        rule = f"the store does not remove it: {redact(line(str(error).splitlines()[0][:200]))}"
        raise InputError(Problem("clean", old.run.info.run_id, rule, "Those before it are gone; try again.")) from None


def _left_by_a_killed_one(store: Store) -> list[Run]:
    """Runs that an earlier command had deleted when it was killed. A server's are the server's to remove."""
    return [] if store.address.is_server else list(stored_runs(store, f"tags.`{CLEANED}` = 'true'", deleted=True))


def _with_parents(some: Sequence[Run], runs: Sequence[Run]) -> set[str]:
    by_id = {run.info.run_id: run for run in runs}
    found: set[str] = set()
    for run in some:
        above: Run | None = run
        while above is not None and above.info.run_id not in found:
            found.add(above.info.run_id)
            above = by_id.get(above.data.tags.get(PARENT, ""))
    return found


def _count_members(store: Store, going: Sequence[OldRun]) -> None:
    """Tell the parents that stay, before anything goes: what is removed is not lacking."""
    ids = {old.run.info.run_id for old in going}
    gone = Counter(old.run.data.tags[PARENT] for old in going if old.run.data.tags.get(PARENT, "") not in (*ids, ""))
    for parent, count in gone.items():
        if not is_deleted(store, parent):
            before = whole(store.client.get_run(parent).data.tags.get(CLEANED_MEMBERS)) or 0
            store.client.set_tag(parent, CLEANED_MEMBERS, str(before + count))


def _waiting(spool: Path) -> set[str]:
    """The local ids of which this machine holds what no store has yet, and of their sweeps."""
    found: set[str] = set()
    for journal in all_journals(spool):
        if journal.undelivered():
            started = journal.started()
            found |= {journal.local_id, (started and started.start.parent_local_id) or journal.local_id}
    return found


def _journal(spool: Path, run: Run) -> Journal | None:
    """The folder of a run on this machine; None where there is none, or it is of another run."""
    local_id = run.data.tags.get(LOCAL_ID, "")
    if not is_local_id(local_id) or (spool / local_id).is_symlink() or not (spool / local_id).is_dir():
        return None
    journal = Journal.of(spool, local_id)
    return journal if journal.offset().run_id in (None, run.info.run_id) else None


def _size(journal: Journal | None) -> int:
    if journal is None:
        return 0
    return sum(file.lstat().st_size for file in journal.folder.rglob("*") if file.is_file() and not file.is_symlink())


def _remove_journal(journal: Journal | None) -> None:
    if journal is not None:
        with journal.delivering(_LOCK_WAIT_S) as held:
            if held:
                shutil.rmtree(journal.folder, ignore_errors=True)
