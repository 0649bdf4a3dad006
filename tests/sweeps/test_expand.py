"""What the words of a sweep come to: lists as Hydra reads them, intervals as points."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from lrscope.config.schema import SearchConfig
from lrscope.core.errors import Problem
from lrscope.sweeps.expand import as_of_intervals, jobs_of, searched, spans


def jobs(*words: str, search: SearchConfig | None = None) -> list[str]:
    parsed = OverridesParser.create().parse_overrides(list(words))
    return [" ".join(job) for job in jobs_of(parsed, search or SearchConfig(trials=3))]


def test_lists_are_what_they_are_to_hydra() -> None:
    assert jobs("lr=1,0.1", "seed=range(2)", "epochs=3") == [
        "lr=1 seed=0 epochs=3", "lr=1 seed=1 epochs=3", "lr=0.1 seed=0 epochs=3", "lr=0.1 seed=1 epochs=3"
    ]  # fmt: skip


def test_every_combination_of_lists_is_searched_and_seeds_stand_together() -> None:
    assert jobs("model=mlp,cnn", "lr=interval(0.01,1)", "seed=0,1") == [
        f"lr={rate} model={model} seed={seed}"
        for model in ("mlp", "cnn")
        for rate in ("0.01", "0.1", "1")
        for seed in (0, 1)
    ]


def test_tags_and_casts_say_how_an_interval_is_searched() -> None:
    assert jobs("lr=tag(linear,interval(0.01,1))") == ["lr=0.01", "lr=0.505", "lr=1"]
    assert jobs("batch_size=int(interval(16,256))") == ["batch_size=16", "batch_size=64", "batch_size=256"]
    assert jobs("+width=int(interval(1,3))") == ["+width=1", "+width=2", "+width=3"]


@pytest.mark.parametrize(
    ("key", "change"), [("method", "random"), ("method", "grid"), ("trials", 12), ("seed", 1)]
)  # fmt: skip
def test_each_key_changes_the_points(key: str, change: object) -> None:
    plane = ("lr=interval(0.01,1)", "optimizer.weight_decay=interval(0.001,0.1)")
    before = SearchConfig(trials=8)
    assert jobs(*plane, search=before) == jobs(*plane, search=SearchConfig(trials=8))
    setattr(before, key, change)
    assert jobs(*plane, search=before) != jobs(*plane, search=SearchConfig(trials=8))


def test_the_keys_that_are_searched() -> None:
    assert searched(["lr=interval(1e-5,10)", "+a.b=tag(log,interval(1,10))", "seed=0,1"]) == ("lr", "a.b")


@pytest.mark.parametrize(
    ("typed", "remedy"),
    [
        ("batch_size=interval(8,12)", "batch_size=int(interval(8,12)) to search them, or batch_size=range(8,13) to"),
        ("seed=interval(0,9.5)", "seed=int(interval(0,9.5)) to search them, or seed=range(0,10) to train each"),
        (
            "dataset.examples=tag(log,interval(10,1e3))",
            "dataset.examples=int(tag(log,interval(10,1e3))) to search them, or dataset.examples=range(10,1001) to",
        ),
    ],
)
def test_an_interval_over_whole_numbers_is_told_once(typed: str, remedy: str) -> None:
    key, value = typed.split("=", 1)
    other = Problem("lr", "-1", "must be above 0", "Try lr=0.1.")
    members = [Problem(key, f"{number}.5", "must be a whole number", f"Try {key}=1.") for number in range(9)]
    told = as_of_intervals([*members, other], spans([typed, "lr=-1,1"]))
    assert told[1:] == [other]
    assert told[0].key == key
    assert told[0].value == value
    assert told[0].remedy.startswith(f"Write {remedy}")


@pytest.mark.parametrize("word", ["batch_size=int(interval(8,12))", "batch_size=range(8,13)"])
def test_what_it_says_to_write_gives_whole_numbers(word: str) -> None:
    assert jobs(word, search=SearchConfig(trials=5)) == [f"batch_size={size}" for size in range(8, 13)]
