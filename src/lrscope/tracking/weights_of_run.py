"""The weights that a stored run has left, as a file on this machine."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from lrscope.core.errors import InputError, Problem
from lrscope.core.files import is_plain_file
from lrscope.core.from_store import is_local_id, safe_join
from lrscope.core.paths import resolve
from lrscope.core.tracking_settings import TrackingSettings

LEFT = ("best.ckpt", "last.ckpt")
"""What a run leaves among its ``checkpoints``; the first that is there counts."""

FOLDER = "outputs/cache/weights"


@lru_cache(maxsize=8)
def weights_of_run(settings: TrackingSettings, wanted: str, key: str) -> Path | None:
    """The file of the run's best weights, or of the last ones; None where nothing of that id is known.

    Args:
        wanted: MLflow's id or lrscope's own, or the beginning of one.
        key: what the user gave it for, for the words of a problem.

    Raises:
        InputError: it is a sweep, several ids begin so, or the run has left no weights.
        StoreUnreachable: the store does not answer.
    """
    if (here := _left_here(settings, wanted)) is not None:
        return here
    if settings.mode != "online" or not is_local_id(wanted):
        return None
    from lrscope.tracking.mlflow_store.fetch import fetch_artifact
    from lrscope.tracking.mlflow_store.lookup import run_of
    from lrscope.tracking.mlflow_store.store import open_store, resolve_uri

    run = run_of(open_store(resolve_uri(settings.uri)).client, wanted, key)
    if run is None:
        return None
    if run.data.tags.get("lrscope.kind") == "sweep":
        rule = "is a sweep, whose members have weights each"
        raise InputError(Problem(key, wanted, rule, "Give the id of a member; its page and the report have it."))
    if (here := _left_here(settings, run.data.tags.get("lrscope.local_id", ""))) is not None:
        return here
    target = safe_join(resolve(FOLDER), f"{run.info.run_id}.ckpt")
    for name in LEFT:
        if fetch_artifact(settings, run.info.run_id, f"checkpoints/{name}", target):
            return target
    raise InputError(Problem(key, wanted, "this run has left no weights", "Choose another; crashed ones have none."))


def _left_here(settings: TrackingSettings, local_id: str) -> Path | None:
    """Beside the run's journal, on the machine that trained it."""
    if not is_local_id(local_id):
        return None
    with suppress(InputError):  # a name that leads out of the folder
        folder = safe_join(resolve(settings.spool), f"{local_id}/checkpoints")
        return next((folder / name for name in LEFT if is_plain_file(folder / name)), None)
    return None
