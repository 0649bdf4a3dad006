"""Brings an artifact of a stored run to this machine."""

from __future__ import annotations

import posixpath
import tempfile
from pathlib import Path

from lrscope.core.from_store import safe_join
from lrscope.core.tracking_settings import TrackingSettings
from lrscope.tracking.mlflow_store.reach import check_reachable, unreachable
from lrscope.tracking.mlflow_store.store import Store, open_store, quiet, resolve_uri


def fetch_artifact(settings: TrackingSettings, run_id: str, artifact: str, target: Path) -> bool:
    """Write the artifact of a run to ``target``, in one step; whether the store has it.

    Raises:
        StoreUnreachable: the store does not answer.
        InputError: the artifact's name leads out of its folder.
    """
    safe_join(target.parent, artifact)
    if settings.mode != "online":
        return False
    from mlflow.exceptions import MlflowException

    address = resolve_uri(settings.uri)
    store = open_store(address)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        try:
            with quiet():
                found = store.client.download_artifacts(run_id, artifact, scratch)
        except (MlflowException, OSError):
            # A missing artifact and a store that went away look alike.
            check_reachable(address)
            return False
        # MLflow keeps the folders that the artifact lies in for some stores, and for others not.
        got = Path(found).resolve()
        if not got.is_relative_to(Path(scratch).resolve()) or not got.is_file():
            return False
        if (size := _size(store, run_id, artifact)) not in (got.stat().st_size, None):
            raise unreachable(address, f"of {artifact} it sent {got.stat().st_size} of {size} bytes")
        got.replace(target)
    return True


def _size(store: Store, run_id: str, artifact: str) -> int | None:
    """Bytes of an artifact as the store lists it; None where it does not say."""
    folder = posixpath.dirname(artifact) or None
    return next((one.file_size for one in store.client.list_artifacts(run_id, folder) if one.path == artifact), None)
