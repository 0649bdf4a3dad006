"""What of a run is kept: which steps, as which points, in which form; the same however the run was trained."""

from lrscope.point import Point
from lrscope.recording.plan import LOSS_POINTS, SIGNAL_POINTS, RecordingPlan
from lrscope.recording.recorder import RunRecorder

__all__ = ["LOSS_POINTS", "SIGNAL_POINTS", "Point", "RecordingPlan", "RunRecorder"]
