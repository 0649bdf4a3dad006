"""Carries the events of one run into MLflow, so that carrying them twice leaves what carrying them once
would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any

from lrscope.core import from_store
from lrscope.core.errors import InputError, StoreUnreachable
from lrscope.core.failpoint import failpoint
from lrscope.core.from_store import safe_join
from lrscope.core.point import Point
from lrscope.core.redact import redact
from lrscope.core.tag_length import TAG_LENGTH
from lrscope.tracking.delivery.outage import is_refusal
from lrscope.tracking.delivery.read_back import Labels, confirm_batch, confirm_events
from lrscope.tracking.delivery.uploads import Call, NotTried, Uploads
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal
from lrscope.tracking.mlflow_store.beside_stored import beside_stored
from lrscope.tracking.mlflow_store.concurrent import side_by_side
from lrscope.tracking.mlflow_store.runs import RunIds, is_deleted
from lrscope.tracking.mlflow_store.store import Store, quiet

BATCH_POINTS = 1000
_BATCH_LABELS = 100
_PARAM_LENGTH = 6000


class RunDeleted(Exception):
    """Somebody deleted the run in the store: nothing more of it can be delivered."""


class StubbornArtifact(Exception):
    """Artifacts that did not go through for a reason that may pass; ``events`` are which."""

    def __init__(self, events: Sequence[ev.Event], error: Exception) -> None:
        super().__init__(str(error) or type(error).__name__)
        self.events = tuple(events)


class MLflowWriter:
    """Writes into one MLflow run. Errors that may pass are raised; what the store refuses for good is noted and
    skipped. ``progressed`` is called whenever the store has taken something."""

    def __init__(self, store: Store, journal: Journal, ids: RunIds, progressed: Callable[[], None]) -> None:
        self._store = store
        self._client = store.client
        self._journal = journal
        self._ids = ids
        self._progressed = progressed
        self._uploads = Uploads(store, ids.run_id, _may_pass, progressed)
        self.refusals: list[str] = []

    def send(self, events: Sequence[ev.Event], without: Collection[ev.Event] = ()) -> None:
        """Points, params and tags travel together, then the files, then how the run ended.

        Sending again, after some artifacts did not go through, repeats no file that did.

        Args:
            events: in the order they were recorded; an end or a reopening can only be the last one.
            without: events to leave out, given up by the caller.
        """
        points: list[Point] = []
        tags: dict[str, str] = {}
        params: dict[str, str] = {}
        files: list[ev.Event] = []
        status: list[ev.Ended | ev.Reopened] = []
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
                case ev.Reopened():
                    tags.update(event.process)
                    status.append(event)
                case ev.Ended():
                    status.append(event)
                case _ if event not in without:
                    files.append(event)
        with failpoint("batch"):
            self.batch(points, params, beside_stored(self._store, self._ids.run_id, tags))
        self._send_files(files)
        for last in status:
            self._set_status(last)
        if not self.refusals:
            confirm_events(self._store, self._ids.run_id, (*files, *status))

    def batch(self, points: Sequence[Point], params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """At most 1,000 points, 100 params and 100 tags a call, MLflow's limits."""
        left = [] if self._in_bulk(points) else _chunks(points, BATCH_POINTS)
        named = _chunks(list(params.items()), _BATCH_LABELS)
        tagged = _chunks(list(tags.items()), _BATCH_LABELS)
        for chunk in zip_longest(left, named, tagged, fillvalue=()):
            refused = len(self.refusals)
            self._log(*chunk)
            if len(self.refusals) == refused:
                confirm_batch(self._store, self._ids.run_id, *chunk)

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
            self._progressed()
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

    def _set_status(self, event: ev.Ended | ev.Reopened) -> None:
        try:
            with failpoint("status"):
                if isinstance(event, ev.Ended):
                    self._client.set_terminated(self._ids.run_id, event.status, event.time_ms)
                else:
                    self._client.update_run(self._ids.run_id, status="RUNNING")
        except Exception as error:
            if _may_pass(error):
                raise
            self._refused(event, error)

    def _send_files(self, events: Sequence[ev.Event]) -> None:
        """All of them side by side; of two that go to the same place the later one."""
        calls: dict[str, tuple[ev.Event, Call]] = {}
        for event in events:
            try:
                calls |= {place: (event, call) for place, call in self._calls(event).items()}
            except (FileNotFoundError, InputError) as error:
                self.refuse(event, error)
        failed = self._uploads.send({place: call for place, (_, call) in calls.items()})
        stubborn: list[ev.Event] = []
        why: Exception | None = None
        for place, trouble in failed.items():
            event = calls[place][0]
            if isinstance(trouble, NotTried):
                continue
            if not _may_pass(trouble):
                self._refused(event, trouble)
            elif isinstance(event, ev.Dataset):
                raise trouble
            elif event not in stubborn:
                stubborn.append(event)
                why = why or trouble
        if why is not None:
            raise StubbornArtifact(stubborn, why) from why

    def _calls(self, event: ev.Event) -> Mapping[str, Call]:
        match event:
            case ev.Text():
                return self._uploads.of_text(event.text, event.file)
            case ev.Artifact():
                return self._uploads.of_path(safe_join(self._journal.folder, event.path), event.folder)
            case ev.Dataset():
                return {f"dataset:{event.dataset}": partial(self._dataset, event)}
            case ev.Model():
                return {f"model:{event.model}": partial(self._model, event)}
        raise AssertionError(event)

    def _refused(self, event: ev.Event, error: Exception) -> None:
        if is_refusal(error) and is_deleted(self._store, self._ids.run_id):
            raise RunDeleted(self._ids.run_id) from error
        self.refuse(event, error)

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

        folder = safe_join(self._journal.folder, event.path)
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
            self._progressed()
            output = LoggedModelOutput(model.model_id, step=0)
            calls = [partial(self._client.log_outputs, self._ids.run_id, [output])]
            if str(model.status) != "READY":
                _name_its_run(folder, self._ids.run_id, model.model_id)
                with failpoint("model"):
                    self._uploads.send_model(folder, model)
                calls.append(partial(self._client.finalize_logged_model, model.model_id, "READY"))
            at_once = len(calls) if self._store.address.is_server else 1
            for error in side_by_side(calls, at_once):
                if error is not None:
                    raise error

    def refuse(self, item: object, error: Exception) -> None:
        """Note that this will never be delivered, and why."""
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        self.refusals.append(from_store.line(redact(f"{_describe(item)}: {text}")))


def _may_pass(error: Exception) -> bool:
    for_good = isinstance(error, FileNotFoundError | InputError) and not isinstance(error, StoreUnreachable)
    return not is_refusal(error) and not for_good


def _name_its_run(folder: Any, run_id: str, model_id: str) -> None:
    """MLflow's own ``log_model`` writes both into the MLmodel file; its page and loaders look there."""
    from mlflow.models import Model

    model = Model.load(str(folder))
    model.run_id = run_id
    model.model_id = model_id
    model.save(str(folder / "MLmodel"))


def _chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[first : first + size] for first in range(0, len(items), size)]


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
