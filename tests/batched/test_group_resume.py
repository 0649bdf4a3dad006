"""What was interrupted goes on to the bits of what never was, where it goes on in the same way: a stack as the same
stack, a run alone alone. Elsewhere it goes on to the same numbers within roundings, and says so.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from omegaconf import DictConfig
from test_group_record import DOUBLE, assert_same_tree, config

from lrscope.batched.run.launch import train_together
from lrscope.config.overrides import run_config
from lrscope.core.job import Job, KnownMember
from lrscope.core.outcome import Outcome
from lrscope.core.stop_signals import STOP
from lrscope.core.trace import Trace
from lrscope.runs.lifecycle import TRACE
from lrscope.runs.run import run
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal
from lrscope.training.checkpoint_folder import LAST, PREVIOUS, read_checkpoint

SIGTERM = 15


def _configs(folder: Path) -> list[DictConfig]:
    return [
        config(folder, DOUBLE, "model.dropout=0.2", f"scheduler={name}", "callbacks.early_stopping.enabled=true",
               "trainer.limit_train_batches=10", lr=lr, seed=seed, epochs=4)
        for name, lr, seed in (("cosine", 1e-3, 0), ("cosine", 1e-2, 0), ("plateau", 1e-2, 1))
    ]  # fmt: skip


def _modules(folder: Path) -> list[DictConfig]:
    """The same of LightningModules, one of which looks at what it logs."""
    early = "callbacks.early_stopping.enabled=true", "callbacks.early_stopping.monitor=my/loss_epoch"
    found = []
    for name, lr, seed in (("cosine", 1e-3, 0), ("cosine", 1e-2, 0), ("plateau", 1e-2, 1)):
        words = ("model._target_=lit_modules.Lit", DOUBLE, "model.dropout=0.2", f"scheduler={name}", *early)
        cfg = config(folder, *words, "trainer.limit_train_batches=10", lr=lr, seed=seed, epochs=4)
        found.append(run_config(cfg, words))
    return found


class Signal:
    """A flag that shows a signal after so many looks at it: one an epoch, one a step but for an epoch's last."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._left: int | None = None
        monkeypatch.setattr(STOP, "requested", self._requested)

    def comes_after(self, checks: int | None) -> None:
        self._left = checks

    def _requested(self) -> int | None:
        if self._left is None:
            return None
        self._left -= 1
        return SIGTERM if self._left < 0 else None


Configs = Callable[[Path], list[DictConfig]]

Train = Callable[[Sequence[DictConfig], Sequence[Job], Signal, int | None], list[Outcome]]


def _together(cfgs: Sequence[DictConfig], jobs: Sequence[Job], signal: Signal, checks: int | None) -> list[Outcome]:
    signal.comes_after(None if checks is None else checks + 3)  # the launcher looks before and behind
    found = train_together(list(zip(cfgs, jobs, strict=True)), "always")
    return [found[number] for number in range(len(cfgs))]


def _alone(cfgs: Sequence[DictConfig], jobs: Sequence[Job], signal: Signal, checks: int | None) -> list[Outcome]:
    outcomes = []
    for cfg, job in zip(cfgs, jobs, strict=True):
        signal.comes_after(checks)
        outcomes.append(run(cfg, job))
    return outcomes


def _jobs(folder: Path, outcomes: Sequence[Outcome] = ()) -> list[Job]:
    """Jobs that go on with these outcomes; fresh ones where there are none."""
    known = {o.fingerprint: KnownMember(o.local_id, "", False) for o in outcomes}
    return [Job(folder / str(k), (f"member={k}",), continues=known) for k in range(3)]


WAYS = pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (_together, _together, None),
        (_alone, _alone, None),
        (_together, _alone, "in a batched model of 3 for {} updates, then by itself"),
        (_alone, _together, "by itself for {} updates, then in a batched model of 3"),
    ],
    ids=["a stack as a stack", "alone as alone", "a stack alone", "single runs as a stack"],
)


@WAYS
@pytest.mark.parametrize("configs", [_configs, _modules], ids=["networks", "LightningModules"])
@pytest.mark.parametrize("looks", [14, 20], ids=["within an epoch", "between epochs"])
@pytest.mark.filterwarnings("ignore:.*lrscope.resumed_otherwise:UserWarning")
def test_an_interrupted_member_ends_as_one_that_was_not(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    looks: int,
    configs: Configs,
    first: Train,
    second: Train,
    words: str | None,
) -> None:
    """With the same bits where it goes on as it began, and its record says where it does not."""
    whole_folder, folder, signal = tmp_path / "whole", tmp_path / "interrupted", Signal(monkeypatch)
    whole = first(configs(whole_folder), _jobs(whole_folder), signal, None)
    stopped = first(configs(folder), _jobs(folder), signal, looks)
    assert {outcome.status for outcome in stopped} == {"KILLED"}
    assert {outcome.steps for outcome in stopped} <= set(range(12, 24))
    resumed = second(configs(folder), _jobs(folder, stopped), signal, None)
    near = 0 if first is second else 1e-9
    for number, (mine, uninterrupted) in enumerate(zip(resumed, whole, strict=True)):
        assert (mine.status, mine.steps) == ("FINISHED", 40)
        one, other = (
            read_checkpoint(place / "spool" / o.local_id / "checkpoints" / "last.ckpt")
            for place, o in ((folder, mine), (whole_folder, uninterrupted))
        )
        assert_same_tree(one["state_dict"], other["state_dict"], near)
        assert_same_tree(one["optimizer_states"], other["optimizer_states"], near)
        traces = [Trace.load(place / str(number) / TRACE).series for place in (folder, whole_folder)]
        assert_same_tree(
            *({key: [s.steps.tolist(), s.values.tolist()] for key, s in trace.items()} for trace in traces), 1e-6
        )
        said = _tags(folder, mine)
        assert said.get("lrscope.resumed_otherwise") == (words and words.format(stopped[number].steps))
        assert said["lrscope.together"] == ("true" if second is _together else "false")


