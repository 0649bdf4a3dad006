"""Verdicts of stored runs, also of those that other programs recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mlflow import MlflowClient
from mlflow.entities import Run, RunTag

from lrscope.core.errors import InputError, Problem
from lrscope.core.redact import redact_uri
from lrscope.core.trace import Trace
from lrscope.core.verdict import Diagnosis
from lrscope.diagnosis import diagnose, diagnose_sweep, note, verdict_tags
from lrscope.report.data.collect import PARENT, children, stored_run
from lrscope.report.data.connect import connect
from lrscope.tracking.mlflow_store.lookup import has_trained, newest
from lrscope.tracking.mlflow_store.read import read_traces


@dataclass(frozen=True)
class StoredDiagnosis:
    """A run's name and id, what was found, the same as Markdown, and the curves that it was found in.

    ``status`` is MLflow's; empty of a file.
    """

    run_id: str
    name: str
    diagnosis: Diagnosis
    note_markdown: str
    trace: Trace = field(repr=False)
    status: str = ""


def diagnose_stored(run_ids: Sequence[str], uri: str | None, tag: bool = False) -> tuple[StoredDiagnosis, ...]:
    """Diagnose runs from what MLflow holds of them.

    Args:
        run_ids: runs; of a sweep's parent its members are taken. Members are judged beside the other members. None
            means the sweep or run that was started last.
        uri: of the store; None as for a run.
        tag: also write the verdict into the runs (``lrscope.verdict``, ``lrscope.why``, ``lrscope.diagnosis``).

    Raises:
        InputError: no such run, or a store that cannot be read.
    """
    client = connect(uri)
    found: list[StoredDiagnosis] = []
    for run_id in dict.fromkeys(run_ids or [latest_trained(client)]):
        run = stored_run(client, run_id)
        members = children(client, run)
        wanted = {member.info.run_id for member in members} or {run.info.run_id}
        found += [item for item in _judged(client, members or _beside(client, run)) if item.run_id in wanted]
    return _tagged(client, found, tag)


def diagnose_experiment(name: str, uri: str | None, tag: bool = False) -> tuple[StoredDiagnosis, ...] | None:
    """Diagnose every run of an experiment that has recorded anything, whoever made it, the oldest first; members of a
    sweep beside the others of theirs. None where there is no experiment of that name.

    Raises:
        InputError: nothing is recorded in it, or the store cannot be read.
    """
    client = connect(uri)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return None
    by_sweep: dict[str, list[Run]] = {}
    for run in reversed(list(newest(client, "", [experiment]))):
        if run.data.metrics and run.data.tags.get("lrscope.kind") not in ("sweep", "find"):
            by_sweep.setdefault(run.data.tags.get(PARENT) or run.info.run_id, []).append(run)
    found = [item for runs in by_sweep.values() for item in _judged(client, runs)]
    if not found:
        raise InputError(Problem("experiment", name, "nothing is recorded in it", "Name another, or a run."))
    return _tagged(client, found, tag)


def _tagged(client: MlflowClient, found: Sequence[StoredDiagnosis], tag: bool) -> tuple[StoredDiagnosis, ...]:
    """The same; where ``tag`` is set the runs say it too."""
    for item in found if tag else ():
        words = verdict_tags(item.diagnosis)
        client.log_batch(item.run_id, tags=[RunTag(key, value) for key, value in words.items()])
    return tuple(found)


def latest_trained(client: MlflowClient) -> str:
    """The id of the sweep or lone run of lrscope's that was started last and has trained anything.

    Raises:
        InputError: the store holds none.
    """
    for run in newest(client, "tags.`lrscope.kind` != 'member'"):
        if run.data.metrics if run.data.tags["lrscope.kind"] == "run" else has_trained(client, run):
            return str(run.info.run_id)
    rule = f"{redact_uri(client.tracking_uri)} holds none that has trained anything"
    raise InputError(Problem("run", "latest", rule, "Run one: python train.py lr=0.01"))


def _beside(client: MlflowClient, run: Run) -> list[Run]:
    """The run with the other members of its sweep: whether it stalled shows only beside those that did not."""
    if not (above := run.data.tags.get(PARENT)):
        return [run]
    return children(client, stored_run(client, above)) or [run]


def _judged(client: MlflowClient, runs: Sequence[Run]) -> list[StoredDiagnosis]:
    traces = list(read_traces(client, runs).values())
    diagnoses = diagnose_sweep(traces) if len(traces) > 1 else [diagnose(trace) for trace in traces]
    return [
        StoredDiagnosis(
            run.info.run_id,
            run.info.run_name or run.info.run_id,
            diagnosis,
            note(diagnosis, trace),
            trace,
            run.info.status,
        )
        for run, trace, diagnosis in zip(runs, traces, diagnoses, strict=True)
    ]
