"""Brings an artifact of a stored run to this machine."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from lrscope.tracking.safe_paths import safe_join
from lrscope.tracking.settings import TrackingSettings
from lrscope.tracking.store import open_store, quiet, resolve_uri


def fetch_artifact(settings: TrackingSettings, run_id: str, artifact: str, target: Path) -> bool:
    """Write the artifact of a run to ``target``, in one step; whether the store has it.

    Raises:
        StoreUnreachable: the store does not answer.
        InputError: the artifact's name leads out of its folder.
    """
    if settings.mode != "online":
        return False
    from mlflow.exceptions import MlflowException

    store = open_store(resolve_uri(settings.uri))
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        safe_join(Path(scratch), artifact)
        try:
            with quiet():
                store.client.download_artifacts(run_id, artifact, scratch)
        except (MlflowException, OSError):
            return False
        got = safe_join(Path(scratch), artifact)
        if not got.is_file():
            return False
        shutil.move(got, target)
    return True
