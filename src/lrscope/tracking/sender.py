"""Carries the events of one run into MLflow, so that carrying them twice leaves what carrying them once
would.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lrscope.errors import InputError
from lrscope.tracking import events as ev
from lrscope.tracking.outage import is_refusal
from lrscope.tracking.safe_paths import safe_join
from lrscope.tracking.secrets import redact
from lrscope.tracking.settings import Point
from lrscope.tracking.spool import Spool
from lrscope.tracking.store import Store, quiet

LOCAL_ID = "lrscope.local_id"
PARENT_LOCAL_ID = "lrscope.parent_local_id"
PARENT = "mlflow.parentRunId"
BATCH_POINTS = 1000
_BATCH_LABELS = 100
_PARAM_LENGTH = 6000
_TAG_LENGTH = 8000


@dataclass(frozen=True)
class RunIds:
    run_id: str
    experiment_id: str


class Sender:
    """Writes into one MLflow run. Errors that may pass are raised; what the store refuses for good is noted
    and skipped.
    """

    def __init__(self, store: Store, spool: Spool, ids: RunIds) -> None:
        self._store = store
        self._client = store.client
        self._spool = spool
        self._ids = ids
        self.refusals: list[str] = []

    def send(self, events: Sequence[ev.Event]) -> None:
        """Points, params and tags of neighbouring events travel together; the rest keeps its place in
        between.
        """
        points: list[Point] = []
        tags: dict[str, str] = {}
        params: dict[str, str] = {}

        def flush() -> None:
            self.batch(points, params, tags)
            points.clear()
            params.clear()
            tags.clear()

        for event in events:
            match event:
                case ev.Points():
                    points.extend(event.points)
                case ev.Tags():
                    tags.update(event.tags)
                case ev.Params():
                    params.update(event.params)
                case ev.Started():
                    params.update(event.start.params)
                case ev.Sent():
                    pass
                case _:
                    flush()
                    self._single(event)
        flush()

    def batch(self, points: Sequence[Point], params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """At most 1,000 points and 100 params or tags a call, MLflow's limits."""
        for chunk in _chunks(sorted(points, key=_by_key), BATCH_POINTS):
            self._log(points=chunk)
        for labels in _chunks(list(params.items()), _BATCH_LABELS):
            self._log(params=labels)
        for labels in _chunks(list(tags.items()), _BATCH_LABELS):
            self._log(tags=labels)

    def _log(
        self,
        points: Sequence[Point] = (),
        params: Sequence[tuple[str, str]] = (),
        tags: Sequence[tuple[str, str]] = (),
    ) -> None:
        """One call; where it is refused, halves of it, down to the one item at fault."""
        from mlflow.entities import Metric, Param, RunTag

        try:
            self._client.log_batch(
                self._ids.run_id,
                metrics=[Metric(p.key, p.value, p.timestamp_ms, p.step) for p in points],
                params=[Param(key, value[:_PARAM_LENGTH]) for key, value in params],
                tags=[RunTag(key, value[:_TAG_LENGTH]) for key, value in tags],
            )
        except Exception as error:
            if not is_refusal(error):
                raise
            items: Sequence[Any] = points or params or tags
            if len(items) == 1:
                self._refused(items[0], error)
                return
            for half in (slice(None, len(items) // 2), slice(len(items) // 2, None)):
                self._log(points[half], params[half], tags[half])

    def _single(self, event: ev.Event) -> None:
        try:
            match event:
                case ev.Text():
                    self._client.log_text(self._ids.run_id, event.text, event.file)
                case ev.Artifact():
                    self._artifact(event)
                case ev.Dataset():
                    self._dataset(event)
                case ev.Model():
                    self._model(event)
                case ev.Reopened():
                    self._client.update_run(self._ids.run_id, status="RUNNING")
                    self.batch([], {}, event.process)
                case ev.Ended():
                    self._client.set_terminated(self._ids.run_id, event.status, event.time_ms)
        except Exception as error:
            if not (is_refusal(error) or isinstance(error, FileNotFoundError | InputError)):
                raise
            self._refused(event, error)

    def _artifact(self, event: ev.Artifact) -> None:
        path = safe_join(self._spool.folder, event.path)
        if path.is_dir():
            self._client.log_artifacts(self._ids.run_id, str(path), event.folder or None)
        else:
            self._client.log_artifact(self._ids.run_id, str(path), event.folder or None)

    def _dataset(self, event: ev.Dataset) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        info = event.dataset
        dataset = Dataset(
            name=info.name,
            digest=info.digest,
            source_type="code",
            source=json.dumps({"tags": {"mlflow.source.name": info.source}}),
            schema=info.schema or None,
            profile=info.profile or None,
        )
        tags = [InputTag("mlflow.data.context", info.context)]
        self._client.log_inputs(self._ids.run_id, datasets=[DatasetInput(dataset, tags)])

    def _model(self, event: ev.Model) -> None:
        """A model that an earlier attempt had begun is finished, not made again."""
        from mlflow.entities import LoggedModelOutput

        folder = safe_join(self._spool.folder, event.path)
        if not (folder / "MLmodel").is_file():
            raise FileNotFoundError(f"{event.path} holds no MLmodel")
        name = event.model.replace("'", "")
        begun = self._client.search_logged_models(
            [self._ids.experiment_id], f"source_run_id = '{self._ids.run_id}' AND name = '{name}'"
        )
        with quiet():
            model = (
                begun[0]
                if begun
                else self._client.create_logged_model(
                    self._ids.experiment_id, name=name, source_run_id=self._ids.run_id
                )
            )
            if str(model.status) != "READY":
                _name_its_run(folder, self._ids.run_id, model.model_id)
                self._client.log_model_artifacts(model.model_id, str(folder))
                self._client.finalize_logged_model(model.model_id, "READY")
            self._client.log_outputs(self._ids.run_id, [LoggedModelOutput(model.model_id, step=0)])

    def _refused(self, item: object, error: Exception) -> None:
        text = redact(str(error).splitlines()[0] if str(error) else type(error).__name__)
        self.refusals.append(f"{_describe(item)}: {text}")


def _name_its_run(folder: Any, run_id: str, model_id: str) -> None:
    """MLflow's own ``log_model`` writes both into the MLmodel file; its page and loaders look there."""
    from mlflow.models import Model

    model = Model.load(str(folder))
    model.run_id = run_id
    model.model_id = model_id
    model.save(str(folder / "MLmodel"))


def find_run(store: Store, local_id: str, experiment_ids: Sequence[str] | None = None) -> Any | None:
    """The MLflow run of a local id, deleted ones included; None where there is none."""
    from mlflow.entities import ViewType

    ids = list(experiment_ids) if experiment_ids is not None else all_experiments(store)
    found = (
        store.client.search_runs(ids, f"tags.`{LOCAL_ID}` = '{local_id}'", ViewType.ALL, max_results=1)
        if ids
        else []
    )
    return found[0] if found else None


def all_experiments(store: Store) -> list[str]:
    from mlflow.entities import ViewType

    ids: list[str] = []
    token: str | None = None
    while True:
        page = store.client.search_experiments(ViewType.ALL, max_results=1000, page_token=token)
        ids.extend(experiment.experiment_id for experiment in page)
        token = page.token
        if not token:
            return ids


def create_run(store: Store, started: ev.Started, parent_run_id: str | None) -> RunIds:
    """Make the MLflow run, its identity inside the one call that creates it."""
    start = started.start
    tags = {**start.tags, **started.process, LOCAL_ID: start.local_id, "lrscope.kind": start.kind}
    if start.parent_local_id:
        tags[PARENT_LOCAL_ID] = start.parent_local_id
    if parent_run_id:
        tags |= {PARENT: parent_run_id, "lrscope.sweep": parent_run_id}
    if start.kind == "sweep":
        tags.pop("lrscope.sweep", None)
    run = store.client.create_run(
        store.experiment_id(start.experiment),
        start_time=started.time_ms,
        tags={key: str(value)[:_TAG_LENGTH] for key, value in tags.items()},
        run_name=start.name,
    )
    return RunIds(run.info.run_id, run.info.experiment_id)


def adopt_orphans(store: Store, ids: RunIds, local_id: str) -> None:
    """Members that were delivered before their parent are hung below it."""
    from mlflow.entities import RunTag

    for child in store.client.search_runs([ids.experiment_id], f"tags.`{PARENT_LOCAL_ID}` = '{local_id}'"):
        if PARENT not in child.data.tags:
            tags = [RunTag(PARENT, ids.run_id), RunTag("lrscope.sweep", ids.run_id)]
            store.client.log_batch(child.info.run_id, tags=tags)


def _by_key(point: Point) -> str:
    return point.key


def _chunks(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    for first in range(0, len(items), size):
        yield items[first : first + size]


def _describe(item: object) -> str:
    if isinstance(item, Point):
        return f"point {item.key} at step {item.step}"
    if isinstance(item, tuple):
        return f"{item[0]}={str(item[1])[:100]}"
    match item:
        case ev.Text():
            return f"text {item.file}"
        case ev.Artifact() | ev.Model():
            return f"{item.name} {item.path}"
    return str(getattr(item, "name", item))
