"""What a server said that it took, read back: a proxy before it may say yes to what it never passed on. A database that
is written to directly needs none of this.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lrscope.core.errors import NotConfirmed
from lrscope.core.from_store import text
from lrscope.core.point import Point
from lrscope.core.tag_length import TAG_LENGTH
from lrscope.tracking.journal import events as ev
from lrscope.tracking.mlflow_store.store import Store

Labels = Sequence[tuple[str, str]]


def confirm_batch(store: Store, run_id: str, points: Sequence[Point], params: Labels, tags: Labels) -> None:
    """See that the run has what one call has just sent: of each metric its last point.

    Raises:
        NotConfirmed: it has not, or the answer is about something else.
    """
    if not store.address.is_server:
        return
    run = store.run(run_id)
    last = {metric.key: metric.step for metric in run.data._metric_objs}
    sent: dict[str, int] = {}
    for point in points:
        sent[point.key] = max(point.step, sent.get(point.key, point.step))
    lacks = [f"point {key} at step {step}" for key, step in sent.items() if key not in last or last[key] < step]
    lacks += [f"param {key}" for key, _ in params if key not in run.data.params]
    lacks += [f"tag {key}" for key, value in tags if run.data.tags.get(key) != text(value[:TAG_LENGTH])]
    _refuse(lacks)


def confirm_events(store: Store, run_id: str, events: Collection[ev.Event]) -> None:
    """See that the run has the datasets and models of these events, and the status that the last of them gave it.

    Raises:
        NotConfirmed: as ``confirm_batch``.
    """
    looked_at = [event for event in events if isinstance(event, ev.Dataset | ev.Model | ev.Ended | ev.Reopened)]
    if not looked_at or not store.address.is_server:
        return
    run = store.run(run_id)
    datasets = {given.dataset.name for given in run.inputs.dataset_inputs} if run.inputs is not None else set()
    models = run.outputs.model_outputs if run.outputs is not None else []
    lacks: list[str] = []
    for event in looked_at:
        match event:
            case ev.Dataset() if event.dataset.name not in datasets:
                lacks.append(f"dataset {event.dataset.name}")
            case ev.Model() if not models:
                lacks.append(f"model {event.model}")
            case ev.Ended() if run.info.status != event.status:
                lacks.append(f"status {event.status}")
    _refuse(lacks)


def _refuse(lacks: Sequence[str]) -> None:
    if lacks:
        more = f" and {len(lacks) - 1} more" if len(lacks) > 1 else ""
        raise NotConfirmed(f"it answered that it has {lacks[0]}{more}, and has not")
