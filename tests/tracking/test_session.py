from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from recorded_runs import measured, record, run_of, start, steps_of, values_of

from lrscope.core.errors import InputError
from lrscope.tracking import DatasetInfo, Point, TrackingSettings, now_ms, open_session
from lrscope.tracking.journal.journal import Journal


def _client(root: Path) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{root}/mlflow.db")


def test_a_sweep_and_its_member_arrive_whole(store_project: Path) -> None:
    session = open_session(TrackingSettings())
    parent = session.start(start("digits", "p1", "sweep", tags={"lrscope.axes": '["lr"]'}))
    assert parent.run_id is not None and parent.experiment_id is not None
    member = session.start(start("digits", "m1", "member", "p1", params={"lr": "0.01", "model.hidden": "[25, 12]"}))
    began = now_ms()
    record(member, range(1500))
    member.points([Point("val/loss", 0, math.nan, began), Point("val/loss", 1, math.inf, began)])
    member.tags({"lrscope.verdict": "trained"})
    member.text("lr: 0.01\n", "config.yaml")
    (store_project / "weights.bin").write_bytes(b"\1\2")
    member.artifact(store_project / "weights.bin", "checkpoints")
    (store_project / "weights.bin").unlink()
    (member.folder / "checkpoints").mkdir()
    (member.folder / "checkpoints" / "last.ckpt").write_bytes(b"\3")
    member.artifact(member.folder / "checkpoints" / "last.ckpt", "checkpoints")
    member.dataset(DatasetInfo("digits", "0123456789abcdef", "scikit-learn"))
    member.end("FINISHED")
    parent.end("FINISHED")
    delivery = session.close()
    assert (delivery.undelivered, delivery.words, session.warnings()) == ((), "", [])
    session.check()

    client = _client(store_project)
    run = run_of(client, "m1")
    assert run.info.run_id == member.run_id
    assert (run.info.status, run.info.run_name) == ("FINISHED", "name of m1")
    assert run.info.end_time >= run.info.start_time >= began - 5000
    assert run.data.params == {"lr": "0.01", "model.hidden": "[25, 12]"}
    assert run.data.tags["mlflow.parentRunId"] == parent.run_id == run.data.tags["lrscope.sweep"]
    assert run.data.tags["lrscope.kind"] == "member"
    assert run.data.tags["lrscope.verdict"] == "trained"
    assert {"mlflow.user", "mlflow.source.name", "mlflow.source.type"} <= set(run.data.tags)
    assert steps_of(client, run.info.run_id) == list(range(1500))
    assert values_of(client, run.info.run_id, "lr")[1499] == 1500 / 8
    nan, infinite = values_of(client, run.info.run_id, "val/loss").values()
    assert math.isnan(nan) and infinite > 1e308
    assert run.data.metrics["train/loss"] == 1500 / 7
    (dataset,) = run.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("digits", "0123456789abcdef")
    assert [tag.value for tag in dataset.tags] == ["training"]
    artifacts = {
        item.path for folder in (None, "checkpoints") for item in client.list_artifacts(run.info.run_id, folder)
    }
    assert artifacts == {"config.yaml", "checkpoints", "checkpoints/weights.bin", "checkpoints/last.ckpt"}
    assert run.info.artifact_uri == f"file://{store_project}/mlruns/digits/{run.info.run_id}/artifacts"
    top = run_of(client, "p1")
    assert "mlflow.parentRunId" not in top.data.tags and top.data.tags["lrscope.kind"] == "sweep"


def test_points_keep_the_time_at_which_they_were_measured(store_project: Path) -> None:
    session = open_session(TrackingSettings())
    log = session.start(start("times", "t1"))
    log.points([Point("train/loss", 0, 1.0, 1_700_000_000_123)])
    session.close()
    client = _client(store_project)
    (metric,) = client.get_metric_history(run_of(client, "t1").info.run_id, "train/loss")
    assert metric.timestamp == 1_700_000_000_123


