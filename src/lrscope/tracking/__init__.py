"""Recording: the only writer of MLflow. Everything a run leaves goes to a journal on disk; delivering it is a
consumer of that.
"""

from __future__ import annotations

from lrscope.core.tracking_settings import DatasetInfo, Delivery, Kind, Point, RunStart, Status, TrackingSettings
from lrscope.tracking.journal.history import dataset_place
from lrscope.tracking.journal.run_log import RunLog, now_ms
from lrscope.tracking.session import Session, open_session

__all__ = [
    "DatasetInfo",
    "Delivery",
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
