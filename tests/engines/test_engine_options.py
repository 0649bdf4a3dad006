"""What an engine may be told is checked before anything trains, and reaches it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir

from lrscope.config import schema
from lrscope.config.engine_options import check_engine, given_options
from lrscope.core.errors import InputError
from lrscope.core.paths import shipped_conf


@pytest.fixture(scope="module", autouse=True)
def _conf() -> Iterator[None]:
    schema.register()
    with initialize_config_dir(str(shipped_conf()), version_base="1.3"):
        yield


def sweep(*overrides: str) -> Any:
    return compose("train", list(overrides)).sweep


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (("sweep.engine=jobli",), "sweep.engine=jobli: must be one of local, joblib, slurm, ray. Did you mean joblib?"),
        (("sweep.workers=0",), "sweep.workers=0: must be at least 1. Try sweep.workers=2."),
        (("sweep.engine=joblib", "sweep.workers=-2"), "sweep.workers=-2: must be at least 1. Try sweep.workers=2."),
        (("sweep.retries=-1",), "sweep.retries=-1: must be 0 or above. Try sweep.retries=2."),
        (
            ("sweep.engine=joblib", "sweep.engine_options.partition=gpu"),
            "sweep.engine_options.partition=gpu: sweep.engine=joblib has no such option; it has none. "
            "Leave it out, or choose sweep.engine=slurm.",
        ),
    ],
)
def test_what_is_wrong_is_told_in_a_line(overrides: tuple[str, ...], words: str) -> None:
    assert [str(problem) for problem in check_engine(sweep(*overrides))] == [words]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (("mem_gb=-1",), "sweep.engine_options.mem_gb=-1.0: must be 0 or above."),
        (("cluster=here",), "sweep.engine_options.cluster=here: must be one of slurm, local."),
    ],
)
def test_an_option_of_slurm_is_checked(overrides: tuple[str, ...], words: str) -> None:
    given = [f"sweep.engine_options.{word}" for word in overrides]
    assert words in " ".join(str(problem) for problem in check_engine(sweep("sweep.engine=slurm", *given)))


@pytest.mark.parametrize(("engine", "package"), [("slurm", "submitit"), ("ray", "ray")])
def test_a_library_that_is_missing_is_told_with_what_brings_it(
    engine: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.setattr(sys, "path_importer_cache", {})
    assert [str(problem) for problem in check_engine(sweep(f"sweep.engine={engine}"))] == [
        f"sweep.engine={engine}: needs {package}, which is not installed. "
        f"Install it with pip install 'lrscope[{engine}]'."
    ]


def test_slurm_is_wanted_where_its_programs_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    (problem,) = check_engine(sweep("sweep.engine=slurm"))
    assert "needs the program sbatch" in str(problem)
    assert list(check_engine(sweep("sweep.engine=slurm", "sweep.engine_options.cluster=local"))) == []


IN_THE_SCRIPT = {
    "partition=gpu": "--partition=gpu",
    "timeout_min=7": "--time=7",
    "cpus_per_task=3": "--cpus-per-task=3",
    "gpus_per_node=2": "--gpus-per-node=2",
    "mem_gb=5": "--mem=5GB",
    "account=us": "--account=us",
    "qos=low": "--qos=low",
    "constraint=a100": "--constraint=a100",
    "setup=['module load cuda']": "\nmodule load cuda\n",
    "signal_delay_s=33": "--signal=USR2@33",
}


class Nothing:
    """Work that can be submitted; nobody does it."""

    def __call__(self) -> None: ...

    def resumed(self) -> Nothing:
        return self


def test_each_option_of_slurm_reaches_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``sbatch`` is a program that keeps the script it is given: here is no cluster."""
    pytest.importorskip("submitit")
    from lrscope.engines.on_slurm import SlurmEngine

    for name in ("srun", "sbatch"):
        (tmp_path / name).write_text(f"#!/bin/sh\ncp $1 {tmp_path}/script\necho Submitted batch job 12\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    given = [f"sweep.engine_options.{word}" for word in IN_THE_SCRIPT]
    SlurmEngine(given_options(sweep("sweep.engine=slurm", *given)), tmp_path, "lrscope-1").submit(Nothing(), "one")
    script = (tmp_path / "script").read_text()
    assert [words for words in IN_THE_SCRIPT.values() if words not in script] == []


class Resources:
    """What Ray gives the task that does this."""

    def __call__(self) -> object:
        import ray

        return ray.get_runtime_context().get_assigned_resources()

    def resumed(self) -> Resources:
        return self


@pytest.mark.ray
@pytest.mark.long
def test_each_option_of_ray_reaches_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")
    from lrscope.engines.on_ray import RayEngine

    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    engine = RayEngine(2, given_options(sweep("sweep.engine=ray", "sweep.engine_options.num_cpus=0.5")))
    try:
        assert ray.cluster_resources()["CPU"] == 1.0
        assert engine.submit(Resources(), "one").result() == {"CPU": 0.5}
    finally:
        engine.stop()
    with pytest.raises(InputError, match=r"sweep.engine_options.num_gpus=99.0: .*this machine"):
        RayEngine(2, given_options(sweep("sweep.engine=ray", "sweep.engine_options.num_gpus=99")))
    with pytest.raises(InputError, match=r"sweep\.engine_options\.address=auto: Ray does not start there"):
        RayEngine(2, given_options(sweep("sweep.engine=ray", "sweep.engine_options.address=auto")))
