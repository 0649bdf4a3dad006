"""What a run leaves, as events: each is one line of JSON in the run's journal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeVar, get_args

from lrscope.core import from_store
from lrscope.core.point import Point
from lrscope.core.tracking_settings import DatasetInfo, Kind, RunStart, Status

T = TypeVar("T")


@dataclass(frozen=True)
class Started:
    """The run begins; always the first event of a journal. ``store`` is the one it is bound to, None where
    recorded offline.
    """

    name: ClassVar[str] = "start"
    start: RunStart
    time_ms: int
    process: Mapping[str, str]
    store: str | None = None


@dataclass(frozen=True)
class Reopened:
    """A later process continues the run."""

    name: ClassVar[str] = "reopen"
    time_ms: int
    process: Mapping[str, str]
    store: str | None = None


@dataclass(frozen=True)
class Points:
    name: ClassVar[str] = "points"
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Tags:
    name: ClassVar[str] = "tags"
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Params:
    name: ClassVar[str] = "params"
    params: Mapping[str, str]


@dataclass(frozen=True)
class Text:
    """An artifact whose content travels in the journal itself."""

    name: ClassVar[str] = "text"
    text: str
    file: str


@dataclass(frozen=True)
class Artifact:
    """A file or folder; ``path`` is relative to the run's journal folder."""

    name: ClassVar[str] = "artifact"
    path: str
    folder: str


@dataclass(frozen=True)
class Dataset:
    name: ClassVar[str] = "dataset"
    dataset: DatasetInfo


@dataclass(frozen=True)
class Model:
    """A saved MLflow model; ``path`` is relative to the run's journal folder."""

    name: ClassVar[str] = "model"
    path: str
    model: str


@dataclass(frozen=True)
class Ended:
    name: ClassVar[str] = "end"
    status: Status
    time_ms: int


@dataclass(frozen=True)
class Sent:
    """Points that reached the store without the journal (its disk was full): the last step of each key."""

    name: ClassVar[str] = "sent"
    last_steps: Mapping[str, int]


Event = Started | Reopened | Points | Tags | Params | Text | Artifact | Dataset | Model | Ended | Sent


def encode(event: Event) -> bytes:
    """One line, newline included, in ASCII. NaN and infinities are written as Python's json reads them."""
    body = {"points": event.points} if isinstance(event, Points) else asdict(event)
    return json.dumps({"event": event.name, **body}, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Event:
    """The event of a line. A journal may come from somebody else: every field is what it should be.

    Raises:
        ValueError: the line is damaged, or made up.
    """
    try:
        return _BUILDERS[(body := json.loads(line)).pop("event")](body)
    except (KeyError, TypeError, AttributeError, IndexError, UnicodeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not an event: {type(error).__name__}") from error


def _of(value: Any, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise ValueError(f"not {kind.__name__}")
    return value


def _time(value: Any) -> int:
    if type(value) is not int or from_store.whole(value, high=from_store.LATEST_MS) is None:
        raise ValueError("not a time")
    return value


def _texts(value: Any) -> dict[str, str]:
    return {_of(key, str): _of(text, str) for key, text in _of(value, dict).items()}


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _of(value, str)


def _one_of(value: Any, words: Any) -> Any:
    if value not in get_args(words):
        raise ValueError(f"not one of {get_args(words)}")
    return value


def _name(value: Any) -> str:
    if not from_store.is_artifact_name(value):
        raise ValueError("not a name of an artifact")
    return str(value)


def _local_id(value: Any) -> str:
    if not from_store.is_local_id(value):
        raise ValueError("not an id of a run")
    return str(value)


def _started(body: dict[str, Any]) -> Started:
    start = RunStart(**body.pop("start"))
    _of(start.experiment, str), _of(start.name, str), _one_of(start.kind, Kind), _local_id(start.local_id)
    _texts(start.params), _texts(start.tags)
    if start.parent_local_id is not None:
        _local_id(start.parent_local_id)
    event = Started(start=start, **body)
    _time(event.time_ms), _texts(event.process), _text_or_none(event.store)
    return event


def _reopened(body: dict[str, Any]) -> Reopened:
    event = Reopened(**body)
    _time(event.time_ms), _texts(event.process), _text_or_none(event.store)
    return event


def _points(body: dict[str, Any]) -> Points:
    points = tuple(Point(key, int(step), float(value), int(ms)) for key, step, value, ms in body["points"])
    most = from_store.LARGEST_STEP
    if not all(type(p.key) is str and -most <= p.step <= most and 0 <= p.timestamp_ms <= most for p in points):
        raise ValueError("not points")
    return Points(points)


def _dataset(body: dict[str, Any]) -> Dataset:
    _texts(body["dataset"])
    return Dataset(DatasetInfo(**body["dataset"]))


def _artifact(body: dict[str, Any]) -> Artifact:
    return Artifact(_of(body["path"], str), _name(body["folder"]))


_BUILDERS: dict[str, Callable[[dict[str, Any]], Event]] = {
    "start": _started,
    "reopen": _reopened,
    "points": _points,
    "tags": lambda body: Tags(_texts(body["tags"])),
    "params": lambda body: Params(_texts(body["params"])),
    "text": lambda body: Text(_of(body["text"], str), _name(body["file"])),
    "artifact": _artifact,
    "dataset": _dataset,
    "model": lambda body: Model(_of(body["path"], str), _name(body["model"])),
    "end": lambda body: Ended(_one_of(body["status"], Status), _time(body["time_ms"])),
    "sent": lambda body: Sent({_of(key, str): _time(step) for key, step in _of(body["last_steps"], dict).items()}),
}
