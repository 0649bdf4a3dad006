"""Who may import whom, read off the source: see docs/architecture.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src"

LAYERS: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "errors",
            "paths",
            "verdict",
            "trace",
            "point",
            "trust",
            "identity",
            "outcome",
            "config",
            "ranks",
            "stop_signals",
            "collector",
            "lean_imports",
            "full_disk",
        }
    ),
    frozenset({"schedules", "config_check"}),
    frozenset({"diagnosis", "recording", "measures", "threads", "generators", "kept_memory"}),
    frozenset(
        {"datasets", "models", "lean_hooks", "module", "evaluation", "look_ahead", "checkpoints", "tracking", "job"}
    ),
    frozenset({"callbacks", "together"}),
    frozenset({"making", "build", "leftovers", "refusals"}),
    frozenset({"prepare", "sessions", "record", "artifacts", "solo", "solo_ahead", "trainer", "resume"}),
    frozenset({"run", "report", "sweep_compose", "sweep_jobs", "parts_check", "sweep_check"}),
    frozenset({"sweep_report", "sweep_close", "sweep", "group"}),
    frozenset({"refused_command", "hydra_callback", "cli"}),
)
"""From the bottom to the top. A part imports from its own layer and from those below."""

ONLY_IN = {
    "hydra": {
        *("cli", "config", "job", "hydra_callback", "making", "leftovers"),
        *("refusals", "refused_command", "sweep_compose", "sweep_jobs", "hydra_plugins"),
    },
    "mlflow": {"tracking", "report"},
    "matplotlib": {"report"},
    "sqlalchemy": {"tracking"},
}
"""Libraries that only these parts know."""

NOT_IN = {
    "omegaconf": {
        *("datasets", "models", "measures", "recording", "diagnosis", "schedules", "callbacks", "module"),
        *("tracking", "report", "evaluation", "checkpoints"),
    },
    "pytorch_lightning": {
        "datasets",
        "models",
        "measures",
        "recording",
        "diagnosis",
        "schedules",
        "tracking",
        "report",
    },
    "torch": {"diagnosis", "report", "verdict", "trace", "identity", "config", "config_check", "errors", "paths"},
}
"""Libraries that these parts do not know: they work on plain values, whatever feeds them."""


def part_of(module: str) -> str:
    """``lrscope.tracking.journal.journal`` -> ``tracking``; a plugin of Hydra is ``hydra_plugins``."""
    names = module.split(".")
    return names[1] if names[0] == "lrscope" and len(names) > 1 else names[0]


def imports(file: Path) -> Iterator[str]:
    """Every module a file imports, inside functions too; not those for type checkers alone."""
    tree = ast.parse(file.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "lrscope":
            yield from (f"lrscope.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def sources() -> Iterator[tuple[str, Path]]:
    for file in sorted(SRC.rglob("*.py")):
        if file != SRC / "lrscope" / "__init__.py":
            yield part_of(".".join(file.relative_to(SRC).with_suffix("").parts)), file


def layer(part: str) -> int:
    for number, parts in enumerate(LAYERS):
        if part in parts:
            return number
    raise AssertionError(f"{part} stands in no layer: say in tests/test_architecture.py where it belongs")


def test_imports_go_down_only() -> None:
    upward = [
        f"{file.relative_to(SRC)} imports {imported}"
        for part, file in sources()
        if part != "hydra_plugins"
        for imported in imports(file)
        if imported.startswith("lrscope.") and layer(part_of(imported)) > layer(part)
    ]
    assert not upward


def test_parts_do_not_import_each_other_in_circles() -> None:
    graph: dict[str, set[str]] = {}
    for part, file in sources():
        below = {part_of(imported) for imported in imports(file) if imported.startswith("lrscope.")}
        graph.setdefault(part, set()).update(below - {part})
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_known_to_few(library: str) -> None:
    users = {part for part, file in sources() for name in imports(file) if name.split(".")[0] == library}
    assert users <= ONLY_IN[library]


@pytest.mark.parametrize("library", NOT_IN)
def test_parts_that_work_on_plain_values(library: str) -> None:
    knowing = [
        f"{file.relative_to(SRC)} imports {name}"
        for part, file in sources()
        if part in NOT_IN[library]
        for name in imports(file)
        if name.split(".")[0] == library
    ]
    assert not knowing


def test_one_idea_a_file() -> None:
    long = {str(file.relative_to(SRC)): len(file.read_text().splitlines()) for _, file in sources()}
    assert not {name: lines for name, lines in long.items() if lines > 300}


def test_hydra_plugins_is_a_namespace_that_other_packages_share() -> None:
    assert not (SRC / "hydra_plugins" / "__init__.py").exists()
