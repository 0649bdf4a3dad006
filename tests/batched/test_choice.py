"""What can be stacked, what pays, and what is said about it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from test_group_record import config
from torch import Tensor, nn

from lrscope.batched.model.batched_trainer import Member
from lrscope.batched.model.stack_trial import LEAST_ROUNDS, LEAST_SECONDS, StackTrial
from lrscope.batched.run import launch, tried_stack
from lrscope.batched.run.autotune import choose
from lrscope.batched.run.batched_module import BatchedModule
from lrscope.batched.run.launch import train_together
from lrscope.batched.run.stack_key import Candidate, stack_key, stacks, why_not_batched
from lrscope.core.job import Job
from lrscope.datasets.data import Part
from lrscope.runs.prepare import PreparedRun, prepare
from lrscope.training import threads
from lrscope.training.supported import loss_of


def _run(folder: Path, *overrides: str, **top: Any) -> PreparedRun:
    return prepare(config(folder, *overrides, **top), Job(folder, ()))


@pytest.mark.parametrize(
    "other",
    [
        {"lr": 0.5},
        {"seed": 3},
        ("scheduler=cosine",),
        ("scheduler=plateau", "scheduler.patience=2"),
        ("optimizer.betas=[0.5,0.9]", "optimizer.eps=1e-3", "optimizer.weight_decay=0.1"),
        ("trainer.gradient_clip_val=0.5",),
        ("callbacks.stop_when=[]",),
        ("callbacks.early_stopping.enabled=true",),
    ],
)
def test_runs_that_differ_in_numbers_only_are_kin(other: Any, tmp_path: Path) -> None:
    top, overrides = (other, ()) if isinstance(other, dict) else ({}, other)
    assert stack_key(_run(tmp_path)) == stack_key(_run(tmp_path, *overrides, **top))


@pytest.mark.parametrize(
    "overrides",
    [
        ("model.hidden=[5]",),
        ("model.dropout=0.1",),
        ("optimizer=sgd",),
        ("optimizer.amsgrad=true",),
        ("dataset.seed=1",),
        ("batch_size=16",),
        ("epochs=4",),
        ("trainer.precision=64-true",),
        ("callbacks.every=1",),
        ("tracking.every_n_steps=1",),
    ],
)
def test_runs_that_differ_in_more_are_not(overrides: tuple[str, ...], tmp_path: Path) -> None:
    assert stack_key(_run(tmp_path)) != stack_key(_run(tmp_path, *overrides))


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (("optimizer._target_=torch.optim.NAdam",), "no batched update rule for NAdam"),
        (("trainer.devices=2",), "several devices"),
        (("callbacks.sharpness_every_epochs=1",), "sharpness"),
        (("callbacks.parameters=true",), "single parameters"),
        (("callbacks.extra=[{_target_: pytorch_lightning.Callback}]",), "user's own"),
        (("callbacks.evaluate_every_epochs=2", "scheduler=plateau"), "not evaluated every epoch"),
    ],
)
def test_what_trains_alone_says_why(overrides: tuple[str, ...], words: str, tmp_path: Path) -> None:
    reason = why_not_batched(_run(tmp_path, *overrides))
    assert reason is not None
    assert words in reason


def test_what_ships_has_no_obstacle(tmp_path: Path) -> None:
    for optimizer in ("sgd", "adam", "adamw", "rmsprop", "adagrad"):
        assert why_not_batched(_run(tmp_path, f"optimizer={optimizer}", "trainer=auto")) is None


def test_a_stack_needs_two(tmp_path: Path) -> None:
    runs = [_run(tmp_path, lr=lr) for lr in (0.1, 0.2)] + [_run(tmp_path, "optimizer=sgd")]
    found = stacks([Candidate(number, run) for number, run in enumerate(runs)])
    assert [[candidate.number for candidate in stack] for stack in found] == [[0, 1]]


class _Counts(nn.Module):
    """Asks for a number, which a batch of members does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        out = self.linear(inputs)
        return out * 2 if out.sum().item() > 0 else out


