"""Reports of stored sweeps, made at any later time, and their place in MLflow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mlflow.entities import ViewType

from lrscope.core.from_store import line
from lrscope.core.paths import resolve
from lrscope.core.redact import redact
from lrscope.report.data.collect import collect_sweep, latest_sweep
from lrscope.report.data.connect import connect
from lrscope.report.data.stored_sweep import Sweep
from lrscope.report.mlflow_ui.attach import attach_to_mlflow
from lrscope.report.mlflow_ui.beside_another import keep_beside
from lrscope.report.output.report_files import ReportFiles, write_report

ARTIFACT_FOLDER = "report"


@dataclass(frozen=True)
class StoredReport:
    """The sweeps that were compared, and the files of the report.

    ``not_kept`` says why MLflow did not get them (empty: it did, or was not to).
    """

    sweeps: tuple[Sweep, ...]
    files: ReportFiles
    not_kept: str


def report_stored(
    run_ids: Sequence[str],
    uri: str | None,
    folder: Path | None = None,
    dark: bool = False,
    keep: bool = True,
    tell: Callable[[str], None] = print,
) -> StoredReport:
    """Read the sweeps, write the report, and give it to MLflow as artifacts and note of the sweep's parent.

    Args:
        run_ids: of parents (or members); none means the latest sweep. Several are shown side by side in one report,
            whose page every one of them gets.
        uri: of the store; None as for a run.
        folder: for the files; None takes ``outputs/reports/<ids>`` in the project.
        dark: also the figures on a dark ground.
        keep: False writes nothing to the store.
        tell: told of sweeps that are later than the latest, and have recorded nothing.

    Raises:
        InputError: an id that is no sweep, a store that cannot be read.
    """
    client = connect(uri)
    ids = list(dict.fromkeys(run_ids)) or [latest_sweep(client, tell)]
    sweeps = tuple(collect_sweep(client, run_id) for run_id in ids)
    place = folder or resolve("outputs/reports") / "-".join(sweep.run_id[:12] for sweep in sweeps)[:120]
    files = write_report(sweeps, place, ("light", "dark") if dark else ("light",))
    not_kept = ""
    if keep:
        try:
            if len(sweeps) > 1:
                keep_beside(client, sweeps, files.html)
            else:
                saved = attach_to_mlflow(sweeps[0], files.note_markdown, client)
                sweeps = (replace(sweeps[0], has_view=saved),)
                client.log_artifacts(sweeps[0].run_id, str(place), ARTIFACT_FOLDER)
        except Exception as error:  # a store that may only be read still gets its report here
            not_kept = line(redact(str(error).splitlines()[0][:200])) if str(error) else type(error).__name__
    return StoredReport(sweeps, files, not_kept)


def list_sweeps(uri: str | None, most: int = 30) -> tuple[str, ...]:
    """One line for each of the latest sweeps: run id, start, experiment, name, status.

    Raises:
        InputError: a store that cannot be read.
    """
    client = connect(uri)
    experiments = {experiment.experiment_id: experiment.name for experiment in client.search_experiments()}
    found = client.search_runs(
        list(experiments), "tags.`lrscope.kind` = 'sweep'", ViewType.ACTIVE_ONLY, most, ["attributes.start_time DESC"]
    )
    return tuple(
        f"{run.info.run_id}  {datetime.fromtimestamp((run.info.start_time or 0) / 1000, UTC):%Y-%m-%d %H:%M}  "
        f"{experiments.get(run.info.experiment_id, '')}  {run.info.run_name}  {run.info.status.lower()}"
        for run in found
    )
