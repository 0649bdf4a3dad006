from __future__ import annotations

import math

import pytest

from lrscope.tracking import DatasetInfo, Point, RunStart
from lrscope.tracking.journal import events as ev

EVENTS = [
    ev.Started(
        RunStart("e", "lr=0.1 × 3", "member", "a", "p", {"lr": "0.1"}, {"t": "ü"}), 5, {"pid": "1"}, "sqlite:///x"
    ),
    ev.Reopened(6, {"pid": "2"}, None),
    ev.Points((Point("train/loss", 0, 0.1 + 0.2, 1_700_000_000_001), Point("lr", 2**40, -1e-300, 1))),
    ev.Tags({"a": "line\nbreak"}),
    ev.Params({"p": "\udcff"}),
    ev.Text("{'x': 1}\n", "config.yaml"),
    ev.Artifact("files/a", "checkpoints"),
    ev.Dataset(DatasetInfo("digits", "abc", "sklearn")),
    ev.Model("model", "model"),
    ev.Ended("KILLED", 9),
    ev.Sent({"lr": 4}),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_an_event_is_one_line_and_comes_back_equal(event: ev.Event) -> None:
    line = ev.encode(event)
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert ev.decode(line) == event


def test_values_that_are_no_numbers_survive() -> None:
    points = tuple(Point("k", step, value, 1) for step, value in enumerate((math.nan, math.inf, -math.inf)))
    back = ev.decode(ev.encode(ev.Points(points)))
    assert isinstance(back, ev.Points)
    assert math.isnan(back.points[0].value)
    assert [point.value for point in back.points[1:]] == [math.inf, -math.inf]


@pytest.mark.parametrize(
    "line", [b"\n", b"{}\n", b'{"event":"nothing"}\n', b'{"event":"points","points":[[1]]}\n', b"[]\n"]
)
def test_a_damaged_line_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):
        ev.decode(line)
