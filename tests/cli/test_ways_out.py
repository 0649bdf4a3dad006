"""On every way out of a command its runs say what became of them, and the exit code too."""

from __future__ import annotations

import pickle
import signal
from pathlib import Path

import pytest
from command_line import Typed, type_command

from lrscope.core import errors
from lrscope.core.stop_signals import StopSignals
from lrscope.core.stopped_by_verdict import StoppedByVerdict
from lrscope.core.verdict import Verdict

SHORT = ("dataset=blobs", "batch_size=200", "model.hidden=[4]", "optimizer=sgd", "epochs=2", "trainer=cpu")
SWEEP = ("-m", "lr=0.3,0.1", *SHORT, "sweep.report=false", "tracking.log_model=none")

BROKEN = """
import sys
from lrscope.cli.main import main
import {module} as module
def broken(*_, **__):
    {statement}
{target} = broken
sys.exit(main())
"""
TWICE = "import os, signal; [os.kill(os.getpid(), signal.SIGINT) for _ in range(2)]; len('x')"


def _typed(folder: Path, module: str, target: str, statement: str, *words: str) -> Typed:
    """The command with one function of it broken."""
    program = folder / "broken.py"
    program.write_text(BROKEN.format(module=module, target=target, statement=statement))
    return type_command(folder / "root", *words, program=[str(program)], store=True)


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("lrscope.batched.run.launch", "module.train_together"),
        ("lrscope.sweeps.close", "module.compare_verdicts"),
        ("hydra_plugins.hydra_together_launcher._launch", "module.run_job"),
    ],
)
def test_an_error_in_the_launching_process_closes_the_sweep(tmp_path: Path, module: str, target: str) -> None:
    typed = _typed(tmp_path, module, target, 'raise RuntimeError("nobody foresaw it")', *SWEEP)
    assert typed.code == 1
    assert "nobody foresaw it" in typed.err
    runs = typed.runs()
    assert [run.info.status for run in runs if run.data.tags["lrscope.kind"] == "sweep"] in (["FAILED"], ["FINISHED"])
    assert "RUNNING" not in {run.info.status for run in runs}


def test_a_model_that_fails_while_it_is_timed_leaves_a_record_of_each_member(tmp_path: Path) -> None:
    words = [word for word in SWEEP if not word.startswith(("model", "epochs"))]
    words += ["model=linear", "model._target_=fragile.Fragile", "+model.fails_at=4", "epochs=40"]
    typed = type_command(tmp_path, *words, store=True)
    assert typed.code == 1
    assert "broken on purpose" in typed.out
    assert "Traceback" not in typed.err
    kinds = [(run.data.tags["lrscope.kind"], run.info.status) for run in typed.runs()]
    assert sorted(kinds) == [("member", "FAILED"), ("member", "FAILED"), ("sweep", "FAILED")]


def test_a_second_ctrl_c_at_the_start_is_no_fault_of_the_accelerator(tmp_path: Path) -> None:
    typed = _typed(tmp_path, "pytorch_lightning", "module.Trainer", TWICE, *SWEEP)
    assert typed.code == 130, typed.err
    assert "accelerator" not in typed.err
    assert "Traceback" not in typed.err
    assert typed.runs() == []


ONCE = "import os, signal, time; os.kill(os.getpid(), signal.{name}); time.sleep(60)"


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_while_a_bad_command_is_explained(tmp_path: Path, name: str, code: int) -> None:
    statement = ONCE.format(name=name)
    typed = _typed(tmp_path, "lrscope.cli.explain_command", "module.explain_command", statement, "lrr=1")
    assert (typed.code, typed.err) == (code, "")


def test_a_second_signal_while_a_sweep_is_closed(tmp_path: Path) -> None:
    typed = _typed(tmp_path, "lrscope.runs.shared_session", "module.unshare", TWICE, *SWEEP)
    assert typed.code == 130, typed.err
    assert "Traceback" not in typed.err


def _all_kinds(kind: type[BaseException]) -> list[type[BaseException]]:
    return [kind, *(one for below in kind.__subclasses__() for one in _all_kinds(below))]


@pytest.mark.parametrize("kind", [errors.Interrupted, *_all_kinds(errors.LrscopeError)])
def test_an_error_comes_whole_from_another_process(kind: type[BaseException]) -> None:
    problem = errors.Problem("lr", "-1", "must be above 0", "Use lr=0.1")
    if kind is errors.Interrupted:
        error: BaseException = errors.Interrupted(signal.SIGTERM)
    elif kind is StoppedByVerdict:
        error = StoppedByVerdict(Verdict.DIVERGED, "words")
    else:
        error = kind(problem if issubclass(kind, errors.InputError) else "words")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))
    assert vars(again) == vars(error)


def test_a_worker_hears_of_the_signal_that_came_to_its_command() -> None:
    stop, came = StopSignals(), [None, None, signal.SIGHUP, None]
    stop.follow(lambda: came.pop(0))
    assert [stop.requested() for _ in range(4)] == [None, None, signal.SIGHUP, signal.SIGHUP]
    with pytest.raises(errors.Interrupted, match="signal 1"):
        stop.raise_if_requested()
