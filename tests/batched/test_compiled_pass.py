"""A stack whose pass is compiled: the numbers of one that is not, where it pays, and again so when it is resumed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from test_group_record import assert_same_tree, config
from torch import Tensor, nn
from torch.nn import functional

from lrscope.batched.model import compiled_pass
from lrscope.batched.model.batched_trainer import BatchedTrainer, Member
from lrscope.batched.model.compiled_pass import Compiling, close
from lrscope.batched.model.stack_trial import CompiledStep, StackTrial
from lrscope.batched.run import autotune
from lrscope.batched.run.autotune import choose
from lrscope.batched.run.launch import train_together
from lrscope.core.job import Job, KnownMember
from lrscope.core.outcome import Outcome
from lrscope.core.stop_signals import STOP
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal
from lrscope.training.checkpoint_folder import LAST, read_checkpoint
from lrscope.training.checkpoint_state import COMPILED

UNIT = 1.2e-7
"""In the last place of a float32."""


def _learner(compiling: Compiling | None, network: type[nn.Module] = nn.Linear, device: str = "cpu") -> BatchedTrainer:
    members = []
    for seed, rate in enumerate([1e-3, 0.01, 0.1]):
        torch.manual_seed(seed)
        made = nn.Sequential(nn.Flatten(), network(12, 3))
        members.append(Member(made, torch.optim.Adam(made.parameters(), lr=rate), seed=seed))
    return BatchedTrainer(members, functional.cross_entropy, device, compiling=compiling)


def _train(learner: BatchedTrainer, steps: range) -> Tensor:
    """The losses of updates with 8 examples each, every fifth with 6."""
    losses = []
    for step in steps:
        generator, size = torch.Generator().manual_seed(step), 6 if step % 5 == 4 else 8
        inputs, targets = torch.randn(size, 12, generator=generator), torch.randint(3, (size,), generator=generator)
        device = learner.stack.weights.device
        learner.gather(inputs.to(device), targets.to(device), own=False)
        losses.append(learner.update())
    return torch.stack(losses)


def test_a_compiled_stack_has_the_numbers_of_a_plain_one_also_when_members_have_left(device: str) -> None:
    where = "cpu" if device == "cpu" else "cuda"
    if (reason := compiled_pass.why_not(torch.device(where))) is not None:
        pytest.skip(reason)
    how = Compiling(True, 8, least_updates=25, total_updates=50)
    plain, made = _learner(None, device=where), _learner(how, device=where)
    for rows, steps in (([0, 1, 2], range(20)), ([0, 2], range(20, 40)), ([1], range(40, 50))):
        if len(rows) < 3:
            plain.keep(rows)
            made.keep(rows)
        torch.testing.assert_close(_train(made, steps), _train(plain, steps), rtol=4 * 50 * UNIT, atol=4 * 50 * UNIT)
        torch.testing.assert_close(made.stack.weights, plain.stack.weights, rtol=4 * 50 * UNIT, atol=4 * 50 * UNIT)
        assert made.compiling is not None
        assert made.compiling.now is (len(rows) != 1), "with 10 updates to come it is not worth it any more"
    kinds = [kind[0] for kind, traced in made._passes._traced.items() if traced is not None]
    assert kinds == [3, 2], "one for each size of the stack, and none for the smaller batches"


def test_what_the_compiler_made_wrong_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(graph: torch.fx.GraphModule, tensors: list[Tensor]) -> object:
        return graph.forward, [2 * tensor for tensor in graph.forward(*tensors)]

    monkeypatch.setattr("lrscope.batched.model.passes.compiled", wrong)
    plain, made = _learner(None), _learner(Compiling(True, 8, 0, 50))
    with pytest.warns(UserWarning, match="3 members is not compiled .the compiler made something else"):
        losses = _train(made, range(10))
    torch.testing.assert_close(losses, _train(plain, range(10)), rtol=0, atol=0)
    assert made.compiling is not None
    assert not made.compiling.now


def test_a_compiler_that_fails_leaves_the_stack_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("lrscope.batched.model.passes.compiled", broken)
    made = _learner(Compiling(True, 8, 0, 50))
    with pytest.warns(UserWarning, match="not compiled .OSError: No space left on device"):
        losses = _train(made, range(5))
    torch.testing.assert_close(losses, _train(_learner(None), range(5)), rtol=0, atol=0)


def test_a_pass_that_draws_is_not_compiled() -> None:
    class Noisy(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            return functional.dropout(super().forward(inputs), 0.5, self.training)

    assert _learner(Compiling(True, 8, 0, 50), Noisy).compiling is None


def test_diverged_members_have_nan_both_ways() -> None:
    nan, one = torch.tensor([float("nan"), 1.0]), torch.ones(2)
    assert close([nan, one], [nan, one * (1 + 1e-5)])
    assert not close([nan, one], [one, one])
    assert not close([one, one], [one, one * 1.01])


class _Timed(StackTrial):
    """A trial whose steps take what they are told, and whose compiler, too."""

    def __init__(self, together: float, compiled: CompiledStep | str) -> None:
        self._times, self._compiled = together, compiled

    def seconds_alone(self) -> float:
        return 1.0

    def together(self, members: int) -> float:  # noqa: ARG002
        return self._times

    def threads(self, members: int) -> int:  # noqa: ARG002
        return 1

    def compiled(self, members: int) -> CompiledStep | str:
        assert members == 3
        return self._compiled


@pytest.mark.parametrize(
    ("steps", "compiled", "least", "words"),
    [
        (1_000_000, CompiledStep(0.5e-3, 1e-3, 60), 120_000, "; compiled in 60 s: 0.5 ms in place of 1 ms"),
        (1_000_000, CompiledStep(0.95e-3, 1e-3, 60), None, "0.95 ms in place of 1 ms, not worth it"),  # saves 50 s
        (1_000_000, CompiledStep(1.4e-3, 1e-3, 60), None, "1.4 ms in place of 1 ms, not worth it"),
        (1_000_000, "no C++ compiler is installed", None, "; not compiled: no C++ compiler is installed"),
        (500_000, CompiledStep(0.5e-3, 1e-3, 60), None, "together and 3 s one by one"),  # 500 s: not tried
    ],
)
def test_a_stack_is_compiled_where_it_pays(
    steps: int, compiled: CompiledStep | str, least: int | None, words: str
) -> None:
    choice = choose(_Timed(1e-3, compiled), 3, steps, "auto", compiling=True)
    assert choice.compile_from == least
    assert choice.words.endswith(words)
    assert choose(_Timed(1e-3, compiled), 3, steps, "auto").compile_from is None
    assert choose(_Timed(1e-3, compiled), 3, steps, "always", compiling=True).compile_from is None


@pytest.mark.skipif(compiled_pass.why_not(torch.device("cpu")) is not None, reason="no compiler")
def test_the_trial_compiles_the_real_network(monkeypatch: pytest.MonkeyPatch) -> None:
    from test_choice import _trial

    made = _trial(nn.Linear(12, 3), torch.randn(8, 12)).compiled(2)
    assert isinstance(made, CompiledStep)
    assert 0 < made.seconds < made.compiling_s
    assert 0 < made.plain_s < made.compiling_s
    monkeypatch.setattr("lrscope.batched.model.stack_trial.why_not", lambda _: "no C++ compiler is installed")
    assert _trial(nn.Linear(12, 3), torch.randn(8, 12)).compiled(2) == "no C++ compiler is installed"


def _interrupted(folder: Path, looks: int | None, monkeypatch: pytest.MonkeyPatch, before: list[Outcome]) -> list:
    left = [10**9 if looks is None else looks]

    def requested() -> int | None:
        left[0] -= 1
        return 15 if left[0] < 0 else None

    monkeypatch.setattr(STOP, "requested", requested)
    known = {o.fingerprint: KnownMember(o.local_id, "", False) for o in before}
    cfgs = [config(folder, "model.hidden=[4]", "trainer.limit_train_batches=10", lr=lr, epochs=4) for lr in (0.01, 0.1)]
    jobs = [Job(folder / str(k), (f"member={k}",), continues=known) for k in range(2)]
    found = train_together(list(zip(cfgs, jobs, strict=True)), "auto")
    return [found[number] for number in range(2)]


@pytest.mark.parametrize("missing", [None, "no C++ compiler is installed"])
@pytest.mark.filterwarnings("ignore:.*lrscope.resumed_otherwise:UserWarning")
def test_an_interrupted_compiled_stack_goes_on_as_it_was_or_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str | None
) -> None:
    """``compiled`` stands for a compiler whose operations round otherwise than torch's."""

    def rounded(graph: torch.fx.GraphModule, tensors: list[Tensor]) -> object:
        def run(*given: Tensor) -> list[Tensor]:
            return [tensor * (1 + 4e-7) for tensor in graph.forward(*given)]

        return run, run(*tensors)

    monkeypatch.setattr("lrscope.batched.model.passes.compiled", rounded)
    monkeypatch.setattr(autotune, "WORTH_TIMING_S", 0.0)
    monkeypatch.setattr(autotune, "WORTH_COMPILING_S", 0.0)
    monkeypatch.setattr(StackTrial, "seconds_alone", lambda _: 1.0)
    monkeypatch.setattr(StackTrial, "compiled", lambda *_: CompiledStep(0.0, 1.0, 1e-9))
    monkeypatch.setattr("lrscope.batched.run.launch.why_not", lambda _: None)
    whole = _interrupted(tmp_path / "whole", None, monkeypatch, [])
    stopped = _interrupted(tmp_path / "cut", 17, monkeypatch, [])
    assert {outcome.status for outcome in stopped} == {"KILLED"}
    monkeypatch.setattr("lrscope.batched.run.launch.why_not", lambda _: missing)
    resumed = _interrupted(tmp_path / "cut", None, monkeypatch, stopped)
    for mine, other, before in zip(resumed, whole, stopped, strict=True):
        one, two = (
            read_checkpoint(tmp_path / place / "spool" / o.local_id / "checkpoints" / LAST)
            for place, o in (("cut", mine), ("whole", other))
        )
        assert two[COMPILED] == 1
        assert one.get(COMPILED) == (None if missing else 1)
        tags: dict[str, str] = {}
        for event in Journal(tmp_path / "cut" / "spool" / mine.local_id).events():
            tags |= event.tags if isinstance(event, ev.Tags) else {}
        if missing is None:
            assert_same_tree(one["state_dict"], two["state_dict"], 0)
            assert "lrscope.resumed_otherwise" not in tags
        else:
            assert_same_tree(one["state_dict"], two["state_dict"], 1e-3)
            assert tags["lrscope.resumed_otherwise"] == (
                f"in a compiled batched model of 2 for {before.steps} updates, then in a batched model of 2"
            )
