from __future__ import annotations

import pytest
from made_sweeps import member
from mlflow.entities import Metric, Param, Run, RunData, RunInfo, RunTag

from lrscope.report.data.axes import format_rate, settings_of, sort_key, swept_axes


def run(name: str = "", params: dict[str, str] | None = None, rate: float | None = None) -> Run:
    info = RunInfo("r", "e", "u", "FINISHED", 0, 1, "active", run_name=name)
    metrics = [] if rate is None else [Metric("peak_lr", rate, 0, 0)]
    data = RunData(metrics, [Param(k, v) for k, v in (params or {}).items()], [RunTag("mlflow.runName", name)])
    return Run(info, data)


@pytest.mark.parametrize("name", ["scheduler=cosine lr=0.1 seed=0", "lr=0.1,scheduler=cosine", "+scheduler=cosine"])
def test_a_swept_group_is_read_from_the_name_of_the_run(name: str) -> None:
    made = run(name, {"scheduler._target_": "torch.optim.lr_scheduler.CosineAnnealingLR"})
    assert settings_of(made, ["scheduler"]) == {"scheduler": "cosine"}


def test_a_list_keeps_its_commas_and_spaces() -> None:
    assert settings_of(run("model.hidden=[25, 12] lr=0.1"), ["model.hidden"]) == {"model.hidden": "[25, 12]"}


def test_without_a_name_the_params_and_then_the_class_tell() -> None:
    params = {"batch_size": "32", "optimizer._target_": "torch.optim.SGD"}
    assert settings_of(run("x", params), ["batch_size", "optimizer", "model"]) == {
        "batch_size": "32",
        "optimizer": "SGD",
        "model": "not recorded",
    }


def test_the_rate_is_told_as_people_write_it() -> None:
    assert settings_of(run("", {}, 0.1 * 3), ["lr"]) == {"lr": "0.3"}
    assert [format_rate(rate) for rate in (1.0, 0.0001, 3e-5, 123456.0)] == ["1", "0.0001", "3e-05", "1.235e+05"]


def test_axes_of_runs_that_another_program_made() -> None:
    runs = [
        run(params={"learning_rate": rate, "seed": seed, "output_dir": f"/tmp/{rate}{seed}", "epochs": "5"})
        for rate in ("0.1", "0.2")
        for seed in ("0", "1")
    ]
    assert swept_axes((), runs) == ("lr", "seed")
    assert swept_axes(("seed", "lr"), runs) == ("lr", "seed"), "as recorded, rate first"
    assert swept_axes((), runs[:1]) == ()


def test_members_are_sorted_as_numbers() -> None:
    members = [member(rate, [1.0], seed=seed) for rate in (1, 0.1, 10, 2e-5) for seed in (10, 9)]
    ordered = sorted(members, key=lambda one: sort_key(one, ("lr", "seed")))
    assert [(one.rate, one.seed) for one in ordered][:4] == [(2e-5, 9), (2e-5, 10), (0.1, 9), (0.1, 10)]
    sizes = [member(0.1, [1.0], settings={"batch_size": size}) for size in ("128", "16", "none")]
    ordered = sorted(sizes, key=lambda one: sort_key(one, ("batch_size",)))
    assert [one.settings["batch_size"] for one in ordered] == ["16", "128", "none"]
