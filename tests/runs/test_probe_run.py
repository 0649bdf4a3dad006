"""Copies of a finished run are trained on as the run itself would have been, and nothing of the run changes."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lrscope.core.errors import Interrupted
from lrscope.core.job import Job, KnownMember
from lrscope.core.outcome import Outcome
from lrscope.core.trace import Series, Trace
from lrscope.diagnosis.signals.eval_steps import late_steps
from lrscope.diagnosis.signals.probed import AGAIN, LOWER, SAME
from lrscope.probe.budget import MOST_OPERATIONS, NOWHERE, Effort, ProbeBudget, effort
from lrscope.probe.continue_training import RunState, in_updates, run_probe
from lrscope.probe.probes import Probe, probes
from lrscope.runs.lifecycle import TRACE
from lrscope.runs.run import run
from lrscope.training.callbacks.evaluate_late import LOSS_LATE
from lrscope.training.checkpoint_folder import read_checkpoint
from runs.single_runs import compose_config, recorded_points

CHEAP = Effort(0.0, 0.0)
BASE = ("dataset=blobs", "model.hidden=[6]", "trainer.precision=64-true", "tracking.mode=offline", "lr=0.02")
TEN = ("batch_size=100", "trainer.limit_train_batches=2", "epochs=10")
"""20 updates; 10% of them are two, and the level of two losses is the last one."""

SETTINGS = {
    "adam": ("optimizer=adam", *TEN),
    "momentum": ("optimizer=sgd", "optimizer.momentum=0.9", *TEN),
    "dropout": ("model.dropout=0.3", *TEN),
    "statistics": ("model.batch_norm=true", *TEN),
    "clipped": ("optimizer=sgd", "trainer.gradient_clip_val=0.05", *TEN),
    "clipped by value": (
        "trainer.gradient_clip_val=0.01", "trainer.gradient_clip_algorithm=value", "optimizer=sgd", *TEN,
    ),
    "gathered": ("batch_size=60", "trainer.limit_train_batches=5", "trainer.accumulate_grad_batches=3", "epochs=10"),
    "whole": ("batch_size=null", "epochs=20"),
}  # fmt: skip


def trained(folder: Path, *overrides: str) -> tuple[Outcome, Trace]:
    cfg = compose_config(*BASE, *overrides, f"tracking.spool={folder / 'spool'}")
    outcome = run(cfg, Job(folder / "job", ()))
    return outcome, Trace.load(folder / "job" / TRACE)


def last(trace: Trace, name: str) -> float:
    return float(trace.get(name).values[-1])


@pytest.mark.parametrize("setting", SETTINGS)
def test_as_many_steps_again_come_to_what_a_run_of_twice_the_length_comes_to(setting: str, tmp_path: Path) -> None:
    words = SETTINGS[setting]
    twice = ("epochs=40",) if setting == "whole" else ("epochs=20",)
    _, short = trained(tmp_path / "short", *words)
    _, long = trained(tmp_path / "long", *words[:-1], *twice)
    assert short.get(AGAIN).steps.tolist() == [19]
    assert last(long, "train/loss_eval") != last(short, "train/loss_eval")
    assert last(short, AGAIN) == pytest.approx(last(long, "train/loss_eval"), rel=1e-12)


def test_ten_percent_more_come_to_what_longer_runs_come_to(tmp_path: Path) -> None:
    whole = ("batch_size=null", "optimizer=adam")
    _, short = trained(tmp_path / "short", *whole, "epochs=20")
    _, same = trained(tmp_path / "same", *whole, "epochs=22")
    cut = ("scheduler=step", "scheduler.step_size=20", "scheduler.gamma=0.1")
    _, lower = trained(tmp_path / "lower", *whole, *cut, "epochs=22")
    assert last(short, SAME) == pytest.approx(last(same, "train/loss_eval"), rel=1e-12)
    assert last(short, LOWER) == pytest.approx(last(lower, "train/loss_eval"), rel=1e-12)
    assert last(short, SAME) != last(short, LOWER)


def test_again_goes_through_the_rates_of_the_run_once_more(tmp_path: Path) -> None:
    halved = ("scheduler=step", "scheduler.step_size=5", "batch_size=null", "epochs=10")
    _, trace = trained(tmp_path, *halved)
    again, same, lower = probes(trace, ProbeBudget.of(10, 1, CHEAP))
    assert again.rates == (0.02,) * 5 + (0.01,) * 5
    assert (same.rates, lower.rates) == ((0.01,), (0.001,))


def test_a_loss_that_is_not_finite_is_not_trained_on() -> None:
    at = np.arange(20)
    curves = {"train/loss": Series(at, np.append(np.ones(19), np.nan)), "lr": Series(at[:1], np.ones(1))}
    assert probes(Trace(curves), ProbeBudget.of(20, 10, CHEAP)) == ()
    curves["train/loss"] = Series(at, np.linspace(2, 1, 20))
    assert [probe.name for probe in probes(Trace(curves), ProbeBudget.of(20, 10, CHEAP))] == [AGAIN, SAME, LOWER]


def test_nothing_else_of_the_run_changes(tmp_path: Path) -> None:
    words = ("model.dropout=0.3", *TEN)
    looked, with_it = trained(tmp_path / "with", *words)
    plain, without = trained(tmp_path / "without", *words, "callbacks.look_ahead=false")
    assert with_it.series.keys() - without.series.keys() == {AGAIN, SAME, LOWER, LOSS_LATE}
    for name, series in without.series.items():
        assert series.values.tolist() == with_it.get(name).values.tolist(), name
    files = (tmp_path / way / "spool" / out.local_id / "checkpoints" / "last.ckpt"
             for way, out in (("with", looked), ("without", plain)))  # fmt: skip
    one, other = (read_checkpoint(path) for path in files)
    assert all(torch.equal(value, other["state_dict"][name]) for name, value in one["state_dict"].items())
    assert torch.equal(one["lrscope_random"]["torch"], other["lrscope_random"]["torch"])
    assert looked.fingerprint == plain.fingerprint


MOMENTUM = ("optimizer=sgd", "optimizer.momentum=0.9", "scheduler=one_cycle", "scheduler.cycle_momentum=true")
FOLLOWED = "callbacks.extra=[{_target_: pytorch_lightning.callbacks.Callback}]"


@pytest.mark.parametrize(
    "words",
    [("trainer.precision=bf16-mixed",), MOMENTUM, (FOLLOWED,), ("callbacks.stop_when=[]", "optimizer=sgd", "lr=1e9")],
    ids=["mixed", "cycled momentum", "a callback of the user's", "diverged"],
)
def test_where_a_copy_would_not_do_what_the_run_did_there_is_none(words: tuple[str, ...], tmp_path: Path) -> None:
    _, trace = trained(tmp_path, *TEN, *words)
    assert len(trace.get("train/loss")) == 20
    assert not {AGAIN, SAME, LOWER} & trace.series.keys()


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")  # of MLflow, about its own model
@pytest.mark.parametrize("setting", ["dropout", "statistics"])
def test_packing_the_model_changes_nothing_of_its_copies(setting: str, tmp_path: Path) -> None:
    _, plain = trained(tmp_path / "plain", *SETTINGS[setting])
    _, packed = trained(tmp_path / "packed", *SETTINGS[setting], "tracking.log_model=best")
    assert [last(plain, name) for name in (AGAIN, SAME, LOWER)] == [last(packed, name) for name in (AGAIN, SAME, LOWER)]


def test_a_run_that_was_killed_as_it_looked_ahead_finds_the_same_when_it_is_resumed(tmp_path: Path) -> None:
    """Everything is trained and the last checkpoint written: only what the copies came to is missing."""
    words = (*SETTINGS["dropout"], f"tracking.spool={tmp_path / 'spool'}")
    whole, trace = trained(tmp_path, *words)
    known = KnownMember(whole.local_id, "", done=False)
    job = Job(tmp_path / "again", (), continues={whole.fingerprint: known})
    torch.manual_seed(123)
    resumed = run(compose_config(*BASE, *words), job)
    again = Trace.load(tmp_path / "again" / TRACE)
    assert resumed.local_id == whole.local_id
    assert [last(again, name) for name in (AGAIN, SAME, LOWER)] == [last(trace, name) for name in (AGAIN, SAME, LOWER)]
    points = recorded_points(tmp_path / "spool", whole.local_id)
    assert [len(points[name]) for name in (AGAIN, SAME, LOWER)] == [1, 1, 1]


def test_how_far_a_run_may_look_ahead_follows_from_its_updates_and_their_cost() -> None:
    assert ProbeBudget.of(200, 45, CHEAP).again  # 200 + 2 · 20 = 240
    assert not ProbeBudget.of(201, 45, CHEAP).again  # 201 + 2 · 21 = 243
    assert ProbeBudget.of(3000, 45, CHEAP).tenth and not ProbeBudget.of(3001, 45, CHEAP).tenth
    assert ProbeBudget.of(100, 10, Effort(MOST_OPERATIONS / 121, 0.0)).again  # 100 + 2 · 10 updates
    assert not ProbeBudget.of(100, 10, Effort(MOST_OPERATIONS / 119, 0.0)).again
    assert ProbeBudget.of(100, 10, Effort(MOST_OPERATIONS / 119, 0.0)).tenth
    assert ProbeBudget.of(100, 10, Effort(0.0, MOST_OPERATIONS)) == NOWHERE


def test_late_evaluations_lie_where_the_definition_looks() -> None:
    assert late_steps(20) == [14, 15, 16, 17, 18, 19]
    late = late_steps(1000)
    assert len(late) == 32 and late[-1] == 999
    assert sum(step >= 900 for step in late) == 16 and min(late) == 700
    assert ProbeBudget.of(20, 5, CHEAP).late == {15, 16, 17, 18}  # the ends of epochs are evaluated anyhow
    assert ProbeBudget.of(20, 15, CHEAP).late == {15, 16, 17, 18}  # step 14 is evaluated, and the last always
    assert ProbeBudget.of(20, 10, CHEAP).late == {14, 15, 16, 17, 18}
    assert not ProbeBudget.of(2250, 45, CHEAP).late  # fifty epochs are enough
    assert ProbeBudget.of(2250, 225, CHEAP).late


def test_the_effort_is_that_of_the_matrix_products() -> None:
    from lrscope.datasets.data import Part

    part = Part(torch.zeros(10, 4), torch.zeros(10, 1))
    cost = effort(nn.Linear(4, 3), part, batch_size=5, batches=2)
    assert cost.evaluation == 10 * 2 * 4 * 3
    assert cost.update == 3 * 2 * 4 * 3 * 5 * 2


def test_a_count_of_operations_that_cannot_be_right_is_not_believed() -> None:
    """Torch counts nothing of the products of an LSTM on the processor."""
    from lrscope.datasets.data import Part

    assert effort(nn.LSTM(4, 32), Part(torch.zeros(10, 4), torch.zeros(10, 1)), 5).evaluation == math.inf
    words = nn.Sequential(nn.Embedding(1000, 4), nn.Flatten(), nn.Linear(12, 2))
    assert effort(words, Part(torch.zeros(10, 3, dtype=torch.int64), torch.zeros(10, 1)), 5).evaluation == 10 * 48


def test_the_end_at_a_tenth_of_the_rate_is_the_mean_of_the_last_third() -> None:
    assert Probe(LOWER, (0.1,) * 6, (0, 1, 2, 3, 4, 5)).level([9, 8, 7, 6, 4, 2]) == 3
    assert Probe(SAME, (0.1,) * 3, (0, 1, 2)).level([1.0, 5.0, 1.0]) == 1.0  # a bounce: its median


def test_batches_are_gathered_into_updates_and_an_epoch_ends_one() -> None:
    made = in_updates(lambda epoch: [(torch.tensor(epoch), torch.tensor(k)) for k in range(3)], 7, 2)
    first = [[(int(epoch), int(number)) for epoch, number in next(made)] for _ in range(3)]
    assert first == [[(7, 0), (7, 1)], [(7, 2)], [(8, 0), (8, 1)]]


def run_state() -> RunState:
    network = nn.Linear(2, 1)
    batch = (torch.ones(4, 2), torch.zeros(4, 1))
    return RunState(
        network, torch.optim.SGD(network.parameters(), 0.1), lambda net: torch.optim.SGD(net.parameters(), 0.1),
        nn.functional.mse_loss, lambda _order: iter([[batch]] * 50), lambda _: 0.0, torch.device("cpu"),
    )  # fmt: skip


def test_a_signal_ends_the_look_ahead_and_leaves_nothing_half_known() -> None:
    ways = [Probe(SAME, (0.1,) * 4, (3,)), Probe(LOWER, (0.01,) * 4, (3,))]
    updates = iter(range(6))

    def stop() -> None:
        if next(updates, None) is None:
            raise Interrupted(2)

    with pytest.raises(Interrupted):
        run_probe(run_state(), ways, stop)
    assert run_probe(run_state(), ways, lambda: None).keys() == {SAME, LOWER}


class Single(nn.Linear):
    """A user's network that can be copied once: by whatever counts its operations."""

    copies, most = 0, 10**9

    def __init__(self, **_: Any) -> None:
        super().__init__(2, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs.flatten(1)[:, :2])

    def __deepcopy__(self, memo: Any) -> Single:
        Single.copies += 1
        if Single.copies > self.most:
            raise RuntimeError("no more copies")
        made = Single().to(self.weight.dtype)
        made.load_state_dict(copy.deepcopy(self.state_dict(), memo))
        return made


def test_a_network_that_cannot_be_copied_leaves_the_verdict_to_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (f"model._target_={__name__}.Single", *TEN)
    trained(tmp_path / "counted", *words, "callbacks.look_ahead=false")
    needed = Single.copies
    monkeypatch.setattr(Single, "copies", 0)
    monkeypatch.setattr(Single, "most", needed + 1)
    with pytest.warns(UserWarning, match="could not train a copy on.*no more copies"):
        outcome, trace = trained(tmp_path / "run", *words)
    assert outcome.status == "FINISHED" and outcome.verdict
    assert AGAIN not in trace.series
