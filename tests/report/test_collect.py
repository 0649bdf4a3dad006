from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from lrscope.core.errors import InputError, StoreUnreachable
from lrscope.core.verdict import Verdict
from lrscope.report.data.collect import collect_sweep, latest_sweep
from lrscope.report.data.stored_sweep import gaps
from lrscope.report.diagnose_stored import diagnose_stored
from lrscope.report.figures.colours import MARKS, SCALE
from lrscope.report.mlflow_ui.attach import attach_to_mlflow
from lrscope.report.report_stored import list_sweeps, report_stored
from stored_sweeps import Trained, diverged, store_sweep, train


@pytest.fixture
def uri(store_project: Path) -> Iterator[str]:
    yield f"sqlite:///{store_project / 'mlflow.db'}"


def trained(rate: float, seed: int = 0) -> Trained:
    return train(rate, seed, epochs=4)


def test_a_stored_sweep_comes_back_as_it_was(uri: str) -> None:
    runs = [trained(0.1), trained(0.01), diverged(1.0, 0)]
    parent, members = store_sweep(uri, runs, overrides=["lr=0.1,0.01,1"])
    sweep = collect_sweep(uri, parent)
    assert [member.rate for member in sweep.members] == [0.01, 0.1, 1.0]
    assert (sweep.axes, sweep.overrides, sweep.planned, sweep.ours) == (("lr",), ("lr=0.1,0.01,1",), 3, True)
    member = sweep.members[0]
    assert member.run_id == members[1]
    for name, curve in runs[1].curves.items():
        stored = member.trace.get(name)
        assert list(zip(stored.steps.tolist(), stored.values.tolist(), strict=True)) == list(curve), name
    lost = sweep.members[2]
    assert (lost.verdict, lost.status) == (Verdict.DIVERGED, "FAILED")
    assert lost.trace.get("train/loss").values[-1] == math.inf
    assert collect_sweep(uri, members[0]).run_id == parent, "a member leads to its sweep"


def test_the_signals_of_failed_members_are_read_with_it(uri: str) -> None:
    dead = [(0, 0.5), (4, 1.0)]
    signals = {"dead_units/2": dead, "output_spread": [(9, 0.0)], "grad_norm": [(0, 1.0)]}
    good, bad = trained(0.01), trained(0.02)
    bad = replace(bad, curves={**bad.curves, **signals}, verdict="collapsed")
    good = replace(good, curves={**good.curves, **signals}, verdict="trained")
    parent, _ = store_sweep(uri, [good, bad])
    fine, failed = collect_sweep(uri, parent).members
    assert failed.trace.get("dead_units/2").values.tolist() == [0.5, 1.0]
    assert len(failed.trace.get("output_spread")) == 1
    assert not len(failed.trace.get("grad_norm")), "it does not show why this one failed"
    assert not len(fine.trace.get("dead_units/2"))


def test_half_empty_sweeps_say_what_is_missing(uri: str) -> None:
    runs = [
        trained(0.01),
        replace(trained(0.02), status="RUNNING"),
        replace(trained(0.03), curves={}, status="FAILED", verdict=""),
        trained(0.04),
    ]
    parent, members = store_sweep(uri, runs, planned=5)
    MlflowClient(uri).delete_run(members[3])
    sweep = collect_sweep(uri, parent)
    assert [member.outcome for member in sweep.members] == ["trained", "running", "crashed"] or len(sweep.members) == 3
    assert gaps(sweep)[:3] == (
        "1 of 5 planned members is not recorded.",
        "1 member was deleted in MLflow.",
        "1 member (lr=0.02) is still running.",
    )


def test_wrong_ids_are_refused_in_one_line(uri: str) -> None:
    client = MlflowClient(uri)
    lone = client.create_run(client.create_experiment("alone")).info.run_id
    parent, _ = store_sweep(uri, [trained(0.01)])
    client.delete_run(parent)
    for wrong, words in (
        ("f" * 32, "has no such run"),
        ("' OR 1=1 --", "is no MLflow run id"),
        ("../../etc/passwd", "is no MLflow run id"),
        (lone, "this run has no members"),
        (parent, "this run was deleted"),
    ):
        with pytest.raises(InputError, match=words) as raised:
            collect_sweep(uri, wrong)
        assert len(str(raised.value).splitlines()) == 1


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachable, match="there is no such file"):
        latest_sweep(f"sqlite:///{tmp_path / 'none.db'}")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreUnreachable):
        latest_sweep("http://127.0.0.1:9")


def test_the_latest_sweep_and_the_list(uri: str) -> None:
    with pytest.raises(InputError, match="holds no sweep"):
        latest_sweep(uri)
    first, _ = store_sweep(uri, [trained(0.01)], name="one")
    second, _ = store_sweep(uri, [trained(0.01)], experiment="other", name="two")
    assert latest_sweep(uri) == second
    lines = list_sweeps(uri)
    assert [line.split()[0] for line in lines] == [second, first]
    assert lines[1].endswith("digits  one  finished")


