"""The package without its checkout: built, installed into an environment of its own, used in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Installed:
    """An environment that has the wheel, and lends what lrscope depends on from the tests' own."""

    bin: Path
    folder: Path
    """Empty at first: where its commands are started."""

    def run(self, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        without = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LRSCOPE_ROOT")}
        return subprocess.run(
            [str(self.bin / words[0]), *words[1:]],
            cwd=folder or self.folder,
            env=without | {"MLFLOW_DISABLE_TELEMETRY": "true"},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git has of the project, in a folder that a build may write into."""
    folder = tmp_path_factory.mktemp("source")
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        if name.startswith(("src/", "conf/")) or "/" not in name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path) -> Path:
    """The wheel, built from the source distribution as an index would hand it out."""
    build = "from setuptools.build_meta import build_sdist, build_wheel; import sys"
    subprocess.run([sys.executable, "-c", f"{build}; build_sdist('dist')"], cwd=source, check=True, capture_output=True)
    (sdist,) = (source / "dist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(source / "unpacked", filter="data")
    (unpacked,) = (source / "unpacked").iterdir()
    subprocess.run(
        [sys.executable, "-c", f"{build}; build_wheel('dist')"], cwd=unpacked, check=True, capture_output=True
    )
    (built,) = (unpacked / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    offline = ("--no-deps", "--no-index", "--disable-pip-version-check", str(wheel))
    packages = next(environment.glob("lib/python*/site-packages"))
    (packages / "lent.pth").write_text("\n".join(dict.fromkeys((sysconfig.get_path("purelib"), *lent()))))
    subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--python", str(environment / "bin/python"), "install", *offline],
        check=True,
    )
    return Installed(environment / "bin", tmp_path_factory.mktemp("empty"))


def lent() -> list[str]:
    """Further folders that the tests' own environment takes packages from."""
    return [path for path in sys.path if path.endswith("site-packages")]


def test_the_wheel_holds_what_an_installed_lrscope_reads(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    conf = {f"lrscope/{path.relative_to(ROOT)}" for path in (ROOT / "conf").rglob("*.yaml")}
    assert conf <= held
    assert {"lrscope/py.typed", "lrscope/cli/guide.md", "lrscope/cli/project/gitignore"} <= held
    assert "lrscope/report/output/template/report.html" in held
    assert not {name for name in held if not name.startswith(("lrscope/", "hydra_plugins/", "lrscope-"))}


def test_it_says_what_it_is_and_what_it_can(installed: Installed) -> None:
    assert installed.run("lrscope", "--version").stdout.split() == ["lrscope", "0.1.0"]
    shown = installed.run("lrscope", "--help")
    assert shown.returncode == 0
    assert [line.split()[0] for line in shown.stdout.splitlines() if line.startswith("  ")][:2] == ["train", "compare"]
    assert "lrscope compare" in installed.run("lrscope", "compare", "--help").stdout


@pytest.mark.long
def test_a_new_project_trains_a_sweep_as_it_stands(installed: Installed) -> None:
    assert installed.run("lrscope", "init", "moons").returncode == 0
    project = installed.folder / "moons"
    done = installed.run("lrscope", "train", "-m", "lr=0.1,0.01", "epochs=5", folder=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lrscope train -m" in done.stdout and "lrscope ui" in done.stdout
    assert "python train.py" not in done.stdout and "make " not in done.stdout
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    (experiment,) = (e for e in client.search_experiments() if e.name == "moons")
    runs = client.search_runs([experiment.experiment_id], "tags.`lrscope.kind` = 'member'")
    assert {run.data.params["model._target_"] for run in runs} == {"parts.Net"}
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert Path(experiment.artifact_location.removeprefix("file://")).is_relative_to(project)
    assert {path.name for path in installed.folder.iterdir()} == {"moons"}


def test_what_it_ships_can_be_chosen_beside_the_projects_own(installed: Installed) -> None:
    project = installed.folder / "beside"
    installed.run("lrscope", "init", str(project))
    (project / "elsewhere" / "model").mkdir(parents=True)
    (project / "elsewhere" / "model" / "mine.yaml").write_text("_target_: lrscope.models.linear.Linear\n")
    words = ("lrscope", "train", "--cfg", "job", "model=mlp", "scheduler=constant", "optimizer=mine")
    shown = installed.run(*words, folder=project)
    assert "lrscope.models.mlp.MLP" in shown.stdout and "momentum: 0.9" in shown.stdout, shown.stderr
    shown = installed.run("lrscope", "train", "--cfg", "job", "--config-dir", "elsewhere", folder=project)
    assert "lrscope.models.linear.Linear" in shown.stdout, "the folder that is named goes first"


def test_a_shell_completes_subcommands_options_and_keys(installed: Installed) -> None:
    script = installed.run("lrscope", "train", "-sc", "install=bash").stdout
    typed = """
complete_() {
    COMP_LINE="$1"; COMP_POINT=${#1}; COMP_WORDS=($1); COMP_CWORD=$2
    hydra_bash_completion
    echo "${COMPREPLY[@]}"
}
complete_ "lrscope tr" 1
complete_ "lrscope train model=m" 2
complete_ "lrscope train callbacks.look" 2
"""
    shell = f"export PATH={installed.bin}:$PATH\n{script}\n{typed}"
    done = subprocess.run(["bash", "-c", shell], cwd=installed.folder, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["train", "model=mlp", "callbacks.look_ahead="], done.stderr


def test_init_overwrites_nothing(installed: Installed) -> None:
    folder = installed.folder / "taken"
    folder.mkdir()
    (folder / "parts.py").write_text("mine")
    done = installed.run("lrscope", "init", "taken")
    assert done.returncode == 2
    assert "taken/parts.py: is there already" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["parts.py"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("tran",), "Did you mean train?"),
        (("lr=0.1",), "lrscope train lr=0.1"),
        (("-m", "lr=1,0.1"), "lrscope train -m lr=1,0.1"),
    ],
)
def test_a_word_that_is_no_subcommand_is_explained(
    words: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lrscope.cli.commands.entry import main

    monkeypatch.setattr(sys, "argv", ["lrscope", *words])
    assert main() == 2
    assert told in capsys.readouterr().err
