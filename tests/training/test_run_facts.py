"""What a run is judged by, as the config says it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from lrscope.config import schema
from lrscope.config.overrides import run_config
from lrscope.core.job import Job
from lrscope.core.paths import shipped_conf
from lrscope.runs.prepare import prepare


@pytest.mark.parametrize(
    ("words", "schedule"),
    [
        (["scheduler=constant"], "constant"),
        (
            ["scheduler=constant", "scheduler.name=mine"],
            "constant",
        ),  # else its verdict is that the schedule never moved
        (["scheduler=exponential", "scheduler.name=mine"], "mine"),
        (["optimizer=sgd", "scheduler=strategies/fixed"], "constant"),
    ],
)
def test_a_rate_that_stays_is_constant_whatever_its_option_is_called(words: list[str], schedule: str) -> None:
    schema.register()
    with initialize_config_dir(str(shipped_conf()), version_base="1.3"):
        cfg = run_config(compose("train", overrides=["dataset=blobs", *words]), words)
    assert prepare(cfg, Job(Path(), tuple(words))).facts.scheduler == schedule
