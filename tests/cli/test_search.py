"""A search inside the batch, as a user types it: who leaves, what is kept of him, and what the winners come to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Typed, type_command
from mlflow.entities import Run

from lrscope.core.outcome import Outcome
from lrscope.core.pruned import Pruned

SMALL = ("dataset=blobs", "batch_size=200", "model.hidden=[6]", "optimizer=sgd", "epochs=12", "trainer=cpu",
         "trainer.precision=64-true", "callbacks.look_ahead=false")  # fmt: skip
SEARCH = ("-m", "lr=interval(1e-4,100)", "search.trials=12", *SMALL)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Typed]:
    """The same twelve rates, halved and all to the end."""
    typed = {}
    for method in ("halving", "grid"):
        typed[method] = type_command(tmp_path_factory.mktemp(method), *SEARCH, f"search={method}", store=True)
        assert typed[method].code == 0, typed[method].err
    return typed


def members(typed: Typed) -> dict[str, Run]:
    runs = [run for run in typed.runs() if run.data.tags["lrscope.kind"] == "member"]
    return {run.info.run_name: run for run in runs}


@pytest.mark.long
def test_rates_are_even_in_the_logarithm(searched: dict[str, Typed]) -> None:
    """Six decades in eleven steps: each 10^(6/11) = 3.51 times the one before."""
    rates = sorted(float(run.data.params["lr"]) for run in members(searched["halving"]).values())
    assert rates[:3] == [1e-4, 3.51e-4, 1.23e-3]
    assert rates[-1] == 100
    assert len(rates) == 12


@pytest.mark.long
def test_survivors_come_to_what_they_come_to_without_pruning(searched: dict[str, Typed]) -> None:
    """Every point of a member that trained to the end is its twin's, and every point of one that left is a beginning of
    its twin's; shapes differ, so the last bits may.
    """
    halved, whole = members(searched["halving"]), members(searched["grid"])
    assert halved.keys() == whole.keys()
    lengths = []
    for name, run in halved.items():
        for key in ("train/loss", "val/loss", "lr", "train/acc"):
            mine, twin = searched["halving"].curve(run, key), searched["grid"].curve(whole[name], key)
            assert mine.keys() <= twin.keys() or key == "lr", (name, key)
            same = {step: value for step, value in twin.items() if step in mine}
            near = {step: value for step, value in mine.items() if step in same}
            assert near == pytest.approx(same, rel=1e-9, abs=1e-9, nan_ok=True), (name, key)
        lengths.append(int(run.data.tags["lrscope.steps"]))
        assert ("lrscope.pruned" in run.data.tags) == (lengths[-1] < int(whole[name].data.tags["lrscope.steps"]))
    assert sum(length == 72 for length in lengths) == 3  # finalists: 12 epochs of 6 updates


@pytest.mark.long
def test_one_that_left_is_told_for_what_it_is(searched: dict[str, Typed]) -> None:
    """12 trials, keep=0.3: four go on at epoch 1 of 12, and three at epoch 4."""
    pruned = {n: r for n, r in members(searched["halving"]).items() if "lrscope.pruned" in r.data.tags}
    why = {name: json.loads(run.data.tags["lrscope.pruned"]) for name, run in pruned.items()}
    assert sorted((found["epoch"], found["rung"], found["place"]) for found in why.values())[-1] == (4, 2, 4)
    assert {run.info.status for run in pruned.values()} == {"FINISHED"}
    assert all(run.data.tags["lrscope.verdict"] for run in pruned.values())
    assert all(found["reason"] in pruned[n].data.tags["mlflow.note.content"] for n, found in why.items())
    assert all("the search went on without it" in run.data.tags["mlflow.note.content"] for run in pruned.values())
    out = searched["halving"].out
    assert "pruned at epoch 1" in out
    took = sum(int(run.data.tags["lrscope.steps"]) for run in members(searched["halving"]).values()) / (12 * 72)
    assert f"The search took {took:.1%} of the updates of all 12 members to the end" in " ".join(out.split())
    assert not any(f"lr={name}" in out for name in ("0.0001 ", "0.000351 "))


@pytest.mark.long
def test_the_recommended_member_trained_to_the_end_and_its_model_is_packed(searched: dict[str, Typed]) -> None:
    (parent,) = [run for run in searched["halving"].runs() if run.data.tags["lrscope.kind"] == "sweep"]
    best = searched["halving"].run(f"lr={parent.data.metrics['best/lr']:g}")
    assert "lrscope.pruned" not in best.data.tags
    packed = [run.info.run_name for run in members(searched["halving"]).values() if run.outputs.model_outputs]
    assert len(packed) == 1
    assert "lrscope.pruned" not in searched["halving"].run(packed[0]).data.tags
    left = ["lrscope.pruned" in run.data.tags for run in members(searched["halving"]).values()]
    assert parent.data.metrics["members/stopped_by_the_search"] == sum(left)
    assert searched["halving"].artifacts(best, "checkpoints") == {"checkpoints/best.ckpt", "checkpoints/last.ckpt"}


def left(root: Path, *words: str) -> list[tuple[int, str]]:
    """Of each member its updates, and why the search stopped it."""
    typed = type_command(root, "-m", "lr=interval(1e-3,1)", "search.trials=8", *SMALL, "tracking=off", *words)
    assert typed.code == 0, typed.err
    places = sorted(root.glob("outputs/*/*/sweep/*"), key=lambda place: int(place.name))
    ends = [found for place in places if (found := Outcome.read(place)) is not None]
    return [(found.steps, found.pruned.reason if found.pruned is not None else "") for found in ends]


@pytest.mark.long
def test_each_key_changes_who_leaves(tmp_path: Path) -> None:
    """8 trials of 12 epochs of 6 updates: 3 go on at epoch 4. With one finalist, 3 at epoch 1 and 1 at epoch 4. By
    halves, 4 at epoch 3 and 2 at epoch 6.
    """
    base = left(tmp_path / "base")
    assert sorted(steps for steps, _ in base) == [24] * 5 + [72] * 3
    assert sorted(steps for steps, _ in left(tmp_path / "1", "search.finalists=1")) == [6] * 5 + [24] * 2 + [72]
    half = left(tmp_path / "2", "search.keep=0.5", "search.finalists=2")
    assert sorted(steps for steps, _ in half) == [18] * 4 + [36] * 2 + [72] * 2
    now = left(tmp_path / "3", "search.judge=now")
    assert "forecast to end at" in base[0][1]
    assert "by what they had come to" in now[0][1]


@pytest.mark.long
def test_the_sweeps_objective_decides_who_leaves(tmp_path: Path) -> None:
    """The lowest accuracy is nothing to want, but it shows who is obeyed: other rates survive."""
    judged = ("sweep.objective=val/acc", "search.finalists=1")
    highest, lowest = (
        [steps for steps, _ in left(tmp_path / direction, *judged, f"sweep.direction={direction}")]
        for direction in ("max", "min")
    )
    assert highest.count(72) == lowest.count(72) == 1
    assert lowest.index(72) < highest.index(72), "the lowest rates learn least"


@pytest.mark.long
def test_optuna_proposes_batch_by_batch_and_goes_on_alike(tmp_path: Path) -> None:
    """A resumed search asks for the same points, and trains none of them again."""
    pytest.importorskip("optuna")
    tpe = ("-m", "lr=interval(1e-3,10)", "optimizer.weight_decay=interval(1e-5,0.1)", "search=tpe", "search.batch=4",
           "search.trials=8", *SMALL, "sweep.report=false", "tracking.log_model=none")  # fmt: skip
    first = type_command(tmp_path, *tpe, store=True)
    assert first.code == 0, first.err
    assert "4 members to begin with" in first.out
    assert first.out.count("4 members train together") == 2
    again = type_command(tmp_path, *tpe, "resume=latest")
    assert again.code == 0, again.err
    assert "train together" not in again.out
    assert len(members(again)) == 8
    (parent,) = (run for run in again.runs() if run.data.tags["lrscope.kind"] == "sweep")
    assert parent.info.run_name == "lr × 8, optimizer.weight_decay × 8", "of all batches, not of the first"
    assert "Use lr=" in first.out
    assert " with optimizer.weight_decay=" in first.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("lr=1,0.1", "search.trials=8"), "search.trials=8: no interval is searched"),
        (("lr=interval(10,1)",), "lr=interval(10,1): an interval goes from a number to a higher one"),
        (("lr=interval(0.1,1)", "search=grid", "search.keep=0.2"), "search.keep=0.2: search=grid does not read it"),
        (("lr=interval(0.1,1)", "search.trials=8,16"), "search.trials=8,16: is one for the whole search"),
        (("lr=interval(0.1,1)", "search.keep=1"), "search.keep=1: must be a share between 0 and 1"),
        (("lr=interval(0.1,1)", "search.judge=past"), "search.judge=past: must be one of forecast, now"),
        (("lr=interval(0.1,1)", "search.finalists=0"), "search.finalists=0: must be at least 1"),
        (("lr=interval(0.1,1)", "search.seed=3"), "search.seed=3: one interval is searched in even steps"),
        (("lr=interval(0.1,1)", "hydra/sweeper=basic"), "lr=interval(0.1,1): this sweeper searches no interval"),
        (("lr=tag(log,interval(0,1))",), "a logarithm needs numbers above 0"),
    ],
)
def test_what_has_no_effect_is_refused(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    typed = type_command(tmp_path, "-m", *words, *SMALL)
    assert typed.code == 2, typed.out
    assert told in typed.err
    assert not typed.runs()


def test_a_lone_run_searches_nothing(tmp_path: Path) -> None:
    assert "search.trials=8: no interval is searched" in type_command(tmp_path, "search.trials=8", *SMALL).err
    assert "lr=interval(0.1,1): several values for one run" in type_command(tmp_path, "lr=interval(0.1,1)", *SMALL).err


@pytest.mark.long
def test_members_that_train_by_themselves_are_stopped_too(tmp_path: Path) -> None:
    """The first to come trains to its end; each later one where it is among the best of those that came before it."""
    words = ("-m", "lr=interval(0.01,10)", "search.trials=4", "search.finalists=1", *SMALL)
    typed = type_command(tmp_path, *words, "sweep.together=never", "tracking.log_model=none", store=True)
    assert typed.code == 0, typed.err
    runs = members(typed)
    steps = {name: int(run.data.tags["lrscope.steps"]) for name, run in runs.items()}
    assert steps["lr=0.01"] == 72  # the first
    assert steps["lr=1"] == 72  # the best of them
    assert steps["lr=0.1"] < 72  # after both
    told = Pruned.from_json(runs["lr=0.1"].data.tags["lrscope.pruned"])
    assert told is not None
    assert told.epoch == steps["lr=0.1"] / 6
    assert "stopped" in typed.out
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


@pytest.mark.long
def test_a_search_on_an_engine_stops_members_in_every_worker(tmp_path: Path) -> None:
    words = (*SEARCH, "search.finalists=1", "sweep.engine=joblib", "sweep.workers=2", "sweep.together=always")
    typed = type_command(tmp_path, *words, "tracking.log_model=none", store=True)
    assert typed.code == 0, typed.err
    runs = members(typed)
    assert len(runs) == 12
    whole = [name for name, run in runs.items() if int(run.data.tags["lrscope.steps"]) == 72]
    assert 1 <= len(whole) < 8
    for name, run in runs.items():
        diverged = run.info.status == "FAILED"
        assert ("lrscope.pruned" in run.data.tags) == (name not in whole and not diverged), name
        assert len(typed.curve(run, "train/loss")) == int(run.data.tags["lrscope.steps"])


WITHIN = ("-m", "lr=interval(1e-4,100)", "search.trials=12", "dataset=blobs", "batch_size=20", "model.hidden=[6]",
          "optimizer=sgd", "epochs=1", "trainer=cpu", "callbacks.look_ahead=false")  # fmt: skip
"""One epoch of 60 updates."""


@pytest.mark.long
@pytest.mark.parametrize("together", ["auto", "never"])
def test_rungs_lie_within_an_epoch_where_it_is_evaluated_by_updates(tmp_path: Path, together: str) -> None:
    """12 evaluations are rungs as 12 epochs are: behind the first and the fourth, which are updates 5 and 20."""
    typed = type_command(tmp_path, *WITHIN, "evaluate_every_steps=5", f"sweep.together={together}", store=True)
    assert typed.code == 0, typed.err
    steps = {run.info.run_name: int(run.data.tags["lrscope.steps"]) for run in members(typed).values()}
    left = {
        name: json.loads(tag) for name, run in members(typed).items() if (tag := run.data.tags.get("lrscope.pruned"))
    }
    assert {found["update"] for found in left.values()} == {5, 20}
    assert all(steps[name] == found["update"] and found["epoch"] == 1 for name, found in left.items())
    assert all(f"the search stopped it at update {steps[name]}, " in found["reason"] for name, found in left.items())
    assert sum(length == 60 for length in steps.values()) >= 3
    assert "pruned at update 5" in typed.out
    assert "no trial is stopped" not in typed.out + typed.err


@pytest.mark.long
def test_a_search_that_can_stop_nobody_says_so(tmp_path: Path) -> None:
    typed = type_command(tmp_path, *WITHIN, store=True)
    assert typed.code == 0, typed.err
    assert not any("lrscope.pruned" in run.data.tags for run in members(typed).values())
    assert "no trial is stopped: all are evaluated at their end alone (evaluate_every_steps=N" in typed.out + typed.err
