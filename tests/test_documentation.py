"""Every command that the documents tell a reader to type: composed, looked up or run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from lrscope.cli.commands.entry import SUBCOMMANDS
from lrscope.config import schema
from lrscope.config.validate import check
from lrscope.sweeps.plan import plan_jobs

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "benchmarks/README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHELL_BLOCK = re.compile(r"```(?:sh|bash|console)\n(.*?)```", re.DOTALL)
IN_A_WORKFLOW = re.compile(r"^ *- run: (.*)$", re.MULTILINE)
IN_A_LINE = re.compile(r"`((?:python (?:train|scripts|benchmarks)|make |lrscope )[^`\n]*)`")
ELSEWHERE = (
    *("mlflow ui", "mlflow server", "mlflow db upgrade", "pip install hydra-"),
    *("git clone", "cd ", "export ", "source .venv", "pip install .", "pip install 'lrscope[", "eval "),
    *("printf ", "chmod "),
)
"""Commands that are not this project's."""


def commands() -> list[tuple[str, str]]:
    """Document and command, in the order of reading, each once."""
    found: dict[tuple[str, str], None] = {}
    for document in DOCUMENTS:
        text = document.read_text()
        lines = [line for block in SHELL_BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
        for line in [*lines, *IN_A_WORKFLOW.findall(text), *IN_A_LINE.findall(text)]:
            command = line.strip().removeprefix("$ ")
            if command and not command.startswith("#"):
                found[(str(document.relative_to(ROOT)), command)] = None
    return list(found)


def of(*beginnings: str) -> list[tuple[str, str]]:
    return [(document, command) for document, command in commands() if command.startswith(beginnings)]


def words_of(command: str) -> list[str]:
    """Without the comment behind it, and without where its output goes."""
    words = shlex.split(command, comments=True)
    return words[: words.index(">")] if ">" in words else words


@pytest.fixture
def loader() -> Iterator[Any]:
    GlobalHydra.instance().clear()
    schema.register()
    with initialize_config_dir(config_dir=str(ROOT / "conf"), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


def test_every_command_is_of_a_kind_that_is_checked() -> None:
    ours = ("python train.py", "lrscope ", "make ", "python scripts/", "python benchmarks/")
    checked = {*of(*ours), *of(*ELSEWHERE)}
    assert [command for command in commands() if command not in checked] == []


@pytest.mark.parametrize(("document", "command"), of("python train.py", "lrscope train"))
def test_a_training_command_composes(loader: Any, document: str, command: str) -> None:  # noqa: ARG001
    words = [
        word
        for word in words_of(command)[2:]
        if word not in ("-m", "--cfg", "job", "--help", "--json", "--dry-run", "…", "...")
    ]
    launchers = loader.get_group_options("hydra/launcher")
    words = [w for w in words if not (w.startswith("hydra/launcher=") and w.partition("=")[2] not in launchers)]

    def compose(overrides: list[str]) -> Any:
        return loader.load_configuration("train", overrides, RunMode.RUN)

    if any("interval(" in word for word in words):  # each of 64 members composes alike
        words = [*(word for word in words if not word.startswith("search.trials=")), "search.trials=4"]
    master = loader.load_configuration("train", words, RunMode.MULTIRUN)
    params = master.hydra.sweeper.get("params") or {}
    planned = plan_jobs([*(f"{key}={value}" for key, value in params.items()), *words], compose, loader, master.search)
    assert not planned.problems
    assert [problem for job in planned.jobs for problem in check(job.cfg)] == []
    one = "-m" not in words_of(command) and str(master.hydra.mode) != "RunMode.MULTIRUN"
    assert not (one and len(planned.jobs) > 1), "needs -m"


@pytest.mark.parametrize(("document", "command"), of("make "))
def test_a_make_command_is_a_target(document: str, command: str) -> None:  # noqa: ARG001
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert words_of(command)[1] in targets


@pytest.mark.parametrize(("document", "command"), of("lrscope "))
def test_a_command_of_the_package_is_a_subcommand(document: str, command: str) -> None:  # noqa: ARG001
    assert words_of(command)[1] in SUBCOMMANDS


def test_scripts_that_are_named_are_there() -> None:
    named = {words_of(command)[1] for _, command in of("python scripts/", "python benchmarks/")}
    assert not {script for script in named if not (ROOT / script).is_file()}


@pytest.mark.parametrize("script", sorted(f"scripts/{path.name}" for path in (ROOT / "scripts").glob("*.py")))
def test_a_script_explains_itself(script: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / script), "--help"], capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout


def test_make_lists_every_target() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert {line.split()[1] for line in shown.splitlines() if line.startswith("  make ")} == set(phony[1].split())


def test_pictures_and_links_between_documents_are_there() -> None:
    missing = [
        f"{document.name}: {target}"
        for document in DOCUMENTS
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text())
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert not missing
