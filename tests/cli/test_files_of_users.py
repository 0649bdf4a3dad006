"""Commands that name files: from which folder, what is said of a bad one, and of one that has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import HERE, Typed, type_command

TABLE = ("dataset=table", "dataset.name=h", "dataset.target=price", "epochs=1", "batch_size=null", "trainer=cpu")
SHORT = ("tracking.log_model=none", "sweep.report=false", "callbacks.progress=none")
COMMANDS = {
    "a sweep": ("-m", *TABLE, "dataset.path=houses.csv", "lr=0.1,0.01"),
    "again": ("-m", *TABLE, "dataset.path=houses.csv", "lr=0.1,0.01", "resume=latest"),
    "a file that changed": ("-m", *TABLE, "dataset.path=changed.csv", "lr=0.1,0.01", "resume=latest"),
    "two files": ("-m", *TABLE, "dataset.path=houses.csv,changed.csv", "experiment_name=both"),
    "a ragged file": (*TABLE, "dataset.path=ragged.csv"),
    "no file": (*TABLE, "dataset.path=rents.csv"),
    "no such set": ("dataset=hub", "dataset.name=./nowhere"),
    "no transformers": ("dataset=digits", "model=hf", "model.name=some/network"),
    "a timm that does not fit": ("dataset=digits", "model=timm", "model.name=resnet18"),
    "a model for tokens": ("dataset=digits", "model=gru"),
    "a model for images": (*TABLE, "dataset.path=houses.csv", "model=resnet"),
}


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Typed, dict[str, dict[str, str]]]:
    """All commands in one fresh process, started in a folder that is not the project's."""
    folder = tmp_path_factory.mktemp("files")
    (desk := folder / "desk").mkdir()
    rows = [f"{k},{100 * k}" for k in range(1, 41)]
    (desk / "houses.csv").write_text("\n".join(["size,price", *rows]))
    (desk / "changed.csv").write_text("\n".join(["size,price", *rows[:-1], "40,77"]))
    (desk / "ragged.csv").write_text("size,price\n1,2\n3,4,5\n")
    # What timm comes to beside a torchvision of another torch, and what a package that is not installed does.
    (desk / "timm.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    (desk / "transformers.py").write_text("import no_such_package_of_anybody")
    commands = folder / "commands.json"
    commands.write_text(json.dumps([[*words, *SHORT] for words in COMMANDS.values()]))
    program = [str(HERE / "type_many.py")]
    done = type_command(folder / "root", str(commands), program=program, cwd=desk, store=True)
    assert done.code == 0, done.err
    return done, dict(zip(COMMANDS, json.loads(done.out), strict=True))


def refusal(answers: dict[str, dict[str, str]], what: str) -> str:
    """The one line that a refused command ends with."""
    assert answers[what]["code"] == 2, answers[what]["err"]
    (line,) = [line for line in answers[what]["err"].splitlines() if line.startswith("error: ")]
    assert "Traceback" not in answers[what]["err"]
    return line


def test_a_file_is_found_from_the_folder_of_the_command(typed: tuple[Typed, dict[str, dict[str, str]]]) -> None:
    done, answers = typed
    assert answers["a sweep"]["code"] == 0, answers["a sweep"]["err"]
    place = str(done.root.parent / "desk" / "houses.csv")
    (parent,) = [
        run for run in done.runs() if run.data.tags["lrscope.kind"] == "sweep" and "lr × 2" in run.info.run_name
    ]
    assert f"dataset.path={place}" in json.loads(parent.data.tags["lrscope.overrides"]), "whoever resumes it finds it"


def test_a_resumed_sweep_has_the_file_that_it_began_with(typed: tuple[Typed, dict[str, dict[str, str]]]) -> None:
    answers = typed[1]
    assert answers["again"]["code"] == 0 and "2 of its 2 members are done" in answers["again"]["out"]
    assert "the data has changed since the run that is resumed began (digest " in refusal(
        answers, "a file that changed"
    )


def test_files_can_be_compared(typed: tuple[Typed, dict[str, dict[str, str]]]) -> None:
    done, answers = typed
    assert answers["two files"]["code"] == 0, answers["two files"]["err"]
    members = [run for run in done.runs() if Path(run.data.params.get("dataset.path", "")).name == "changed.csv"]
    assert len(members) == 1


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("a ragged file", "ragged.csv: line 3: 3 fields where the header has 2"),
        ("no file", "dataset.path=rents.csv: there is no such file"),
        ("no such set", "dataset"),
        ("no transformers", "needs the package transformers (No module named 'no_such_package_of_anybody')"),
        ("no transformers", "Install it: pip install 'lrscope[text]'"),
        ("a timm that does not fit", "which cannot be imported here (RuntimeError: operator torchvision::nms does not"),
        ("a model for tokens", "model=gru: takes token ids [length] or numbers [length, features]"),
        ("a model for images", "model=resnet: takes images [channels, height, width]"),
    ],
)
def test_what_does_not_fit_is_told_in_a_line(
    typed: tuple[Typed, dict[str, dict[str, str]]], what: str, words: str
) -> None:
    assert words in refusal(typed[1], what)
