"""What the report leaves in MLflow: the parent's note, the members' colours, the saved view."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from mlflow import MlflowClient
from mlflow.entities import RunTag
from mlflow.exceptions import MlflowException

from lrscope.report.analysis.comparison import compare
from lrscope.report.data.connect import connect
from lrscope.report.data.stored_sweep import Sweep
from lrscope.report.figures.colours import rate_colours
from lrscope.report.figures.figure_data import figure_data_of
from lrscope.report.mlflow_ui.saved_view import saved_view
from lrscope.tracking.mlflow_store.concurrent import AT_ONCE, side_by_side

LONGEST_NOTE = 8000
"""MLflow refuses or cuts tags that are longer."""


def attach_to_mlflow(sweep: Sweep, note_markdown: str | None = None, client: MlflowClient | None = None) -> bool:
    """Write the note of the parent, the colour and status word of each member, and the saved view of the sweep.

    Doing it again replaces what was there. Members deleted meanwhile are passed over.

    Args:
        sweep: as collected.
        note_markdown: the parent's note; None leaves the one it has.
        client: of the sweep's store; None makes one.

    Returns:
        Whether the view was saved. A store that refuses it is told by False: the plain links work all the same.
    """
    client = client or connect(sweep.store)
    colours = rate_colours([member.rate for member in sweep.members])
    tags = {
        member.run_id: {"mlflow.runColor": colour, "lrscope.status": member.status.lower()}
        for member, colour in zip(sweep.members, colours, strict=True)
    }
    if note_markdown is not None:
        tags[sweep.run_id] = {"mlflow.note.content": shortened(note_markdown)}
    at_once = AT_ONCE if sweep.store.startswith("http") else 1
    for error in side_by_side([partial(_tag, client, run_id, of_run) for run_id, of_run in tags.items()], at_once):
        if error is not None:
            raise error
    panels = figure_data_of(compare((sweep,)), None, points=100).curves
    frames = {panel.metric: panel.y for panel in panels}
    key, value = saved_view(sweep, frames, int(time.time() * 1000))
    try:
        client.set_experiment_tag(sweep.experiment_id, key, value)
    except MlflowException:
        return False
    return True


def _tag(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    with suppress(MlflowException):  # deleted since the sweep was read: nothing to colour
        client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])


def shortened(note: str) -> str:
    """The note within MLflow's limit, cut between lines, with a word that it goes on in the report."""
    if len(note.encode()) <= LONGEST_NOTE:
        return note
    end = "\n\n… more in the artifact `report/report.html`."
    kept: list[str] = []
    room = LONGEST_NOTE - len(end.encode())
    for line in note.splitlines(keepends=True):
        room -= len(line.encode())
        if room < 0:
            break
        kept.append(line)
    return "".join(kept).rstrip() + end
