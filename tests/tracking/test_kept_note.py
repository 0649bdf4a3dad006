"""What a person writes into a run's note stays, whatever lrscope writes into its own part later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recorded_runs import record, start

from lrscope.core.tag_length import TAG_LENGTH
from lrscope.tracking import TrackingSettings, open_session
from lrscope.tracking.delivery.sync import sync
from lrscope.tracking.mlflow_store.kept_note import NOTE, is_of_older, kept_note
from lrscope.tracking.mlflow_store.state_tag import STATE


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


OLDER = ("## Too slow\n\n**What to do:** raise it.", "**stopped**: stopped by signal 2", "**crashed**: why")


def test_a_note_without_a_mark_is_a_persons_unless_an_older_version_wrote_it() -> None:
    assert kept_note("new", "mine alone") == f"{kept_note('new', None)}\n\nmine alone"
    assert not is_of_older({NOTE: "mine alone"}) and not is_of_older({})
    for older in (*OLDER, "Use lr=1.\n\n[the report](report/report.html)"):
        assert is_of_older({NOTE: older})
        assert kept_note("new", older, is_ours=True) == kept_note("new", None)
        assert not is_of_older({NOTE: older, STATE: "{}"}), "a version that marks its part kept a state"


def _mark() -> str:
    return kept_note("## Trained", None).removeprefix("## Trained\n\n")


@pytest.mark.parametrize(
    "left",
    ["", _mark()[:20], _mark()[:-3], _mark()[4:], _mark()[-20:], _mark().replace("lrscope", "lr")],
    ids=["none", "its beginning", "without its end", "without its beginning", "its end", "other words"],
)
def test_words_around_a_mark_of_which_a_part_is_left_all_stay(left: str) -> None:
    """Also where a comment of a person's behind it ends what is left of it."""
    mine = f"above\n\n## Trained\n\nwell\n\n{left}\nbehind\n<!-- and mine -->\n--> the end"
    found = kept_note("## Overfitting", mine)
    assert found == f"{kept_note('## Overfitting', None)}\n\n{mine}"
    assert kept_note("## Stalled", found) == f"{kept_note('## Stalled', None)}\n\n{mine}"


def test_words_around_doubled_marks_and_parts_all_stay() -> None:
    part = kept_note("## Trained\n\nwell", None)
    for twice in (f"a\n\n{part}{_mark()}\nb", f"a\n\n{part}\nb\n{part}\nc", f"a\n{_mark()}\n{part}\nb"):
        found = kept_note("## Overfitting", twice)
        again = kept_note("## Stalled", found)
        assert again == found.replace(kept_note("## Overfitting", None), kept_note("## Stalled", None))
        words = [line for line in twice.splitlines() if len(line) == 1]
        assert [line for line in again.splitlines() if len(line) == 1] == words


def test_what_was_written_within_lrscopes_part_goes_with_it() -> None:
    written = kept_note("## Trained\n\nwell", None).replace("well", "well\n\nmine")
    assert kept_note("## Overfitting", f"a\n\n{written}\nb") == f"a\n\n{kept_note('## Overfitting', None)}\nb"


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


SIGNS = "שלום\u200f \u200bsoft\u00adhyphen \U0001f469\u200d\U0001f52c\ttab\x1b[2J"
"""What a terminal must not be shown, and a person may write."""


def test_every_sign_of_a_persons_words_stays(store_project: Path) -> None:
    session = open_session(TrackingSettings())
    log = session.start(start("notes", "r3", "run"), wait=True)
    log.tags({NOTE: "## Trained"})
    log.end("FINISHED")
    session.close()
    run_id = str(log.run_id)
    client(store_project).set_tag(run_id, NOTE, f"{SIGNS}\n\n{note_of(store_project, run_id)}\n{SIGNS}")
    session = open_session(TrackingSettings())
    session.annotate("r3").tags({NOTE: "## Stalled"})
    session.close()
    assert note_of(store_project, run_id) == f"{SIGNS}\n\n{kept_note('## Stalled', None)}\n{SIGNS}"


@pytest.mark.parametrize("older", OLDER)
def test_the_note_of_an_older_version_is_exchanged_also_by_who_resumes_its_run(store_project: Path, older: str) -> None:
    session = open_session(TrackingSettings())
    log = session.start(start("notes", "r4", "run"), wait=True)
    log.end("KILLED")
    session.close()
    run_id = str(log.run_id)
    client(store_project).delete_tag(run_id, STATE)
    client(store_project).set_tag(run_id, NOTE, older)
    session = open_session(TrackingSettings())
    log = session.reopen("r4", wait=True)
    assert session.drain(60)
    assert STATE in client(store_project).get_run(run_id).data.tags
    log.tags({NOTE: "## Trained"})
    session.close()
    assert note_of(store_project, run_id) == kept_note("## Trained", None)


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
