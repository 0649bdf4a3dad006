"""The page of several sweeps, kept with each of their parents and linked from their notes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import RunTag

from lrscope.core.tag_length import TAG_LENGTH
from lrscope.report.data.stored_sweep import Sweep
from lrscope.tracking.mlflow_store.checked_client import note_as_written
from lrscope.tracking.mlflow_store.kept_note import NOTE


def keep_beside(client: MlflowClient, sweeps: Sequence[Sweep], page: Path) -> None:
    """Give the page to every parent. The link stands behind lrscope's part of a note: later reports leave it."""
    for sweep in sweeps:
        others = [other for other in sweeps if other is not sweep]
        place = "report/beside-" + "-".join(other.run_id[:8] for other in others)[:80]
        client.log_artifact(sweep.run_id, str(page), place)
        address = f"get-artifact?path={place}/{page.name}&run_uuid={sweep.run_id}"
        note = note_as_written(client, sweep.run_id) or ""
        names = ", ".join(other.run_id[:8] for other in others)
        linked = f"{note.rstrip()}\n\n[Compared with {names}]({address})".lstrip()
        if address not in note and len(linked.encode()) <= TAG_LENGTH:
            client.log_batch(sweep.run_id, tags=[RunTag(NOTE, linked)])
