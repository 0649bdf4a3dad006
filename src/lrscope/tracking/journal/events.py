"""What a run leaves, as events: each is one line of JSON in the run's journal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from lrscope.core.point import Point
from lrscope.core.tracking_settings import DatasetInfo, RunStart, Status


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
    """The event of a line.

    Raises:
        ValueError: the line is damaged.
    """
    try:
        return _BUILDERS[(body := json.loads(line)).pop("event")](body)
    except (KeyError, TypeError, AttributeError, IndexError, UnicodeError) as error:
        raise ValueError(f"not an event: {error!r}") from error


def _started(body: dict[str, Any]) -> Started:
    return Started(**{**body, "start": RunStart(**body["start"])})


def _points(body: dict[str, Any]) -> Points:
    return Points(tuple(Point(key, int(step), float(value), int(ms)) for key, step, value, ms in body["points"]))


_BUILDERS: dict[str, Callable[[dict[str, Any]], Event]] = {
    "start": _started,
    "reopen": lambda body: Reopened(**body),
    "points": _points,
    "tags": lambda body: Tags(**body),
    "params": lambda body: Params(**body),
    "text": lambda body: Text(**body),
    "artifact": lambda body: Artifact(**body),
    "dataset": lambda body: Dataset(DatasetInfo(**body["dataset"])),
    "model": lambda body: Model(**body),
    "end": lambda body: Ended(**body),
    "sent": lambda body: Sent(**body),
}
