"""``tracking.system_metrics``: what the machine does, on MLflow's own tab, for the sweep or the lone run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from command_line import Typed, type_command
from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
from omegaconf import OmegaConf

from lrscope.config import check_sampling
from lrscope.tracking import RunStart, TrackingSettings, open_session
from lrscope.tracking.system_metrics import INTERVAL, PREFIX

OFTEN = {INTERVAL: "0.2"}
ON = "tracking.system_metrics=true"
SMALL = ("dataset=blobs", "dataset.examples=200", "batch_size=20", "trainer=cpu", "callbacks.progress=none",
         "callbacks.look_ahead=false", "tracking.log_model=none")  # fmt: skip


def _names() -> set[str]:
    """What MLflow's own monitor of a machine without a GPU records."""
    monitor = CPUMonitor()
    monitor.collect_metrics()
    return {PREFIX + key for key in monitor.aggregate_metrics()}


def _sampled(typed: Typed) -> dict[str, dict[str, dict[int, float]]]:
    """Curves of the machine by the kind of the run; a step twice is an error."""
    found = {}
    for run in typed.runs():
        keys = [key for key in run.data.metrics if key.startswith(PREFIX)]
        found[run.data.tags["lrscope.kind"]] = {key: typed.curve(run, key) for key in keys}
    return found


def test_a_run_of_seconds_has_points(tmp_path: Path) -> None:
    typed = type_command(tmp_path, *SMALL, ON, "epochs=400", store=True, variables=OFTEN)
    assert typed.code == 0, typed.err
    curves = _sampled(typed)["run"]
    assert curves.keys() >= _names()
    steps = list(curves[f"{PREFIX}cpu_utilization_percentage"])
    assert len(steps) >= 3 and steps == list(range(len(steps)))
    used = curves[f"{PREFIX}cpu_utilization_percentage"].values()
    assert all(0 <= value <= 100 for value in used) and max(used) > 0
    assert all(value > 100 for value in curves[f"{PREFIX}system_memory_usage_megabytes"].values())


def test_a_resumed_run_goes_on_counting(store_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(INTERVAL, "0.1")
    settings = TrackingSettings(system_metrics=True)
    for number in range(2):
        session = open_session(settings)
        log = session.reopen("one") if number else session.start(RunStart("here", "one", "run", "one"), wait=True)
        time.sleep(1)
        log.end("FINISHED" if number else "KILLED")
        session.close()
    typed = Typed(store_project, 0, "", "", 0)
    (curve,) = [curve for key, curve in _sampled(typed)["run"].items() if "cpu" in key]
    assert len(curve) > 8 and list(curve) == list(range(len(curve)))


@pytest.mark.long
def test_without_the_key_there_are_none(tmp_path: Path) -> None:
    typed = type_command(tmp_path, *SMALL, "epochs=200", store=True, variables=OFTEN)
    assert typed.code == 0, typed.err
    assert _sampled(typed) == {"run": {}}


@pytest.mark.long
def test_of_a_sweep_the_parent_has_them(tmp_path: Path) -> None:
    """Whichever way the members are trained: they share the machine."""
    for way in ("always", "never"):
        words = ("-m", "lr=0.1,0.01", "epochs=100", f"sweep.together={way}", *SMALL, ON)
        typed = type_command(tmp_path / way, *words, store=True, variables=OFTEN)
        assert typed.code == 0, typed.err
        found = _sampled(typed)
        assert found["member"] == {} and found["sweep"].keys() >= _names(), way


@pytest.mark.parametrize(
    ("words", "interval", "expected"),
    [
        (("tracking.mode=offline",), "1", "which tracking.mode=offline does not start"),
        (("tracking=off",), "1", "which tracking.mode=off does not start"),
        ((), "0", "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL=0: is the time from one sample to the next"),
        ((), "often", "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL=often: is the time"),
    ],
)
def test_where_nobody_samples_it_is_refused(
    tmp_path: Path, words: tuple[str, ...], interval: str, expected: str
) -> None:
    variables = {INTERVAL: interval}
    typed = type_command(tmp_path, *SMALL, ON, *words, store=True, variables=variables)
    assert typed.code == 2 and expected in typed.err and len(typed.err.splitlines()) == 1
    assert typed.runs() == []


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_sampling, "find_spec", lambda _: None)
    tracking = OmegaConf.create({"system_metrics": True, "mode": "online"})
    (problem,) = check_sampling.check_system_metrics(tracking)
    assert str(problem) == "tracking.system_metrics=true: needs the package psutil. pip install 'lrscope[system]'"
