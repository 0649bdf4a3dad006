"""What version 0.1 recorded before its modules were moved, unpacked into a folder of the test's own.

``recorded_by_0_1.tar.xz`` holds a store with its artifacts, outputs and spool: a lone run, a finished sweep, a batched
sweep and a sweep of single runs that were killed by SIGKILL in the middle. Of the last one nothing but the parent had
reached the store. It was recorded with these words behind ``python train.py``:

    WORDS lr=0.01 experiment_name=lone                                           callbacks.progress=none
    -m WORDS lr=1,0.01 experiment_name=finished                                  sweep.report=false
    -m WORDS epochs=150 lr=0.1,0.01 sweep.together=always experiment_name=stopped_batched     sweep.report=false
    -m WORDS epochs=150 lr=0.1,0.01 sweep.together=never experiment_name=stopped_single       sweep.report=false

where WORDS is ``dataset=blobs epochs=4 model.hidden=[4] callbacks.checkpoint.every_seconds=0.1
tracking.log_model=none``.
"""

from __future__ import annotations

import sqlite3
import tarfile
from pathlib import Path

PACKED = Path(__file__).with_name("recorded_by_0_1.tar.xz")
RECORDED_IN = "/tmp/lrscope-recorded"
"""The root at that time: the store and the journals hold absolute paths."""

TEXTS = {".yaml", ".json", ".jsonl", ".txt"}


def unpack(root: Path) -> None:
    """Put the recorded project into ``root`` as if it had been recorded there."""
    with tarfile.open(PACKED) as archive:
        archive.extractall(root, filter="data")
    for file in root.rglob("*"):
        if file.suffix in TEXTS and RECORDED_IN in (text := file.read_text()):
            file.write_text(text.replace(RECORDED_IN, str(root)))
    with sqlite3.connect(root / "mlflow.db") as database:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            database.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (RECORDED_IN, str(root)))
    database.close()
