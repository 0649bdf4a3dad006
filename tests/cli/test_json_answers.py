"""``--json``: the real output of each command is the documented schema, alone on standard output."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from command_line import CHECKOUT, Typed, type_command
from pydantic import TypeAdapter

from lrscope.cli.json_alone import answered
from lrscope.core import answer
from lrscope.core.answer import Answer

SWEEP = ("-m", "dataset=blobs", "epochs=4", "lr=0.1,0.01", "--json")


def told(typed: Typed, code: int) -> dict[str, Any]:
    """The answer, once it is known to be of the schema: read into its classes and written again it is the same."""
    (line,) = typed.out.splitlines()
    found: dict[str, Any] = json.loads(line)
    assert json.loads(TypeAdapter(Answer).validate_python(found).to_json()) == found
    assert typed.code == found["exit_code"] == code, typed.err
    return found


def script(root: Path, name: str, words: Sequence[str]) -> Typed:
    return type_command(root, *words, program=[str(CHECKOUT / f"scripts/{name}.py")])


@pytest.mark.long
def test_a_sweep_is_told_by_train_compare_and_diagnose(tmp_path: Path) -> None:
    typed = type_command(tmp_path, *SWEEP, store=True)
    trained = told(typed, 0)
    assert "members train together" in typed.err
    (sweep,), (best, *_) = trained["sweeps"], trained["recommendations"]
    assert sweep["run_ids"] == [run["run_id"] for run in trained["runs"]] and len(trained["runs"]) == 2
    assert best["use"] in (0.1, 0.01) and best["commands"][0]["command"].startswith("python train.py -m")
    assert Path(trained["report"]).is_file()

    compared = told(script(tmp_path, "compare", ["--json"]), 0)
    assert {**compared, "command": "train", "report": trained["report"]} == trained

    failed = any(run["failed"] for run in trained["runs"])
    diagnosed = told(script(tmp_path, "diagnose", ["--json"]), 3 if failed else 0)
    by_id = {run["run_id"]: run for run in diagnosed["runs"]}
    for run in trained["runs"]:
        one = by_id[run["run_id"]]
        assert one["findings"][0]["verdict"] == one["verdict"] == run["verdict"]
        assert (one["lr"], one["final"]) == (run["lr"], run["final"])


@pytest.mark.long
def test_a_lone_run_that_fails_keeps_the_exit_code_of_train(tmp_path: Path) -> None:
    typed = type_command(tmp_path, "dataset=line", "batch_size=null", "epochs=40", "lr=10", "--json", store=True)
    (run,) = told(typed, 0)["runs"]
    assert (run["verdict"], run["failed"], run["lr"]) == ("diverged", True, 10.0)
    assert run["run_id"] == typed.runs()[0].info.run_id


def test_nothing_is_recorded_and_the_run_is_told_all_the_same(tmp_path: Path) -> None:
    (run,) = told(type_command(tmp_path, "dataset=line", "batch_size=null", "epochs=1", "tracking=off", "--json"), 0)[
        "runs"
    ]
    assert run["run_id"] == "" and run["status"] == "FINISHED"


@pytest.mark.parametrize("words", [["lr=abc"], ["-m", "lr=abc"], ["--lr=1"]])
def test_what_is_refused_is_json_too(tmp_path: Path, words: list[str]) -> None:
    typed = type_command(tmp_path, *words, "--json")
    found = told(typed, 2)
    assert found["error"] and f"error: {found['error'].splitlines()[0]}" in typed.err and found["runs"] == []


@pytest.mark.parametrize("name", ["compare", "diagnose"])
def test_a_store_that_is_not_there_is_json_too(tmp_path: Path, name: str) -> None:
    assert "there is no such file" in told(script(tmp_path, name, ["--json"]), 2)["error"]


def test_a_command_that_is_stopped_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    def ask() -> Answer:
        subprocess.run(["echo", "from a child"], check=True)
        print("from here")
        raise KeyboardInterrupt

    assert answered(Answer("diagnose"), ask) == 130
    shown = capfd.readouterr()
    assert json.loads(shown.out)["error"] == "stopped by signal 2"
    assert sorted(shown.err.splitlines()) == ["from a child", "from here"]


def test_a_number_that_is_not_finite_is_null() -> None:
    run = answer.RunAnswer("", "mine", "FINISHED", float("nan"), "diverged", True, "", "", final={"loss": float("inf")})
    (one,) = json.loads(Answer("train", runs=(run,)).to_json())["runs"]
    assert one["lr"] is None and one["final"] == {"loss": None}


def test_every_key_is_documented() -> None:
    page = (CHECKOUT / "docs/package.md").read_text()
    classes = [found for name, found in vars(answer).items() if name.endswith("Answer")]
    assert len(classes) == 9
    missing = {f"{one.__name__}.{key.name}" for one in classes for key in fields(one) if f"`{key.name}`" not in page}
    assert not missing
