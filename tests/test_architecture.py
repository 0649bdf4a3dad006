"""Who may import whom, read off the source: see docs/architecture.md. Imports for type checkers count too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src"

LAYERS: tuple[tuple[str, ...], ...] = (
    ("core",),
    ("schedules", "models", "datasets", "diagnosis.signals"),
    ("diagnosis.detectors",),
    ("diagnosis",),
    ("config", "tracking.journal"),
    ("tracking.mlflow_store",),
    ("tracking.liveness",),
    ("tracking.delivery",),
    ("tracking",),
    ("training.measures", "training.recording", "report.data"),
    ("training", "report.analysis"),
    ("training.facts",),
    ("training.callbacks", "report.figures"),
    ("report.output",),
    ("report.mlflow_ui",),
    ("report",),
    ("batched.model",),
    ("probe",),
    ("runs",),
    ("sweeps",),
    ("batched.run",),
    ("cli", "hydra_plugins"),
)
"""From the bottom to the top. A folder imports from itself and from the layers below it, from no other of its own."""

ONLY_IN = {
    "hydra": {"core", "config", "sweeps", "cli", "hydra_plugins"},
    "mlflow": {"tracking", "report"},
    "matplotlib": {"report"},
    "sqlalchemy": {"tracking"},
    "pytorch_lightning": {"training", "runs", "batched"},
}
"""Libraries that only these parts know."""

NOT_IN = {
    "omegaconf": {"datasets", "models", "diagnosis", "schedules", "tracking", "report"},
    "torch": {"core", "config", "diagnosis", "report", "cli"},
    "numpy": {"config", "cli"},
}
"""Libraries that these parts do not know: they work on plain values, whatever feeds them."""


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the source but the package's own ``__init__``, by its dotted name."""
    for file in sorted(SRC.rglob("*.py")):
        name = ".".join(file.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
        if name != "lrscope":
            yield name, file


FOLDERS = {name for name, file in modules() if file.name == "__init__.py"}


def folder_of(module: str) -> str:
    """``lrscope.tracking.journal.events`` -> ``tracking.journal``; a plugin of Hydra is ``hydra_plugins``."""
    if not module.startswith("lrscope."):
        return module.split(".")[0]
    folder = module if module in FOLDERS else module.rpartition(".")[0]
    while folder.count(".") > 2:
        folder = folder.rpartition(".")[0]
    return folder.removeprefix("lrscope.")


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports: at its top, inside functions, and for type checkers."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (_module(node.module, alias.name) for alias in node.names)


def _module(package: str, name: str) -> str:
    full = f"{package}.{name}"
    path = SRC / full.replace(".", "/")
    return full if path.is_dir() or path.with_suffix(".py").is_file() else package


def layer(folder: str) -> int:
    for number, folders in enumerate(LAYERS):
        if folder in folders:
            return number
    raise AssertionError(f"{folder} stands in no layer: say in tests/test_architecture.py where it belongs")


def own_imports() -> Iterator[tuple[str, str]]:
    """Pairs of lrscope's modules: one imports the other."""
    for name, file in modules():
        yield from ((name, imported) for imported in imports(file) if imported.startswith("lrscope."))


def test_imports_go_down_only() -> None:
    not_down = [
        f"{name} imports {imported}"
        for name, imported in own_imports()
        if folder_of(name) != folder_of(imported) and layer(folder_of(imported)) >= layer(folder_of(name))
    ]
    assert not not_down


def test_modules_do_not_import_each_other_in_circles() -> None:
    graph: dict[str, set[str]] = {}
    for name, imported in own_imports():
        graph.setdefault(name, set()).add(imported)
        graph[name].discard(name)
    assert graph
    TopologicalSorter(graph).prepare()


def test_no_module_lies_loose() -> None:
    assert {path.name for path in (SRC / "lrscope").iterdir() if path.suffix == ".py"} <= {"__init__.py", "api.py"}


SAME_IDEA = {"lifecycle"}
"""Of a run and of a sweep: the same idea for another thing."""


def test_no_two_files_have_one_name() -> None:
    names = [file.stem for _, file in modules() if file.name != "__init__.py"]
    assert not {name for name in names if names.count(name) > 1} - SAME_IDEA


def test_every_folder_says_what_is_in_it() -> None:
    """Its docstring names every module and folder that lies in it, and is not a line longer than a screen."""
    folders = {path.parent for path in SRC.rglob("*.py")} - {SRC, SRC / "lrscope"}
    assert folders
    for folder in folders:
        said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
        inside = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/*.py")}
        missing = sorted(name for name in inside - {"__init__"} if not re.search(rf"\b{name}\b", said))
        assert not missing and len(said.splitlines()) <= 30, f"{folder}: {missing}"


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_known_to_few(library: str) -> None:
    users = {
        folder_of(name).split(".")[0]
        for name, file in modules()
        for imported in imports(file)
        if imported.split(".")[0] == library
    }
    assert users
    assert users <= ONLY_IN[library]


@pytest.mark.parametrize("library", NOT_IN)
def test_parts_that_work_on_plain_values(library: str) -> None:
    knowing = [
        f"{name} imports {imported}"
        for name, file in modules()
        if folder_of(name).split(".")[0] in NOT_IN[library]
        for imported in imports(file)
        if imported.split(".")[0] == library
    ]
    assert not knowing


def test_what_measures_and_records_knows_no_lightning() -> None:
    knowing = [
        name
        for name, file in modules()
        if folder_of(name) in ("training.measures", "training.recording", "batched.model")
        for imported in imports(file)
        if imported.split(".")[0] in ("pytorch_lightning", "omegaconf")
    ]
    assert not knowing


def test_one_idea_a_file() -> None:
    long = {name: len(file.read_text().splitlines()) for name, file in modules()}
    assert not {name: lines for name, lines in long.items() if lines > 300}


def test_hydra_plugins_is_a_namespace_that_other_packages_share() -> None:
    assert not (SRC / "hydra_plugins" / "__init__.py").exists()
