"""Carries the events of one run into MLflow, so that carrying them twice leaves what carrying them once
would.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from lrscope.errors import InputError
from lrscope.tracking import events as ev
from lrscope.tracking.outage import is_refusal
from lrscope.tracking.runs import TAG_LENGTH, RunIds, is_deleted
from lrscope.tracking.safe_paths import safe_join
from lrscope.tracking.secrets import redact
from lrscope.tracking.settings import Point
from lrscope.tracking.spool import Spool
from lrscope.tracking.store import Store, quiet

BATCH_POINTS = 1000
_BATCH_LABELS = 100
_PARAM_LENGTH = 6000


class RunDeleted(Exception):
    """Somebody deleted the run in the store: nothing more of it can be delivered."""


class StubbornArtifact(Exception):
    """An artifact that did not go through for a reason that may pass; ``event`` is which."""

    def __init__(self, event: ev.Event, error: Exception) -> None:
        super().__init__(str(error) or type(error).__name__)
        self.event = event
        self.error = error


class Sender:
    """Writes into one MLflow run. Errors that may pass are raised; what the store refuses for good is noted and
    skipped."""

    def __init__(self, store: Store, spool: Spool, ids: RunIds) -> None:
        self._store = store
        self._client = store.client
        self._spool = spool
        self._ids = ids
        self.refusals: list[str] = []

    def send(self, events: Sequence[ev.Event], without: Collection[ev.Event] = ()) -> None:
        """Points, params and tags travel together, then the files, then how the run ended.

        Args:
            events: in the order they were recorded; an end or a reopening can only be the last one.
            without: events to leave out, given up by the caller.
        """
        points: list[Point] = []
        tags: dict[str, str] = {}
        params: dict[str, str] = {}
        single: list[ev.Event] = []
        for event in events:
            match event:
                case ev.Points():
                    points.extend(event.points)
                case ev.Tags():
                    tags.update(event.tags)
                case ev.Params():
                    if any(params.get(key, value) != value for key, value in event.params.items()):
                        # A param cannot change: what came first goes first, and MLflow refuses the other.
                        self.batch([], params, {})
                        params.clear()
                    params.update(event.params)
                case ev.Started():
                    params.update(event.start.params)
                case ev.Sent():
                    pass
                case _ if event not in without:
                    single.append(event)
        self.batch(points, params, tags)
        for event in single:
            self._single(event)

    def batch(self, points: Sequence[Point], params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """At most 1,000 points, 100 params and 100 tags a call, MLflow's limits."""
        left = [] if self._in_bulk(points) else _chunks(points, BATCH_POINTS)
        named = _chunks(list(params.items()), _BATCH_LABELS)
        tagged = _chunks(list(tags.items()), _BATCH_LABELS)
        for chunk in zip_longest(left, named, tagged, fillvalue=()):
            self._log(*chunk)

    def _in_bulk(self, points: Sequence[Point]) -> bool:
        return self._store.bulk is not None and self._store.bulk.write(self._ids.run_id, points)

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
                tags=[RunTag(key, value[:TAG_LENGTH]) for key, value in tags],
            )
        except Exception as error:
            if not is_refusal(error):
                raise
            if is_deleted(self._store, self._ids.run_id):
                raise RunDeleted(self._ids.run_id) from error
            if len(points) + len(params) + len(tags) == 1:
                self.refuse((*points, *params, *tags)[0], error)
                return
            for part in _halves(points, params, tags):
                self._log(*part)

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
            if is_refusal(error) and is_deleted(self._store, self._ids.run_id):
                raise RunDeleted(self._ids.run_id) from error
            if is_refusal(error) or isinstance(error, FileNotFoundError | InputError):
                self.refuse(event, error)
            elif isinstance(event, ev.Text | ev.Artifact | ev.Model):
                raise StubbornArtifact(event, error) from error
            else:
                raise

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

    def refuse(self, item: object, error: Exception) -> None:
        """Note that this will never be delivered, and why."""
        text = redact(str(error).splitlines()[0] if str(error) else type(error).__name__)
        self.refusals.append(f"{_describe(item)}: {text}")


def _name_its_run(folder: Any, run_id: str, model_id: str) -> None:
    """MLflow's own ``log_model`` writes both into the MLmodel file; its page and loaders look there."""
    from mlflow.models import Model

    model = Model.load(str(folder))
    model.run_id = run_id
    model.model_id = model_id
    model.save(str(folder / "MLmodel"))


def _chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[first : first + size] for first in range(0, len(items), size)]


Labels = Sequence[tuple[str, str]]


def _halves(points: Sequence[Point], params: Labels, tags: Labels) -> Iterator[tuple[Sequence[Point], Labels, Labels]]:
    """Kinds apart first, then the one kind in two."""
    kinds = [kind for kind in ((points, (), ()), ((), params, ()), ((), (), tags)) if any(kind)]
    if len(kinds) > 1:
        yield from kinds
        return
    middle = max(len(points), len(params), len(tags)) // 2
    yield points[:middle], params[:middle], tags[:middle]
    yield points[middle:], params[middle:], tags[middle:]


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
