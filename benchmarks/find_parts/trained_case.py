"""One case of the benchmark of finds: what the copies measured, and what whole runs at many rates come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir

from find_parts.find_cases import FindCase
from lrscope.config import schema
from lrscope.config.overrides import run_config
from lrscope.core.job import Job
from lrscope.core.paths import shipped_conf
from lrscope.probe.horizon_plan import Branch, HorizonPlan
from lrscope.runs.find_start import FindStart, find_start
from lrscope.runs.prepare import PreparedRun, prepare

SEEDS = (0, 1, 2)
SWEPT = tuple(float(f"{rate:.3g}") for rate in np.geomspace(1e-5, 10, 19))
"""Three rates a decade."""


def prepared(case: FindCase, seed: int = 0) -> PreparedRun:
    """The run of a case, as the command prepares it."""
    schema.register()
    words = [*case.words, "find=on", "tracking=off", "trainer=cpu", f"seed={seed}"]
    with initialize_config_dir(str(shipped_conf()), version_base="1.3"):
        cfg = run_config(compose("train", overrides=words), words)
    return prepare(cfg, Job(Path(), tuple(words)))


def start_of(case: FindCase, seed: int = 0) -> FindStart:
    """The start of a find for it."""
    return find_start(prepared(case, seed))


def whole_runs(case: FindCase, rates: Sequence[float], seeds: Sequence[int] = SEEDS) -> list[list[float]]:
    """The validation loss at the end of a run at each of these rates, a list for each seed: a copy that is trained to
    the end is that run (tests/runs/test_find_start.py).
    """
    found = []
    for seed in seeds:
        start = start_of(case, seed)
        shape = start.shape or [1.0] * start.start.length
        plan = HorizonPlan(tuple(rates), (Branch(0, tuple(shape)),))
        records = replace(start, plan=plan).train(lambda: None)
        assert records is not None
        found.append([record.ends[0] for record in records])
    return found
