"""Recording: the only writer of MLflow. What a run leaves goes to a journal on disk, and from there into the store.

Runs and sweeps use what is named here and in ``find`` and ``reopen``; what lies below is its own.

    journal         the append-only file of a run
    mlflow_store    the store: opened, asked, written to
    liveness        which process records a run, and runs whose process is gone
    delivery        journals -> store, beside the training and later
    session         all of it for one process: runs are started, continued and closed
    find, reopen    an earlier run or sweep found in the store; its journal continued
    weights_of_run  what a stored run has left to start another one from
    active_run      a run that the user has open, written to beside the training
    origin          who started a run, and from which code
    typed_here      the command that began a run, by the journal and not by the store
    system_metrics  what the machine does meanwhile
    environment     MLflow's variables that are refused or told; autolog: its runs beside ours, switched off
"""

from __future__ import annotations

from lrscope.core.point import Point
from lrscope.core.tracking_settings import DatasetInfo, DeliveryResult, Kind, RunStart, Status, TrackingSettings
from lrscope.tracking.journal.history import dataset_place
from lrscope.tracking.journal.run_log import RunLog, now_ms
from lrscope.tracking.session import Session, open_session

__all__ = [
    "DatasetInfo",
    "DeliveryResult",
    "Kind",
    "Point",
    "RunLog",
    "RunStart",
    "Session",
    "Status",
    "TrackingSettings",
    "dataset_place",
    "now_ms",
    "open_session",
]
