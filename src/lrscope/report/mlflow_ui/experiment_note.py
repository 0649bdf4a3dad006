"""The description of an experiment on MLflow's page: what it holds, and the way to its latest sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from lrscope.tracking.mlflow_store.checked_client import description_as_written
from lrscope.tracking.mlflow_store.kept_note import NOTE, kept_note

MOST_SWEEPS = 10


def describe_experiment(client: MlflowClient, experiment_id: str) -> None:
    """Write the description of an experiment anew, around which a person's words stay."""
    experiment = client.get_experiment(experiment_id)
    sweeps = client.search_runs(
        *([experiment_id], "tags.`lrscope.kind` = 'sweep'", ViewType.ACTIVE_ONLY, MOST_SWEEPS),
        ["attributes.start_time DESC"],
    )
    words = experiment_note(experiment.name, experiment_id, sweeps)
    client.set_experiment_tag(experiment_id, NOTE, kept_note(words, description_as_written(client, experiment_id)))


def experiment_note(name: str, experiment_id: str, sweeps: Sequence[Run]) -> str:
    """Markdown: a line for each sweep, the latest first, with its recommendation. Folded, the page shows one line."""
    latest = f"; the latest sweep: {_link(experiment_id, sweeps[0])}" if sweeps else ""
    lines = [f"Trainings on **{_plain(name)}** over learning rates, recorded by lrscope{latest}", ""]
    return "\n".join([*lines, *(_line(experiment_id, run) for run in sweeps)])


def _line(experiment_id: str, run: Run) -> str:
    day = datetime.fromtimestamp((run.info.start_time or 0) / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    why = _plain(run.data.tags.get("lrscope.why", ""))[:200]
    return f"- {day} {_link(experiment_id, run)}{': ' if why else ''}{why}"


def _link(experiment_id: str, run: Run) -> str:
    place = f"#/experiments/{experiment_id}/runs/{run.info.run_id}?workflowType=machine_learning"
    return f"[{_plain(run.info.run_name or run.info.run_id)}]({place})"


def _plain(text: str) -> str:
    """Text of a store, that cannot turn into markup."""
    return "".join(" " if sign in "\n\r" else f"\\{sign}" if sign in "[]*_`\\" else sign for sign in text).replace(
        "<", "&lt;"
    )
