"""A run that another machine, or another root, has gone on with: what this journal still holds of it is older."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from lrscope.tracking.journal import events as ev
from lrscope.tracking.mlflow_store.store import Store


def only_what_is_missing(store: Store, run_id: str, events: Sequence[ev.Event]) -> list[ev.Event]:
    """Of the events of such a journal those that the run still lacks: points at steps that it has no value of, files
    that are not there. What became of the run, its tags and its status are said by whoever went on with it.
    """
    run = store.run(run_id)
    steps: dict[str, set[int]] = {}
    for key in {point.key for event in events if isinstance(event, ev.Points) for point in event.points}:
        steps[key] = {point.step for point in store.client.get_metric_history(run_id, key)}
    there = (
        set(_files(store, run_id, None)) if any(isinstance(event, ev.Text | ev.Artifact) for event in events) else ()
    )
    models = run.outputs.model_outputs if run.outputs is not None else ()
    return [left for event in events if (left := _left(event, steps, there, bool(models))) is not None]


def _left(event: ev.Event, steps: dict[str, set[int]], there: Collection[str], has_model: bool) -> ev.Event | None:
    match event:
        case ev.Points():
            kept = tuple(point for point in event.points if point.step not in steps[point.key])
            return ev.Points(kept) if kept else None
        case ev.Text():
            return None if event.file in there else event
        case ev.Artifact():
            name = event.path.rpartition("/")[2]
            place = f"{event.folder}/{name}" if event.folder else name
            return None if any(file == place or file.startswith(f"{event.folder}/") for file in there) else event
        case ev.Model():
            return None if has_model else event
        case ev.Tags() | ev.Ended():
            return None
    return event


def _files(store: Store, run_id: str, folder: str | None) -> Iterator[str]:
    for artifact in store.client.list_artifacts(run_id, folder):
        if artifact.is_dir:
            yield from _files(store, run_id, artifact.path)
        else:
            yield artifact.path
