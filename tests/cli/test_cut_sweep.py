"""A batched sweep that was killed ahead of the last words of its record: the next command finishes it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from command_line import type_command

SWEEP = ("-m", "lr=0.3,0.1,1e6", "sweep.together=always", "hydra/launcher=together", "optimizer=sgd", "epochs=5",
         "dataset=blobs", "batch_size=200", "model.hidden=[6]", "trainer=cpu", "tracking.mode=offline",
         "tracking.log_model=none")  # fmt: skip
UPDATES = 30


def _journals(root: Path) -> dict[str, list[dict[str, Any]]]:
    """Every event, by the name of its run."""
    found = {}
    for file in (root / "outputs" / "spool").glob("*/events.jsonl"):
        events = [json.loads(line) for line in file.read_bytes().splitlines()]
        found[events[0]["start"]["name"]] = events
    return found


def _points(events: list[dict[str, Any]]) -> Counter[tuple[str, int]]:
    return Counter((key, step) for event in events if event["event"] == "points" for key, step, *_ in event["points"])


def _cut(root: Path, ahead_of: str) -> None:
    """Cut the journals of members ahead of the first line that holds this, that of the sweep ahead of its end."""
    for file in (root / "outputs" / "spool").glob("*/events.jsonl"):
        lines = file.read_text().splitlines(keepends=True)
        sweep = json.loads(lines[0])["start"]["kind"] == "sweep"
        first = next(number for number, line in enumerate(lines) if ('"event":"end"' if sweep else ahead_of) in line)
        file.write_text("".join(lines[:first]))


def test_is_finished_by_a_resume_that_trains_nothing(tmp_path: Path) -> None:
    assert type_command(tmp_path, *SWEEP).code == 0
    whole = _journals(tmp_path)
    _cut(tmp_path, "lrscope.steps")
    for _ in range(2):  # a second one finds everything done
        resumed = type_command(tmp_path, *SWEEP, "resume=latest")
        assert resumed.code == 0, resumed.err
    journals = _journals(tmp_path)
    assert journals.keys() == whole.keys()
    for name, events in journals.items():
        assert _points(events) == _points(whole[name]), name
        assert max((step for _, step in _points(events)), default=0) < UPDATES
        ends = [event["status"] for event in events if event["event"] == "end"]
        assert set(ends) == ({"FAILED"} if name == "lr=1000000.0" else {"FINISHED"}), name
