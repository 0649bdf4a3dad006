"""What a lone run tells the terminal at its end: verdict, why, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrscope.config.overrides import run_config
from lrscope.core.job import Job
from lrscope.core.trace import Trace
from lrscope.diagnosis import diagnose
from lrscope.runs.lifecycle import TRACE
from lrscope.runs.run import closing_words, run
from runs.single_runs import compose_config


@pytest.mark.parametrize("rate", ["1e-6", "0.05", "1e6"])
def test_the_last_lines_say_what_to_do(tmp_path: Path, rate: str) -> None:
    words = ("tracking=off", f"tracking.spool={tmp_path / 'spool'}", "dataset=blobs", "epochs=2", f"lr={rate}")
    job = Job(tmp_path / "job", ())
    outcome = run(run_config(compose_config(*words), words), job)
    found = diagnose(Trace.load(job.folder / TRACE)).primary
    lines = closing_words(outcome, job, None, recorded=False).splitlines()
    assert found.verdict.label in lines[0] and found.why in lines[0]
    assert f"what to do: {found.advice}" in lines