def test_runs_that_another_program_made(uri: str, store_project: Path) -> None:
    """A plain PyTorch script: nested runs, its own names, epochs as steps, no tag of lrscope."""
    client = MlflowClient(uri)
    experiment = client.create_experiment("foreign", artifact_location=(store_project / "mlruns").as_uri())
    parent = client.create_run(experiment, run_name="search").info.run_id
    for rate in (0.1, 0.001):
        run = client.create_run(experiment, run_name=f"try {rate}", tags={"mlflow.parentRunId": parent}).info.run_id
        metrics = [Metric("train_loss", 2.0 / (step + 1) ** (10 * rate), step, step) for step in range(50)]
        metrics += [Metric("val_accuracy", epoch / 5, epoch, epoch) for epoch in range(5)]
        client.log_batch(run, metrics, [Param("learning_rate", str(rate)), Param("out_dir", f"/tmp/{rate}")])
        client.set_terminated(run)
    sweep = collect_sweep(uri, parent)
    assert (sweep.axes, sweep.ours) == (("lr",), False)
    assert [member.rate for member in sweep.members] == [0.001, 0.1]
    assert len(sweep.members[1].trace.get("train/loss")) == 50
    assert sweep.members[1].trace.get("val/acc").steps.tolist() == [9, 19, 29, 39, 49]
    assert all(member.verdict is not None and member.why for member in sweep.members), "judged from the curves"
    assert latest_sweep(uri) == parent
    done = report_stored([parent], uri)
    assert done.not_kept == ""
    assert done.files.recommendation is not None
    assert done.files.recommendation.best == 0.1
    found = diagnose_stored([parent], uri, tag=True)
    assert len(found) == 2
    assert client.get_run(found[0].run_id).data.tags["lrscope.verdict"] == found[0].diagnosis.verdict.label


def test_the_report_lands_in_mlflow(uri: str, store_project: Path) -> None:
    parent, members = store_sweep(uri, [trained(0.1), trained(0.001)])
    done = report_stored([], uri)
    client = MlflowClient(uri)
    kept = {artifact.path for artifact in client.list_artifacts(parent, "report")}
    assert {"report/report.html", "report/loss_vs_rate.png", "report/curves.png", "report/members.csv"} <= kept
    assert done.files.html.parent == store_project / "outputs" / "reports" / parent[:12]
    run = client.get_run(parent)
    note = run.data.tags["mlflow.note.content"]
    assert note.startswith(done.files.note_markdown.partition("\n\n###")[0].rstrip())
    assert f"(get-artifact?path=report/loss_vs_rate-note.png&run_uuid={parent})" in note
    about = client.get_experiment(run.info.experiment_id).tags["mlflow.note.content"]
    assert (
        f"[lr × 2 · 0.1 best](#/experiments/{run.info.experiment_id}/runs/{parent}?" in about and "Use lr=0.1" in about
    )
    assert client.get_run(members[0]).data.tags["mlflow.runColor"] == SCALE[-1]
    assert run.info.run_name == "lr × 2 · 0.1 best"
    assert (run.data.metrics["best/lr"], run.data.metrics["members/trained"]) == (0.1, 1.0)
    assert run.data.metrics["best/loss"] == done.files.recommendation.loss if done.files.recommendation else False
    assert "1 trained" in run.data.tags["lrscope.verdict"]
    assert run.data.tags["lrscope.why"].startswith("Use lr=0.1")
    assert client.get_run(members[1]).data.tags["mlflow.runColor"] == MARKS["collapsed"].colour, "it failed"
    experiment = client.get_experiment(run.info.experiment_id)
    assert f"mlflow.sharedViewState.lrscope-{parent[:12]}" in experiment.tags


def test_a_dry_report_leaves_the_store_alone(uri: str, tmp_path: Path) -> None:
    parent, _ = store_sweep(uri, [trained(0.1)])
    report_stored([parent], uri, tmp_path / "out", keep=False)
    client = MlflowClient(uri)
    assert "mlflow.note.content" not in client.get_run(parent).data.tags
    assert not client.get_experiment(client.get_run(parent).info.experiment_id).tags


def test_a_member_deleted_meanwhile_does_not_stop_the_rest(uri: str) -> None:
    parent, members = store_sweep(uri, [trained(0.1), trained(0.01)])
    sweep = collect_sweep(uri, parent)
    client = MlflowClient(uri)
    client.delete_run(members[0])
    attach_to_mlflow(sweep, "note", client)
    assert "mlflow.runColor" in client.get_run(members[1]).data.tags
    assert "note" in client.get_run(parent).data.tags["mlflow.note.content"].splitlines()


def test_one_run_and_a_whole_sweep_are_diagnosed(uri: str) -> None:
    parent, members = store_sweep(uri, [trained(0.01), diverged(5.0, 0)])
    (alone,) = diagnose_stored([members[1]], uri)
    assert (alone.name, alone.diagnosis.verdict) == ("lr=5", Verdict.DIVERGED)
    assert {item.run_id for item in diagnose_stored([parent], uri)} == set(members)
    with pytest.raises(InputError, match="no such run"):
        diagnose_stored(["e" * 32], uri)


def test_what_an_interrupted_sweep_has_come_to_is_no_point_of_its_record(uri: str) -> None:
    """A metric cannot be taken back: once the sweep has been resumed, its results are those of one left alone."""
    stopped = replace(trained(0.01), status="KILLED")
    for interrupted in (
        store_sweep(uri, [trained(0.1), stopped]),
        store_sweep(uri, [trained(0.1)], planned=2),
    ):
        report_stored([interrupted[0]], uri)
        run = MlflowClient(uri).get_run(interrupted[0])
        assert run.data.metrics == {}
        assert "1 trained" in run.data.tags["lrscope.verdict"]
