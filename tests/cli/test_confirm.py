"""``sweep.confirm``: the best settings get more seeds in the same sweep, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import type_command
from mlflow.entities import Run
from omegaconf import DictConfig, OmegaConf

from lrscope.core.errors import InputError
from lrscope.sweeps.confirm_best import check_typed

WORDS = ("-m", "lr=1e6,0.3,0.1,0.03,0.0001", "sweep.confirm=true", "optimizer=sgd", "dataset=blobs", "epochs=4",
         "batch_size=200", "model.hidden=[6]", "trainer=cpu", "callbacks.look_ahead=false",
         "tracking.log_model=none")  # fmt: skip


def _settings(runs: list[Run]) -> set[tuple[float, int]]:
    return {(float(run.data.params["lr"]), int(run.data.params["seed"])) for run in runs}


@pytest.mark.long
def test_the_three_best_rates_get_four_more_seeds_and_a_resume_trains_nothing_again(tmp_path: Path) -> None:
    first = type_command(tmp_path, *WORDS, store=True)
    assert first.code == 0, first.err
    parent, *members = sorted(first.runs(), key=lambda run: run.data.tags["lrscope.kind"] != "sweep")
    swept = {(rate, 0) for rate in (1e6, 0.3, 0.1, 0.03, 0.0001)}
    confirmed = {(rate, seed) for rate in (0.3, 0.1, 0.03) for seed in (1, 2, 3, 4)}
    assert _settings(members) == swept | confirmed and len(members) == 17
    assert {run.data.tags["mlflow.parentRunId"] for run in members} == {parent.info.run_id}
    assert "lr=0.3 seed=4" in {run.info.run_name for run in members}
    assert json.loads(parent.data.tags["lrscope.axes"]) == ["lr", "seed"]
    assert parent.data.tags["lrscope.planned"] == "17"
    assert "mean of 5 seeds" in first.out
    again = type_command(tmp_path, *WORDS, "resume=latest")
    assert again.code == 0, again.err
    assert "17 of its 17 members are done" in again.out
    ended = {run.info.run_id: run.info.end_time for run in again.runs()}
    assert ended.keys() == {run.info.run_id for run in first.runs()}
    assert all(ended[run.info.run_id] == run.info.end_time for run in members)


def test_for_a_lone_run_it_is_refused() -> None:
    def typed(*words: str) -> DictConfig:
        return OmegaConf.create({"hydra": {"overrides": {"task": list(words)}}})

    with pytest.raises(InputError, match="a lone run has no best rates"):
        check_typed(typed("lr=0.1", "sweep.confirm=true"))
    check_typed(typed("lr=0.1", "sweep.confirm=false"))
    check_typed(typed("lr=0.1"))
