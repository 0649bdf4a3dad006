"""What an interrupted command prints is the one command that goes on with it, word by word."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from command_line import CHECKOUT, Typed, type_command

pytestmark = pytest.mark.long

WORDS = ("dataset=blobs", "epochs=4", "trainer=cpu", "callbacks.progress=none", "tracking.log_model=none")
PART = "interrupting.Interrupting"


def going_on(typed: Typed) -> list[str]:
    """The commands that it tells."""
    lines = [line.removeprefix("to go on: ").strip() for line in typed.out.splitlines()]
    return [line for line in lines if line.startswith(("python train.py", "in your script: "))]


def all_ended(typed: Typed) -> bool:
    return {run.info.status for run in typed.runs()} == {"FINISHED"}


@pytest.mark.parametrize("words", [("lr=0.1",), ("-m", "lr=0.1,0.01,1")], ids=["a run", "a sweep"])
def test_a_typed_command(tmp_path: Path, words: tuple[str, ...]) -> None:
    words = (*words, *WORDS)
    typed = type_command(
        tmp_path, *words, "model=linear", f"model._target_={PART}", store=True, variables={"PRESSED": "9"}
    )
    assert typed.code == 130, typed.err
    (line,) = going_on(typed)
    program, script, *again = shlex.split(line)
    assert (program, script) == ("python", "train.py") and sum(word.startswith("resume=") for word in again) == 1
    ended = type_command(tmp_path, *again)
    assert ended.code == 0, ended.err
    assert all_ended(ended) and len(ended.runs()) == len(typed.runs())
    assert "★" not in typed.out and ("★" in ended.out) == ("-m" in words)


@pytest.mark.parametrize("words", [("lr=0.1",), ("-m", "lr=0.1,0.01,1")], ids=["a run", "a sweep"])
def test_its_folder_of_yaml_files_and_its_first_file_are_in_the_command(tmp_path: Path, words: tuple[str, ...]) -> None:
    folder = tmp_path / "my files"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "mine.yaml").write_text(f"name: mine\n_target_: {PART}\n")
    (folder / "first.yaml").write_text((CHECKOUT / "conf" / "train.yaml").read_text().replace("\nseed: 0", "\nseed: 3"))
    options = ("--config-dir", str(folder), "--config-name=first")
    typed = type_command(tmp_path, *options, *words, *WORDS, "model=mine", store=True, variables={"PRESSED": "9"})
    assert typed.code == 130, typed.err
    (line,) = going_on(typed)
    ended = type_command(tmp_path, *shlex.split(line)[2:])
    assert ended.code == 0, ended.err
    assert all_ended(ended) and len(ended.runs()) == len(typed.runs())
    assert {run.data.params["seed"] for run in ended.runs() if "seed" in run.data.params} == {"3"}


@pytest.mark.parametrize("option", ["--config-path=conf", "-cp=conf"])
def test_an_option_that_takes_lrscopes_files_away_is_refused(tmp_path: Path, option: str) -> None:
    typed = type_command(tmp_path, option, "lr=0.1")
    assert typed.code == 2 and len(typed.err.splitlines()) == 1 and "--config-dir=FOLDER" in typed.err


SCRIPT = """
import os, sys
import lrscope, parts
os.environ["LRSCOPE_ROOT"] = {root!r}  # no command line knows of it
try:
    {call}
except KeyboardInterrupt:
    sys.exit(130)
"""
CALLS = {
    "train": "lrscope.train({words}, lr=0.1, model=parts.Interrupting)",
    "sweep": "lrscope.sweep({words}, lr=[0.1, 0.01, 1], model=parts.Interrupting)",
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_from_python(tmp_path: Path, name: str) -> None:
    """The part lies beside a script of the user's, which is in no project."""
    script, root = tmp_path / "mine" / "script.py", tmp_path / "root"
    script.parent.mkdir()
    (script.parent / "parts.py").write_text((CHECKOUT / "tests/cli/interrupting.py").read_text())

    def run(call: str, **variables: str) -> Typed:
        script.write_text(SCRIPT.format(root=str(root), call=call))
        return type_command(root, program=[str(script)], cwd=tmp_path, variables=variables)

    stopped = run(CALLS[name].format(words=", ".join(map(repr, WORDS))), PRESSED="9")
    assert stopped.code == 130, stopped.err
    (line,) = going_on(stopped)
    assert f": lrscope.{name}(" in line and line.count("resume=") == 1
    ended = run(line.partition(": ")[2])
    assert ended.code == 0, ended.err
    assert all_ended(ended) and len(ended.runs()) == len(stopped.runs())
