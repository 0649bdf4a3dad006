"""``lrscope guide``: a program that only reads it reaches a defended rate, in few commands and few tokens."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from command_line import CHECKOUT, Typed, type_command

import lrscope
from lrscope.cli.commands import guide_command
from lrscope.cli.commands.entry import SUBCOMMANDS
from lrscope.core.answer import RecommendationAnswer, RunAnswer
from lrscope.core.verdict import Verdict

PAGE = (CHECKOUT / "src/lrscope/cli" / guide_command.PAGE).read_text()
ENTRY = ("-c", "import sys; from lrscope.cli.commands.entry import main; sys.exit(main())")

COMMANDS = re.findall(r"^    (lrscope .*)$", PAGE, re.MULTILINE)
"""Those that lead to a rate: each on a line of its own."""


def tokens(text: str) -> int:
    """An estimate from above, no tokenizer being at hand: words in pieces of six letters, numbers in pieces of three
    digits, each sign, and each gap of several spaces; one sign repeated counts once.
    """
    short = re.sub(r"([^\w\s])\1+", r"\1", text)
    return len(re.findall(r"[A-Za-z]{1,6}|\d{1,3}|[^\sA-Za-z\d]|\s{2,}", short))


def test_the_page_is_short_and_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert guide_command.main([], "lrscope guide") == 0
    assert capsys.readouterr().out == PAGE
    assert len(PAGE.splitlines()) <= 60 and tokens(PAGE) <= 1500


@pytest.mark.long
def test_its_commands_reach_a_defended_rate_within_2000_tokens(tmp_path: Path) -> None:
    assert 1 <= len(COMMANDS) <= 3
    printed = 0
    for command in COMMANDS:
        typed = _run(tmp_path, command)
        assert typed.code == 0, typed.err
        printed += tokens(typed.out) + tokens(typed.err)
        if "sweep.confirm=true" in command:
            answer = re.search(r"^Use lr=([\d.]+): .*mean of 5 seeds, 95% interval [\d.]+ to [\d.]+", typed.out, re.M)
            assert answer is not None, typed.out
            assert "The best rate lies between" in typed.out and "Why the others failed" in typed.out
    assert printed <= 2000
    told = json.loads((tmp_path / "compare.json").read_text())["recommendations"][0]
    assert f"{told['use']:g}" == answer[1] and told["low"] <= told["use"] <= told["high"]
    assert any("To look between" in one["reason"] for one in told["commands"])


def _run(folder: Path, command: str) -> Typed:
    """As a shell does it: a file behind ``>`` takes the output."""
    _, *words = shlex.split(command)
    file = None
    if ">" in words:
        words, file = words[: words.index(">")], words[words.index(">") + 1]
    typed = type_command(folder, *words, program=ENTRY)
    if file is None:
        return typed
    (folder / file).write_text(typed.out)
    return Typed(typed.root, typed.code, "", typed.err, typed.seconds)


def test_what_it_names_is_there() -> None:
    named = {word for word in re.findall(r"`?lrscope ([a-z]+)", PAGE) if word not in ("trains", "import")}
    assert named <= SUBCOMMANDS.keys()
    said = PAGE[PAGE.index("failed: diverged") :]
    failed, _, good = said.partition("Not failed:")
    assert all(
        verdict.label in (failed if verdict.failed else good) for verdict in Verdict if verdict.label != "unknown"
    )
    keys = set(re.findall(r"`([a-z_]+)`", PAGE[PAGE.index("Keys of") : PAGE.index("`use` null")]))
    known = {*RecommendationAnswer.__dataclass_fields__, *RunAnswer.__dataclass_fields__, "runs"}
    assert keys - {"clear", "tentative", "none"} <= known and callable(lrscope.watch)
    for option in re.findall(r"`(model|optimizer|scheduler)=([a-z_|]+)`", PAGE):
        assert all((CHECKOUT / "conf" / option[0] / f"{name}.yaml").is_file() for name in option[1].split("|"))