def test_whoever_resumes_otherwise_is_told_and_a_smaller_stack_is_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = Signal(monkeypatch)
    stopped = _together(_configs(tmp_path), _jobs(tmp_path), signal, 14)
    signal.comes_after(None)
    two = list(zip(_configs(tmp_path)[:2], _jobs(tmp_path, stopped)[:2], strict=True))
    with pytest.warns(UserWarning, match="to within roundings, not to the last bit") as told:
        resumed = train_together(two, "always")
    assert [_tags(tmp_path, resumed[k])["lrscope.resumed_otherwise"] for k in range(2)] == [
        f"in a batched model of 3 for {stopped[k].steps} updates, then in a batched model of 2" for k in range(2)
    ]
    assert sum("in a batched model of 3" in str(warning.message) for warning in told) == 2


@pytest.mark.parametrize("train", [_together, _alone], ids=["together", "alone"])
@pytest.mark.parametrize("lines", [1, 2, 4])
def test_a_record_that_ends_behind_its_first_lines_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: Train, lines: int
) -> None:
    """A kill can come between any two lines; nothing of the beginning may then be missing for ever."""
    whole_folder, folder, signal = tmp_path / "whole", tmp_path / "killed", Signal(monkeypatch)
    whole = train(_configs(whole_folder), _jobs(whole_folder), signal, None)
    stopped = train(_configs(folder), _jobs(folder), signal, 1)
    for outcome in stopped:
        journal = Journal(folder / "spool" / outcome.local_id)
        kept = journal.events_file.read_bytes().splitlines(keepends=True)[:lines]
        journal.events_file.write_bytes(b"".join(kept) + b'{"event":"te')
        shutil.rmtree(journal.folder / "checkpoints", ignore_errors=True)
    resumed = train(_configs(folder), _jobs(folder, stopped), signal, None)
    for mine, uninterrupted in zip(resumed, whole, strict=True):
        assert _recorded(folder, mine) == _recorded(whole_folder, uninterrupted)


@pytest.mark.parametrize("stops", [[14], [14, 9]], ids=["the first checkpoint", "a later one"])
def test_a_kill_between_the_checkpoints_of_two_members_leaves_one_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: list[int]
) -> None:
    whole_folder, folder, signal = tmp_path / "whole", tmp_path / "killed", Signal(monkeypatch)
    whole = _together(_configs(whole_folder), _jobs(whole_folder), signal, None)
    stopped: list[Outcome] = []
    for stop in stops:
        stopped = _together(_configs(folder), _jobs(folder, stopped), signal, stop)
        assert {outcome.status for outcome in stopped} == {"KILLED"}
    for outcome in stopped[1:]:
        checkpoints = folder / "spool" / outcome.local_id / "checkpoints"
        (checkpoints / LAST).unlink()
        if (checkpoints / PREVIOUS).exists():
            (checkpoints / PREVIOUS).rename(checkpoints / LAST)
    resumed = _together(_configs(folder), _jobs(folder, stopped), signal, None)
    for mine, uninterrupted in zip(resumed, whole, strict=True):
        one, other = (
            read_checkpoint(place / "spool" / o.local_id / "checkpoints" / LAST)["state_dict"]
            for place, o in ((folder, mine), (whole_folder, uninterrupted))
        )
        assert_same_tree(one, other, 0)
        assert "lrscope.resumed_otherwise" not in _tags(folder, mine)
        assert _recorded(folder, mine) == _recorded(whole_folder, uninterrupted)


def test_what_cannot_be_one_model_is_left_to_the_launcher_without_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("weights")

    monkeypatch.setattr("lrscope.batched.run.train_batched.placed", broken)
    jobs = list(zip(_configs(tmp_path), _jobs(tmp_path), strict=True))
    assert train_together(jobs, "always") == {}
    assert "3 members train one by one: they do not fit together (KeyError: 'weights')" in capsys.readouterr().out
    assert not list((tmp_path / "spool").glob("*/events.jsonl"))


def _recorded(folder: Path, outcome: Outcome) -> Counter[str]:
    """How often each point, file, dataset and tag is recorded of a run."""
    found: Counter[str] = Counter()
    for event in Journal(folder / "spool" / outcome.local_id).events():
        match event:
            case ev.Points():
                found.update(f"{point.key} at {point.step}" for point in event.points)
            case ev.Text():
                found[event.file] += 1
            case ev.Dataset():
                found[event.dataset.name] += 1
    return found


def _tags(folder: Path, outcome: Outcome) -> dict[str, str]:
    """The tags that a run's record ends with."""
    found: dict[str, str] = {}
    for event in Journal(folder / "spool" / outcome.local_id).events():
        match event:
            case ev.Started():
                found |= event.start.tags
            case ev.Tags():
                found |= event.tags
    return found
