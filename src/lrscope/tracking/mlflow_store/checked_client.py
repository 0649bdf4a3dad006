"""The door through which everything comes in that a store says: MLflow's client, whose answers are looked at.

Whoever can write to a shared store chooses its ids, names, tags, params, numbers and places. What is none of what it
should be is left out of the answer, and the rest goes on; a text steers no terminal; nothing is written where this
project has no business (:mod:`lrscope.tracking.mlflow_store.artifact_place`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from mlflow.entities import Experiment, FileInfo, LoggedModel, Metric, Run, RunStatus
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from lrscope.core import from_store
from lrscope.core.errors import InputError, NotConfirmed, Problem
from lrscope.core.redact import redact, redact_uri
from lrscope.tracking.mlflow_store.address import Address
from lrscope.tracking.mlflow_store.artifact_place import check_inside, check_place
from lrscope.tracking.mlflow_store.reach import unreachable
from lrscope.tracking.mlflow_store.state_tag import unfolded

T = TypeVar("T")

_AWAY = re.compile(
    r"^API request to .* failed with (timeout )?exception|failed with error code (5\d\d|401|403|404|407|408|425|429)\b"
)
"""What MLflow says where it is the way to the server that fails, and not the content."""

_STAGES = ("active", "deleted")


class CheckedClient(MlflowClient):
    """Every client of lrscope's.

    Raises:
        InputError: instead of whatever MLflow raises over content that it cannot read itself.
        StoreUnreachable: the server does not answer, or something before it: a deleted run is told from that.
    """

    def __init__(self, tracking_uri: str | None = None) -> None:
        super().__init__(tracking_uri)
        self._places: dict[str, str] = {}

    def get_run(self, run_id: str) -> Run:
        """Raises:
        MlflowException: there is none.
        NotConfirmed: the store answers with another one, or with what is none.
        """
        run = self._read(lambda: super(CheckedClient, self).get_run(run_id))
        if not _is_run(run) or run.info.run_id != run_id:
            raise NotConfirmed("it was asked for one run, and answered with another")
        return checked_run(run)

    def search_runs(self, *arguments: Any, **named: Any) -> PagedList[Run]:
        found = self._search(lambda: super(CheckedClient, self).search_runs(*arguments, **named))
        return PagedList([checked_run(run) for run in found if _is_run(run)], _token(found))

    def get_experiment(self, experiment_id: str) -> Experiment:
        return _checked_experiment(self._read(lambda: super(CheckedClient, self).get_experiment(experiment_id)))

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        found = self._read(lambda: super(CheckedClient, self).get_experiment_by_name(name))
        return _checked_experiment(found) if found is not None else None

    def search_experiments(self, *arguments: Any, **named: Any) -> PagedList[Experiment]:
        found = self._search(lambda: super(CheckedClient, self).search_experiments(*arguments, **named))
        good = (one for one in found if from_store.is_id(one.experiment_id) and one.lifecycle_stage in _STAGES)
        return PagedList([_checked_experiment(one) for one in good], _token(found))

    def get_metric_history(self, run_id: str, key: str, *arguments: Any, **named: Any) -> PagedList[Metric]:
        found = self._read(lambda: super(CheckedClient, self).get_metric_history(run_id, key, *arguments, **named))
        return PagedList([point for point in found if _is_point(point)], _token(found))

    def log_batch(self, *arguments: Any, **named: Any) -> Any:
        return self._reached(lambda: super(CheckedClient, self).log_batch(*arguments, **named))

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        ask = self._reached if status is not None else self._read  # without a new status MLflow reads the one it has
        ask(lambda: super(CheckedClient, self).update_run(run_id, status, name))

    def set_experiment_tag(self, *arguments: Any, **named: Any) -> None:
        self._reached(lambda: super(CheckedClient, self).set_experiment_tag(*arguments, **named))

    def delete_run(self, run_id: str) -> None:
        self._reached(lambda: super(CheckedClient, self).delete_run(run_id))

    def get_logged_model(self, model_id: str) -> LoggedModel:
        """Raises:
        NotConfirmed: the store answers with another one.
        """
        model = self._read(lambda: super(CheckedClient, self).get_logged_model(model_id))
        if model.model_id != model_id:
            raise NotConfirmed("it was asked for one model, and answered with another")
        return model

    def delete_logged_model(self, model_id: str) -> None:
        self._reached(lambda: super(CheckedClient, self).delete_logged_model(model_id))

    def search_model_versions(self, *arguments: Any, **named: Any) -> PagedList[ModelVersion]:
        return self._search(lambda: super(CheckedClient, self).search_model_versions(*arguments, **named))

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        self._check_place(run_id)
        found = self._read(lambda: super(CheckedClient, self).list_artifacts(run_id, path))
        return [one for one in found if from_store.is_artifact_name(one.path)]

    def list_logged_model_artifacts(self, model_id: str, path: str | None = None) -> list[FileInfo]:
        check_place(str(self.get_logged_model(model_id).artifact_location), self.tracking_uri)
        found = self._read(lambda: super(CheckedClient, self).list_logged_model_artifacts(model_id, path))
        return [one for one in found if from_store.is_artifact_name(one.path)]

    def download_artifacts(self, run_id: str, path: str, dst_path: str | None = None) -> str:
        self._check_place(run_id)
        return super().download_artifacts(run_id, path, dst_path)

    def log_artifact(self, run_id: str, local_path: str, artifact_path: str | None = None) -> None:
        check_inside(self._check_place(run_id), [Path(artifact_path or "") / Path(local_path).name])
        super().log_artifact(run_id, local_path, artifact_path)

    def log_artifacts(self, run_id: str, local_dir: str, artifact_path: str | None = None) -> None:
        check_inside(self._check_place(run_id), _below(Path(local_dir), artifact_path))
        super().log_artifacts(run_id, local_dir, artifact_path)

    def log_model_artifacts(self, model_id: str, local_dir: str, artifact_path: str | None = None) -> None:
        place = self.get_logged_model(model_id).artifact_location
        check_place(place, self.tracking_uri)
        check_inside(place, _below(Path(local_dir), artifact_path))
        super().log_model_artifacts(model_id, local_dir, artifact_path)

    def _check_place(self, run_id: str) -> str:
        """Where the artifacts of a run lie.

        Raises:
            InputError: nothing may be written there.
        """
        if run_id not in self._places:
            place = str(self.get_run(run_id).info.artifact_uri)
            check_place(place, self.tracking_uri)
            self._places[run_id] = place
        return self._places[run_id]

    def _reached(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except MlflowException as error:
            if _AWAY.search(str(error)):
                raise unreachable(Address(self.tracking_uri, None), str(error).splitlines()[0][:200]) from None
            raise

    def _read(self, ask: Callable[[], T]) -> T:
        try:
            return self._reached(ask)
        except (MlflowException, OSError, InputError):  # a connection that breaks is an OSError, too
            raise
        except Exception as error:
            raise self._unreadable(error) from None

    def _search(self, ask: Callable[[], T]) -> T:
        """As ``_read``; there is no kind of answer that whoever searches could make anything of but the runs."""
        try:
            return self._read(ask)
        except MlflowException as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> InputError:
        lines = str(error).splitlines()
        rule = f"holds what MLflow cannot read ({type(error).__name__}: {redact(lines[0][:200]) if lines else ''})"
        return InputError(Problem("store", redact_uri(self.tracking_uri), rule, "Ask who looks after it."))


def note_as_written(client: MlflowClient, run_id: str) -> str | None:
    """A run's note with every sign that a person wrote, also what no terminal may be shown: it goes back to where it
    came from, and nowhere else.
    """
    return MlflowClient.get_run(client, run_id).data.tags.get(MLFLOW_RUN_NOTE)


def description_as_written(client: MlflowClient, experiment_id: str) -> str | None:
    """The same of an experiment."""
    return MlflowClient.get_experiment(client, experiment_id).tags.get(MLFLOW_RUN_NOTE)


def checked_run(run: Run) -> Run:
    """The same run, its texts and numbers in order."""
    info, data = run.info, run.data
    info._run_name = from_store.line(info.run_name)
    info._status = info.status if info.status in RunStatus._STRING_TO_STATUS else "RUNNING"
    for name in ("_start_time", "_end_time"):
        setattr(info, name, from_store.whole(getattr(info, name), high=from_store.LATEST_MS))
    data._tags = unfolded({key: from_store.text(value) for key, value in data.tags.items() if _is_key(key)})
    data._params = {key: from_store.text(value) for key, value in data.params.items() if _is_key(key)}
    values = {key: from_store.number(value) for key, value in data.metrics.items() if _is_key(key)}
    data._metrics = {key: value for key, value in values.items() if value is not None}
    return run


def _checked_experiment(experiment: Experiment) -> Experiment:
    experiment._name = from_store.line(experiment.name)
    experiment._tags = {key: from_store.text(value) for key, value in experiment.tags.items() if _is_key(key)}
    return experiment


def _is_run(run: Any) -> bool:
    info = getattr(run, "info", None)
    if info is None or not (from_store.is_id(info.run_id) and from_store.is_id(info.experiment_id)):
        return False
    return info.lifecycle_stage in _STAGES


def _is_point(point: Any) -> bool:
    counts = from_store.whole(point.step, low=-from_store.LARGEST_STEP), from_store.whole(point.timestamp)
    return None not in counts and from_store.number(point.value) is not None


def _is_key(key: object) -> bool:
    return isinstance(key, str) and from_store.line(key) == key


def _token(page: Iterable[Any]) -> str | None:
    return getattr(page, "token", None)


def _below(folder: Path, place: str | None) -> list[Path]:
    return [Path(place or "") / file.relative_to(folder) for file in folder.rglob("*")]
