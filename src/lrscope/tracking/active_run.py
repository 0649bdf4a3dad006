"""A run of MLflow's that the user has open: written to beside the training, from a thread of its own."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lrscope.core.point import Point
from lrscope.core.redact import redact

if TYPE_CHECKING:
    from mlflow.entities import Metric

EVERY_S = 2.0
A_CALL = 1000
"""MLflow takes so many points at once."""


def active_run_id() -> str | None:
    """The id of MLflow's active run of this thread; None where there is none. MLflow is not imported for it."""
    mlflow: Any = sys.modules.get("mlflow")
    run = mlflow.active_run() if mlflow is not None and hasattr(mlflow, "active_run") else None
    return str(run.info.run_id) if run is not None else None


class ActiveRun:
    """Takes points and tags at once, and sends them later; the run's status stays its owner's.

    Args:
        run_id: MLflow's.
        uri: of its store; None takes the one that MLflow is set to.
    """

    def __init__(self, run_id: str, uri: str | None = None) -> None:
        import mlflow

        from lrscope.tracking.mlflow_store.checked_client import CheckedClient

        self.run_id = run_id
        self._client = CheckedClient(uri or mlflow.get_tracking_uri())
        self._client.get_run(run_id)  # there is one
        self._waiting: list[Point] = []
        self._tags: dict[str, str] = {}
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._closing = False
        self._failure = ""
        self._thread = threading.Thread(target=self._loop, daemon=True, name="lrscope-watch")
        self._thread.start()

    def points(self, points: Sequence[Point]) -> None:
        with self._lock:
            self._waiting.extend(points)

    def tags(self, tags: Mapping[str, str]) -> None:
        with self._lock:
            self._tags |= tags

    def has_note(self) -> bool:
        """Whether its owner has described the run."""
        return bool(self._client.get_run(self.run_id).data.tags.get("mlflow.note.content"))

    def close(self, timeout_s: float = 30.0) -> str:
        """Send the rest.

        Returns:
            what the user should know; empty where all of it arrived.
        """
        self._closing = True
        self._wake.set()
        self._thread.join(timeout_s)
        with self._lock:
            left = len(self._waiting) + len(self._tags)
        if not left and not self._thread.is_alive():
            return ""
        why = self._failure or f"it took nothing for {timeout_s:g} s"
        return f"MLflow's run {self.run_id} lacks {left} of the values that were watched ({why})"

    def _loop(self) -> None:
        while True:
            self._wake.wait(EVERY_S)
            closing = self._closing
            try:
                self._send()
                self._failure = ""
            except Exception as error:  # the training goes on; ``close`` tells it
                words = str(error).splitlines()
                self._failure = redact(f"{type(error).__name__}: {words[0][:200] if words else ''}")
                time.sleep(0 if closing else EVERY_S)
            if closing:
                return

    def _send(self) -> None:
        from mlflow.entities import RunTag

        from lrscope.tracking.mlflow_store.state_tag import folded

        while True:
            with self._lock:
                points, tags = self._waiting[:A_CALL], dict(self._tags)
            if not points and not tags:
                return
            written = folded(tags, self._client.get_run(self.run_id).data.tags) if tags else {}
            stored = [RunTag(key, value) for key, value in written.items()]
            self._client.log_batch(self.run_id, metrics=list(map(_metric, points)), tags=stored)
            with self._lock:
                del self._waiting[: len(points)]
                self._tags = {key: value for key, value in self._tags.items() if tags.get(key) != value}


def _metric(point: Point) -> Metric:
    from mlflow.entities import Metric

    return Metric(point.key, point.value, point.timestamp_ms, point.step)