class _Remembers(nn.Module):
    """Computes something else at every call: batched and alone cannot agree."""

    calls = 0

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        _Remembers.calls += 1
        return self.linear(inputs) * _Remembers.calls


class _AcrossTheBatch(nn.Module):
    """Looks across the examples: vmap must not mix in those of other members."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        out = self.linear(inputs)
        return out - out.mean(0)


def _trial(network: nn.Module, inputs: Tensor) -> StackTrial:
    part = Part(inputs, torch.arange(len(inputs)) % 3)
    member = Member(network, torch.optim.Adam(network.parameters(), lr=0.1))
    return StackTrial(member, part, len(inputs), loss_of("classification"), "32-true")


def test_a_network_that_vmap_refuses_trains_alone() -> None:
    refusal = _trial(_Counts(), torch.randn(8, 4)).refusal()
    assert refusal is not None
    assert "item" in refusal


def test_a_network_whose_batched_gradients_differ_trains_alone() -> None:
    assert _trial(_AcrossTheBatch(), torch.randn(8, 4)).refusal() is None
    refusal = _trial(_Remembers(), torch.randn(8, 4)).refusal()
    assert refusal == "under vmap the network computes something else than alone"


def test_a_trial_leaves_the_member_and_the_generator_alone() -> None:
    network = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
    before, generator = {k: v.clone() for k, v in network.state_dict().items()}, torch.get_rng_state()
    trial = _trial(network, torch.randn(8, 4, generator=torch.Generator().manual_seed(0)))
    assert trial.refusal() is None
    assert trial.seconds_alone() > 0
    assert trial.together(3) > 0
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)


@pytest.mark.parametrize(("members", "expected"), [(100, 1), (200, 2)])
def test_the_threads_of_a_stack_follow_the_size_of_its_update(
    monkeypatch: pytest.MonkeyPatch, members: int, expected: int
) -> None:
    """64 x 64 products and sums forward, and twice as many back, for 32 examples: 786,432 of a member."""
    trial = _trial(nn.Linear(64, 64), torch.randn(32, 64))
    monkeypatch.setattr(threads, "most", lambda: 2)
    assert trial.threads(members) == expected


class _Timed(StackTrial):
    """A trial whose clock is set by the test."""

    def __init__(self, alone: float, together: float) -> None:
        self._alone, self._together = alone, together

    def seconds_alone(self) -> float:
        return self._alone

    def together(self, members: int) -> float:  # noqa: ARG002
        return self._together

    def threads(self, members: int) -> int:  # noqa: ARG002
        return 1


@pytest.mark.parametrize(
    ("alone", "together", "mode", "expected"),
    [
        (1e-3, 2e-3, "auto", True),
        (1e-3, 2e-2, "auto", False),
        (1e-3, 2e-2, "always", True),
        (1e-5, 1.0, "auto", False),  # 1.6 s in all
        (1e-6, 1.0, "auto", True),  # 0.16 s in all: not worth asking
    ],
)
def test_auto_takes_what_is_faster(alone: float, together: float, mode: str, expected: bool) -> None:
    choice = choose(_Timed(alone, together), members=16, steps=10_000, mode=mode)
    assert choice.together is expected
    if mode == "auto" and alone > 1e-4:
        assert "16 ms one by one" in choice.words
        assert f"{1000 * together:.3g} ms together" in choice.words


class _Outgrown(_Timed):
    """A stack whose step grows with the square of its members."""

    def together(self, members: int) -> float:
        return self._together * members**2


@pytest.mark.parametrize(
    ("trial", "members", "together", "most", "milliseconds"),
    [
        (_Outgrown(1e-3, 4e-6), 64, True, None, 16.384),
        (_Outgrown(1e-3, 4e-6), 256, True, 64, 4 * 16.384),
        (_Outgrown(1e-3, 4e-5), 256, False, 64, 4 * 163.84),  # slower than 256 ms however it is cut
        (_Timed(1e-3, 1e-2), 256, True, None, 10),  # the whole costs no more than a piece
        (_Outgrown(1.0, 1e-3), 100, True, 64, 2 * 2500),  # two of 50; the whole, of 10 s a step, is not timed
    ],
)
def test_auto_cuts_a_stack_that_has_outgrown_the_caches(
    trial: StackTrial, members: int, together: bool, most: int | None, milliseconds: float
) -> None:
    choice = choose(trial, members, steps=10_000, mode="auto")
    assert (choice.together, choice.most) == (together, most)
    assert choice.together_ms == pytest.approx(milliseconds)
    assert ("stacks" in choice.words) is (together and most is not None)


@pytest.mark.parametrize(("members", "fit", "most"), [(64, 64, None), (64, 20, 20), (256, 200, 64), (256, 40, 40)])
def test_auto_times_no_stack_that_the_memory_does_not_hold(members: int, fit: int, most: int | None) -> None:
    class Limited(_Timed):
        def together(self, members: int) -> float:
            assert members <= fit
            return super().together(members)

    assert choose(Limited(1e-3, 1e-3), members, steps=10_000, mode="auto", fit=fit).most == most


def test_a_step_that_runs_out_of_memory_is_one_that_does_not_fit() -> None:
    """A process with 256 MiB more than it has: a stack of 2 fits, one of 200 (4 MiB of weights each) does not."""
    program = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import torch
from torch import nn
from test_choice import _trial
torch.set_num_threads(1)
trial = _trial(nn.Linear(1024, 1024), torch.randn(8, 1024))
assert trial.holds(2)
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 2**28, now + 2**28))
print(trial.holds(200), trial.holds(2))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_a_stack_that_does_not_fit_is_split_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes: list[int] = []
    real = launch.train_batched

    def counted(members: Sequence[Any], *more: Any) -> Any:
        sizes.append(len(members))
        return real(members, *more)

    monkeypatch.setattr(launch, "train_batched", counted)
    monkeypatch.setattr(tried_stack, "most_members", lambda *_: 3)
    jobs = [(config(tmp_path, lr=10.0**-k, epochs=1), Job(tmp_path / str(k), (f"k={k}",))) for k in range(5)]
    outcomes = train_together(jobs, "always")
    assert sorted(outcomes) == [0, 1, 2, 3, 4]
    assert sizes == [2, 3]
    assert "5 members are split into 2 stacks: 3 fit into the memory" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), 1),
        (("model.hidden=[1024]",), 2),
        (("model.hidden=[1024]", "trainer.threads=1"), 1),
        (("trainer.threads=2",), 2),
    ],
)
def test_a_stack_trains_with_the_threads_that_fit_it(
    words: tuple[str, ...], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """74 x 1,024 products and sums, three times, for 64 examples of 4 members: 116 million are for two threads; a
    member alone would have one.
    """
    used: set[int] = set()
    update = BatchedModule._update

    def noted(module: BatchedModule) -> None:
        used.add(torch.get_num_threads())
        update(module)

    monkeypatch.setattr(threads, "most", lambda: 2)
    monkeypatch.setattr(BatchedModule, "_update", noted)
    before = torch.get_num_threads()
    few = ("trainer.limit_train_batches=3", "epochs=1", "batch_size=64")
    jobs = [(config(tmp_path, *few, *words, lr=10.0**-k), Job(tmp_path / str(k), (f"k={k}",))) for k in range(4)]
    try:
        with threads.at(1):
            outcomes = train_together(jobs, "always")
    finally:
        torch.set_num_threads(before)
    assert sorted(outcomes) == [0, 1, 2, 3]
    assert used == {expected}


def test_a_slow_first_step_leaves_time_for_the_others() -> None:
    """The first writes the pass down; were its time counted, three more steps would decide, on a busy machine too."""
    calls: list[int] = []

    def step() -> None:
        calls.append(1)
        if len(calls) == 1:
            time.sleep(2 * LEAST_SECONDS)

    trial = _trial(nn.Linear(2, 1), torch.randn(4, 2))
    assert trial._fastest(step) < LEAST_SECONDS
    assert len(calls) > 10 * LEAST_ROUNDS