def test_what_the_store_has_of_a_finished_run_leaves_the_spool_and_checkpoints_stay(store_project: Path) -> None:
    session = open_session(TrackingSettings())
    done, stopped = session.start(start("spool", "d1")), session.start(start("spool", "k1"))
    for log in (done, stopped):
        (log.folder / "checkpoints").mkdir()
        (log.folder / "checkpoints" / "last.ckpt").write_bytes(b"x")
        record(log, range(3))
    done.end("FINISHED")
    stopped.end("KILLED")
    session.close()
    journal = store_project / "outputs" / "spool"
    assert [path.name for path in (journal / "d1").iterdir()] == ["checkpoints"]
    assert (journal / "k1" / "events.jsonl").is_file()


def test_a_finished_run_can_be_annotated_by_a_later_session(store_project: Path) -> None:
    first = open_session(TrackingSettings())
    log = first.start(start("later", "a1", params={"lr": "1"}))
    record(log, range(5))
    log.end("FINISHED")
    first.close()
    second = open_session(TrackingSettings())
    second.annotate("a1").tags({"lrscope.best": "true"})
    assert second.drain(120)
    assert second.close().words == ""
    run = run_of(_client(store_project), "a1")
    assert run.data.tags["lrscope.best"] == "true"
    assert run.info.status == "FINISHED"
    assert steps_of(_client(store_project), run.info.run_id) == list(range(5))


def test_words_added_behind_half_a_line_are_not_lost_with_it(store_project: Path) -> None:
    """A power cut left it; the run is annotated without going on."""
    first = open_session(TrackingSettings())
    log = first.start(start("torn", "t1"))
    record(log, range(3))
    log.end("KILLED")
    first.close()
    with (log.folder / "events.jsonl").open("a") as torn:
        torn.write('{"event":"points","points":[["train/l')
    second = open_session(TrackingSettings())
    second.annotate("t1").tags({"lrscope.best": "true"})
    assert second.drain(120)
    assert second.close().words == ""
    assert run_of(_client(store_project), "t1").data.tags["lrscope.best"] == "true"


@pytest.mark.filterwarnings("ignore")
def test_an_mlflow_model_loads_from_the_run_and_is_made_once(store_project: Path, tmp_path: Path) -> None:
    import mlflow

    class Doubles(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined]
        def predict(self, model_input: list[int]) -> list[int]:
            return [2 * value for value in model_input]

    folder = tmp_path / "saved"
    mlflow.pyfunc.save_model(str(folder), python_model=Doubles(), pip_requirements=["mlflow"])
    session = open_session(TrackingSettings())
    log = session.start(start("models", "mo1"))
    log.model(folder)
    log.end("FINISHED")
    session.flush()
    events = (log.folder / "events.jsonl").read_bytes()
    files = log.folder / "files"
    kept = tmp_path / "kept"
    import shutil

    shutil.copytree(files, kept)
    assert session.close().words == ""
    # Delivered a second time from the start, as after a crash between sending and noting it.
    files.parent.mkdir(exist_ok=True)
    shutil.copytree(kept, files)
    (log.folder / "events.jsonl").write_bytes(events)
    from lrscope.tracking.delivery.sync import sync

    assert sync(TrackingSettings()).left == ()
    run = run_of(_client(store_project), "mo1")
    (output,) = run.outputs.model_outputs
    stored = _client(store_project).get_logged_model(output.model_id)
    assert (stored.name, str(stored.status), stored.source_run_id) == ("model", "READY", run.info.run_id)
    assert len(_client(store_project).search_logged_models([run.info.experiment_id])) == 1
    loaded = mlflow.pyfunc.load_model(stored.artifact_location)
    assert loaded.metadata.run_id == run.info.run_id
    assert loaded.predict([3]) == [6]


def test_a_refused_param_is_told_and_holds_nothing_up(store_project: Path) -> None:
    session = open_session(TrackingSettings())
    log = session.start(start("refused", "r1", params={"lr": "0.1", "bad#key": "x"}))
    log.params({"lr": "0.2", "later": "y"})
    record(log, range(10))
    log.end("FINISHED")
    assert session.close().undelivered == ()
    warnings = "\n".join(session.warnings())
    assert "bad#key" in warnings and "lr=0.2" in warnings
    client = _client(store_project)
    run = run_of(client, "r1")
    assert run.data.params == {"lr": "0.1", "later": "y"}
    assert (run.info.status, steps_of(client, run.info.run_id)) == ("FINISHED", list(range(10)))
    refused = [json.loads(line) for line in (log.folder / "refused.jsonl").read_text().splitlines()]
    assert len(refused) == 2


