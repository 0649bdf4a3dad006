"""What a person writes into a run's note stays, whatever lrscope writes into its own part later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recorded_runs import record, start

from lrscope.core.tag_length import TAG_LENGTH
from lrscope.tracking import TrackingSettings, open_session
from lrscope.tracking.delivery.sync import sync
from lrscope.tracking.mlflow_store.kept_note import NOTE, kept_note


def test_words_around_it_stay_and_lrscopes_part_is_exchanged() -> None:
    first = kept_note("## Trained\n\nwell", None)
    assert first.startswith("## Trained\n\nwell\n"), "MLflow's table shows the first words of a note"
    written = f"for the talk\n\n{first}\n\nlooks fine to me"
    second = kept_note("## Overfitting", written)
    assert second == f"for the talk\n\n{kept_note('## Overfitting', None)}\n\nlooks fine to me"
    assert kept_note("## Overfitting", second) == second


def test_nothing_is_lost_where_somebody_has_changed_the_first_line() -> None:
    changed = kept_note("## Trained\n\nwell", None).replace("## Trained", "## Trained, says lrscope")
    found = kept_note("## Overfitting", changed)
    assert found.startswith("## Trained, says lrscope\n\nwell")
    assert kept_note("## Overfitting", found) == found


def test_a_note_without_a_mark_is_a_persons_unless_an_older_version_wrote_it() -> None:
    assert kept_note("new", "mine alone") == f"{kept_note('new', None)}\n\nmine alone"
    for older in ("## Too slow\n\n**What to do:** raise it.", "**stopped**: stopped by signal 2", "**crashed**: why"):
        assert kept_note("new", older) == kept_note("new", None)


def test_lrscopes_part_is_cut_where_both_are_too_long() -> None:
    mine = "m" * 5000
    found = kept_note("new\n" + "o" * 7000, f"{kept_note('old', None)}\n{mine}")
    assert len(found) <= TAG_LENGTH and found.endswith(mine) and "lrscope" in found
    assert kept_note("newer", found) == f"{kept_note('newer', None)}\n{mine}"


def test_words_that_leave_no_room_for_lrscopes_part_stay_alone() -> None:
    for mine in ("m" * TAG_LENGTH, "m" * (TAG_LENGTH - 20)):
        assert kept_note("new", mine) == mine
        assert kept_note("newer", kept_note("new", mine)) == mine


def test_a_mark_in_a_persons_words_is_not_taken_for_the_end_of_lrscopes_part() -> None:
    mine = f"as {kept_note('## Collapsed', None).splitlines()[-1]} says\n\n"
    found = kept_note("## Overfitting", mine + kept_note("## Trained", None) + "\nbehind")
    assert found == mine + kept_note("## Overfitting", None) + "\nbehind"


def test_a_note_that_was_emptied_is_written_anew() -> None:
    for emptied in ("", " \n"):
        assert kept_note("## Trained", emptied) == kept_note("## Trained", None)


def client(root: Path) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{root}/mlflow.db")


def note_of(root: Path, run_id: str) -> str:
    return str(client(root).get_run(run_id).data.tags[NOTE])


def test_a_persons_words_survive_judging_resuming_and_sync(store_project: Path) -> None:
    session = open_session(TrackingSettings())
    log = session.start(start("notes", "r1", "run"), wait=True)
    record(log, range(5))
    log.tags({NOTE: "**stopped**: stopped by signal 2"})
    log.end("KILLED")
    session.close()
    run_id = log.run_id
    assert run_id is not None
    client(store_project).set_tag(run_id, NOTE, note_of(store_project, run_id) + "\nthe fan was off")

    session = open_session(TrackingSettings())
    log = session.reopen("r1", wait=True)
    log.tags({NOTE: "## Trained"})
    log.end("FINISHED")
    session.close()
    assert note_of(store_project, run_id) == kept_note("## Trained", None) + "\nthe fan was off"

    session = open_session(TrackingSettings())
    session.annotate("r1").tags({NOTE: "## Stalled"})
    session.close()
    assert note_of(store_project, run_id) == kept_note("## Stalled", None) + "\nthe fan was off"


def test_a_note_that_is_delivered_late_leaves_what_was_written_meanwhile(store_project: Path) -> None:
    """Its run is in the store, its journal lies on: as after an outage in which somebody looked at the page."""
    offline = open_session(TrackingSettings(mode="offline"))
    log = offline.start(start("notes", "r2", "run"))
    record(log, range(5))
    offline.close()
    sync(TrackingSettings())
    experiment = client(store_project).get_experiment_by_name("notes").experiment_id
    (run,) = client(store_project).search_runs([experiment])
    client(store_project).set_tag(run.info.run_id, NOTE, "remember the fan")
    online = open_session(TrackingSettings())
    online.reopen("r2").tags({NOTE: "## Trained"})
    online.close()
    assert note_of(store_project, run.info.run_id) == kept_note("## Trained", None) + "\n\nremember the fan"
