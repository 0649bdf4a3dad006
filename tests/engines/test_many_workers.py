"""More workers than processors, two engines at once, and a clock that is wrong, on one fresh store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sweeps_elsewhere import AT_MOST_S, Typed, points, type_command

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]

SMALL = (
    *("dataset=blobs", "batch_size=200", "model.hidden=[4]", "epochs=3", "optimizer=sgd", "trainer=cpu"),
    *("sweep.report=false", "tracking.log_model=none", "callbacks.look_ahead=false"),
)
SIXTEEN = ",".join(str(round(0.3 * 0.8**n, 5)) for n in range(16))


def test_sixteen_workers_on_a_fresh_store(tmp_path: Path) -> None:
    words = ("-m", f"lr={SIXTEEN}", *SMALL, "sweep.together=never")
    here = type_command(tmp_path / "here", *words, store=True, at_most_s=AT_MOST_S)
    there = type_command(tmp_path / "there", *words, "sweep.engine=joblib", "sweep.workers=16", at_most_s=1200)
    assert here.code == there.code == 0, there.err + there.out
    assert len(there.runs()) == 17 and {run.info.status for run in there.runs()} == {"FINISHED"}
    assert points(there) == points(here)


def test_two_engines_at_once_in_one_store(tmp_path: Path) -> None:
    """Of different projects, as two people's."""
    words = ("-m", *SMALL, "lr=0.3,0.1", "model.hidden=[4],[5]")
    twin = type_command(tmp_path / "twin", *words, store=True, at_most_s=AT_MOST_S)
    engines = (("sweep.engine=joblib",), ("sweep.engine=slurm", "sweep.engine_options.cluster=local"))
    pytest.importorskip("submitit")
    with ThreadPoolExecutor(2) as both:
        ended = list(both.map(lambda more: _typed_beside(tmp_path, words, more), engines))
    assert [typed.code for typed in ended] == [0, 0], [typed.err for typed in ended]
    runs = ended[0].runs()
    assert len(runs) == 10 and {run.info.status for run in runs} == {"FINISHED"}
    for parent in (run for run in runs if run.data.tags["lrscope.kind"] == "sweep"):
        own = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
        named = {str(run.info.run_name): run for run in own}
        found = {
            name: {key: ended[0].curve(run, key) for key in run.data.metrics if "second" not in key}
            for name, run in named.items()
        }
        assert found == points(twin)


def _typed_beside(folder: Path, words: tuple[str, ...], more: tuple[str, ...]) -> Typed:
    at = f"hydra.sweep.dir={folder}/jobs-{more[0].rpartition('=')[2]}"
    return type_command(folder / "both", *words, *more, at, "sweep.workers=2", at_most_s=AT_MOST_S)


FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed (Debian: faketime)")
@pytest.mark.parametrize("shift", ("-1h", "+1h"))
def test_workers_whose_clock_is_wrong_by_an_hour_go_on(shift: str, tmp_path: Path) -> None:
    """Runs are begun at one time and go on at another: no point is lost, and none is there twice."""
    words = (
        "-m",
        "lr=0.3,0.1",
        *SMALL,
        "epochs=30",
        "sweep.together=always",
        "callbacks.checkpoint.every_seconds=0.01",
    )
    twin = type_command(tmp_path / "twin", *words, store=True, at_most_s=AT_MOST_S)
    killed = {"LRSCOPE_FAILPOINT": f"after checkpoint 3 process {tmp_path / 'reached'}"}
    begun = type_command(tmp_path / "begun", *words, store=True, fresh=True, variables=killed, at_most_s=AT_MOST_S)
    assert begun.code != 0
    clock = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": shift}
    engine = ("sweep.engine=joblib", "sweep.workers=1", "resume=latest")
    typed = type_command(tmp_path / "begun", *words, *engine, fresh=True, variables=clock, at_most_s=AT_MOST_S)
    assert typed.code == 0, typed.err + typed.out
    assert {run.info.status for run in typed.runs()} == {"FINISHED"}
    assert points(typed) == points(twin)
    for run in typed.runs():
        for key in run.data.metrics:
            steps = [point.step for point in typed.client.get_metric_history(run.info.run_id, key)]
            assert len(steps) == len(set(steps)), (key, "is there twice")
