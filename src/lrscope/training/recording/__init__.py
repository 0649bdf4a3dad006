"""What of a run is kept: which steps, as which points, in which form; the same however the run was trained.

Callbacks and ``batched`` use it.

    recording_plan    which steps; open_plan: of a training of which nobody knows how long it will be
    recorder          measured values -> points, and the trace that the diagnosis reads
"""

from lrscope.core.point import Point
from lrscope.training.recording.open_plan import OpenPlan
from lrscope.training.recording.recorder import RunRecorder
from lrscope.training.recording.recording_plan import LOSS_POINTS, SIGNAL_POINTS, RecordingPlan

__all__ = ["LOSS_POINTS", "SIGNAL_POINTS", "OpenPlan", "Point", "RecordingPlan", "RunRecorder"]