def test_a_refused_point_costs_that_point_only(store_project: Path) -> None:
    session = open_session(TrackingSettings())
    log = session.start(start("refused", "rp1"))
    log.points([*measured(range(600)), Point("bad#key", 0, 1.0, now_ms()), *measured(range(600, 700))])
    session.close()
    assert len(session.warnings()) == 1
    client = _client(store_project)
    assert steps_of(client, run_of(client, "rp1").info.run_id) == list(range(700))


def test_a_run_deleted_meanwhile_does_not_stop_the_others(store_project: Path) -> None:
    session = open_session(TrackingSettings())
    gone, other = session.start(start("deleted", "x1"), wait=True), session.start(start("deleted", "x2"))
    _client(store_project).delete_run(gone.run_id)
    record(gone, range(3000))
    record(other, range(100))
    assert session.close().undelivered == ()
    assert any("deleted" in words for words in session.warnings())
    assert steps_of(_client(store_project), run_of(_client(store_project), "x2").info.run_id) == list(range(100))


def test_calls_of_the_training_thread_do_not_wait(store_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 points, a call each, while the disk takes none: a call that waited for it would never come back."""
    disk_takes = threading.Event()
    append = Journal.append

    def slow(journal: Journal, lines: bytes) -> None:
        assert disk_takes.wait(250)
        append(journal, lines)

    session = open_session(TrackingSettings())
    log = session.start(start("quick", "q1"))
    monkeypatch.setattr(Journal, "append", slow)
    for step in range(20_000):
        log.points([Point("train/loss", step, 0.5, 1_700_000_000_000 + step)])
    disk_takes.set()
    session.close()
    assert steps_of(_client(store_project), run_of(_client(store_project), "q1").info.run_id) == list(range(20_000))


def test_off_records_nothing(project: Path) -> None:
    session = open_session(TrackingSettings(mode="off"))
    log = session.start(start("off", "o1", "sweep"))
    record(log, range(5))
    log.tags({"a": "b"})
    log.text("x", "y.txt")
    log.artifact(project / "nothing.bin")
    log.model(project / "nothing")
    log.dataset(DatasetInfo("d", "1", "s"))
    log.end("FINISHED")
    again = session.reopen("o1")
    assert (log.run_id, again.last_step("train/loss")) == (None, None)
    assert session.close().words == ""
    assert list(project.iterdir()) == []


def test_offline_needs_neither_mlflow_nor_a_store(project: Path) -> None:
    code = """
import sys
from pathlib import Path
from lrscope.tracking import *
session = open_session(TrackingSettings(mode="offline", uri="http://127.0.0.1:9"))
log = session.start(RunStart("offline", "n", "run", "off1"), wait=True)
log.points([Point("train/loss", step, 0.5, now_ms()) for step in range(10)])
log.end("FINISHED")
delivery = session.close()
assert delivery.undelivered == ("off1",), delivery
assert "make sync" in delivery.words
heavy = [name for name in ("mlflow", "sqlalchemy", "torch", "numpy", "requests") if name in sys.modules]
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (project / "outputs" / "spool" / "off1" / "events.jsonl").is_file()


def test_a_script_that_forgets_to_close_loses_nothing_that_it_recorded(store_project: Path) -> None:
    code = """
from lrscope.tracking import *
session = open_session(TrackingSettings(mode="offline"))
log = session.start(RunStart("forgot", "n", "run", "f1"))
log.points([Point("train/loss", step, 0.5, now_ms()) for step in range(1000)])
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    from lrscope.tracking.delivery.sync import sync

    assert sync(TrackingSettings()).delivered == ("f1",)
    run = run_of(_client(store_project), "f1")
    assert (run.info.status, steps_of(_client(store_project), run.info.run_id)) == ("KILLED", list(range(1000)))


def test_a_spool_that_cannot_be_made_is_bad_input(store_project: Path) -> None:
    (store_project / "file").write_text("")
    with pytest.raises(InputError, match=r"tracking\.spool"):
        open_session(TrackingSettings(mode="offline", spool=store_project / "file" / "spool")).open()
