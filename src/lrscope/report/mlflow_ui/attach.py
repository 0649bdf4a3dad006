"""What the report leaves in MLflow: the parent's note, name and results, the members' colours, the saved view."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from mlflow import MlflowClient
from mlflow.entities import Metric, RunTag
from mlflow.exceptions import MlflowException

from lrscope.core.tag_length import TAG_LENGTH
from lrscope.report.data.connect import connect
from lrscope.report.data.stored_sweep import Sweep
from lrscope.report.figures.figure_data import figure_data_of
from lrscope.report.figures.shown import NOTE_FIGURE
from lrscope.report.mlflow_ui.experiment_note import describe_experiment
from lrscope.report.mlflow_ui.parent_summary import ParentSummary, parent_summary
from lrscope.report.mlflow_ui.saved_view import saved_view
from lrscope.report.output.report import report_of
from lrscope.tracking.mlflow_store.checked_client import note_as_written
from lrscope.tracking.mlflow_store.concurrent import AT_ONCE, side_by_side
from lrscope.tracking.mlflow_store.kept_note import NOTE, is_of_older, kept_note

LONGEST_NOTE = TAG_LENGTH - 200
"""Bytes: the mark behind lrscope's part takes some of the tag."""


def attach_to_mlflow(sweep: Sweep, note_markdown: str | None = None, client: MlflowClient | None = None) -> bool:
    """Write the note, the name and the results of the parent, the colour and status word of each member, and the saved
    view of the sweep.

    Doing it again replaces what was there. Members deleted meanwhile are passed over.

    Args:
        sweep: as collected.
        note_markdown: the parent's note; None leaves the one it has.
        client: of the sweep's store; None makes one.

    Returns:
        Whether the view was saved. A store that refuses it is told by False: the plain links work all the same.
    """
    client = client or connect(sweep.store)
    report = report_of(sweep)
    figure_data = figure_data_of(report.comparison, None, points=100)
    tags: dict[str, dict[str, str]] = {
        row.member.run_id: {"mlflow.runColor": colour}
        for row, colour in zip(report.comparison.rows, figure_data.colours, strict=True)
    }
    if note_markdown is not None:
        tags[sweep.run_id] = {
            NOTE: _with_words_around(client, sweep.run_id, shortened(with_figure(note_markdown, sweep.run_id)))
        }
    at_once = AT_ONCE if sweep.store.startswith("http") else 1
    for error in side_by_side([partial(_tag, client, run_id, of_run) for run_id, of_run in tags.items()], at_once):
        if error is not None:
            raise error
    if sweep.ours:
        _summarise(client, sweep.run_id, parent_summary(report))
        with suppress(MlflowException):  # a store that takes no tags of experiments
            describe_experiment(client, sweep.experiment_id)
    frames = {panel.metric: panel.y for panel in figure_data.curves}
    key, value = saved_view(sweep, frames, int(time.time() * 1000))
    try:
        client.set_experiment_tag(sweep.experiment_id, key, value)
    except MlflowException:
        return False
    return True


def _summarise(client: MlflowClient, run_id: str, summary: ParentSummary) -> None:
    """A report that is made again says again what is so still, and adds a point at the next step to what is not."""
    now = int(time.time() * 1000)
    with suppress(MlflowException):  # deleted since the sweep was read
        known = {metric.key: metric for metric in client.get_run(run_id).data._metric_objs}
        gone = {name: 0.0 for name in known if name.startswith("members/")}
        fresh = {name: value for name, value in (gone | dict(summary.metrics)).items() if math.isfinite(value)}
        client.log_batch(
            run_id,
            metrics=[
                Metric(name, value, now, known[name].step + 1 if name in known else 0)
                for name, value in fresh.items()
                if name not in known or known[name].value != value
            ],
            tags=[RunTag(key, value) for key, value in summary.tags.items()],
        )
        client.update_run(run_id, name=summary.name)


def _with_words_around(client: MlflowClient, run_id: str, ours: str) -> str:
    """The note with what a person has added to it; of older reports, which had no marks, nothing is kept."""
    with suppress(MlflowException):  # deleted since the sweep was read
        older = is_of_older(client.get_run(run_id).data.tags)
        return kept_note(ours, note_as_written(client, run_id), older)
    return ours


def _tag(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    with suppress(MlflowException):  # deleted since the sweep was read: nothing to colour
        client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])


def with_figure(note: str, run_id: str) -> str:
    """The note with the report's main figure behind the recommendation, by its address on MLflow's page."""
    figure = f"![loss against the rate](get-artifact?path=report/{NOTE_FIGURE}&run_uuid={run_id})"
    head, heading, rest = note.partition("\n\n### ")
    return f"{head.rstrip()}\n\n{figure}\n{heading}{rest}"


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
