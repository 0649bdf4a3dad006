"""Who may import whom, read off the source: see docs/architecture.md. Imports for type checkers count too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src"

LAYERS: tuple[tuple[str, ...], ...] = (
    ("core",),
    ("schedules", "models", "losses", "datasets", "diagnosis.signals"),
    ("diagnosis.detectors",),
    ("diagnosis",),
    ("config", "tracking.journal", "search"),
    ("tracking.mlflow_store",),
    ("tracking.liveness",),
    ("tracking.delivery",),
    ("tracking",),
    ("training.measures", "training.recording", "report.data"),
    ("training", "report.analysis"),
    ("training.facts",),
    ("training.callbacks", "report.figures"),
    ("training.user_module",),
    ("report.why",),
    ("report.output",),
    ("report.mlflow_ui",),
    ("report",),
    ("batched.model",),
    ("probe",),
    ("runs",),
    ("sweeps", "search.judging"),
    ("batched.run",),
    ("engines", "integrations", "lifecycle", "server"),
    ("cli", "hydra_plugins"),
    ("cli.commands", "api"),
)
"""From the bottom to the top. A folder imports from itself and from the layers below it, from no other of its own."""

ONLY_IN = {
    "hydra": {"api", "core", "config", "sweeps", "cli", "hydra_plugins"},
    "mlflow": {"tracking", "report", "lifecycle"},
    "matplotlib": {"report"},
    "sqlalchemy": {"tracking"},
    "pytorch_lightning": {"training", "runs", "batched", "integrations"},
}
"""Libraries that only these parts know."""

NOT_IN = {
    "omegaconf": {"datasets", "models", "diagnosis", "schedules", "tracking", "report"},
    "torch": {"core", "config", "diagnosis", "report", "cli"},
    "numpy": {"config", "cli"},
}
"""Libraries that these parts do not know: they work on plain values, whatever feeds them."""


COPIED = SRC / "lrscope" / "cli" / "project"
"""What `lrscope init` copies for a user is his code, and none of the package's."""


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the source but the package's own ``__init__``, by its dotted name."""
    for file in sorted(SRC.rglob("*.py")):
        if file.is_relative_to(COPIED):
            continue
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


SAME_IDEA = {"config", "lifecycle"}
"""Of a run and of a sweep; of a launcher and of a sweeper: the same idea for another thing."""


def test_no_two_files_have_one_name() -> None:
    names = [file.stem for _, file in modules() if file.name != "__init__.py"]
    assert not {name for name in names if names.count(name) > 1} - SAME_IDEA


def test_every_folder_says_what_is_in_it() -> None:
    """Its docstring names every module and folder that lies in it, and is not a line longer than a screen."""
    folders = {file.parent for _, file in modules()} - {SRC, SRC / "lrscope"}
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


DOORS = {
    "opens a client of MLflow's": (
        r"\bMlflowClient\(|\(MlflowClient\b|\bmlflow\.(search_runs|get_run|load|pyfunc|artifacts|tracking\.get)|\.load_model\(",
        {
            "lrscope.tracking.mlflow_store.checked_client",
            "lrscope.lifecycle.serve_model",  # a name in MLflow's own server, which it starts
        },
    ),
    "asks MLflow's store past its client": (
        r"SqlAlchemyStore\(|ManagedSessionMaker|get_artifact_repository\(|http_request\(|_tracking_client",
        {
            "lrscope.tracking.mlflow_store.store",
            "lrscope.tracking.mlflow_store.read",
            "lrscope.tracking.mlflow_store.remove",  # removes by ids that were looked at, reads nothing
        },
    ),
    "reads JSON": (
        r"\bjson\.loads?\(",
        {
            "lrscope.core.from_store",
            "lrscope.tracking.journal.events",
            "lrscope.core.outcome",  # what jobs of this command leave for their sweep
            "lrscope.core.job",
        },
    ),
    "reads YAML": (
        r"\byaml\.\w*load\w*\(",
        {"lrscope.config.trust", "lrscope.config.validate", "lrscope.api.stored_model", "lrscope.lifecycle.recorded"},
    ),
    "unpickles": (
        r"\bpickle\.loads?\(|\btorch\.load\(|\bnp\.load\(|joblib\.load\(|torch\.hub|allow_pickle=True",
        {
            "lrscope.training.checkpoint_folder",  # weights_only
            "lrscope.core.trace",  # allow_pickle=False
            "lrscope.datasets.array_files",  # a user's file: weights_only, allow_pickle=False
            "lrscope.training.pretrained",  # weights_only
            "lrscope.tracking.delivery.service_process",  # between this process and one that it started
            "lrscope.tracking.mlflow_store.model_package",
            "lrscope.sweeps.compose",  # what this process has pickled
        },
    ),
    "makes what a config names": (
        r"\binstantiate\(|resolve_name\(|import_module\(|get_class\(|get_method\(",
        {
            "lrscope.config.instantiate",
            "lrscope.config.imported",
            "lrscope.config.trusted_kinds",
            "lrscope.config.nearest_class",
            "lrscope.core.moved_names",
            "lrscope.diagnosis.detectors",  # its own modules
            "lrscope.cli.commands.entry",  # its own modules
            "lrscope.integrations",  # its own modules
            "lrscope.api.call_words",  # the name of what the caller has given, and that it is found by it
            "lrscope.sweeps.plan",  # the sweeper that Hydra is about to make
        },
    ),
}
"""What a store or a journal says comes in here, and is looked at; see ``lrscope/core/from_store.py``. Who reads one
anew goes by one of these doors, or says here why that needs none.
"""


@pytest.mark.parametrize("what", DOORS)
def test_what_others_wrote_comes_in_by_the_doors(what: str) -> None:
    pattern, doors = DOORS[what]
    users = {name for name, file in modules() if re.search(pattern, _code(file))}
    scripts = {file.name for file in (SRC.parent / "scripts").glob("*.py") if re.search(pattern, _code(file))}
    assert users | scripts == doors


@cache
def _code(file: Path) -> str:
    """Without docstrings and comments."""
    return ast.unparse(
        _WithoutDocstrings().visit(ast.parse(file.read_text())),
    )


class _WithoutDocstrings(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) else node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if getattr(node, "body", None) == []:
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
        return node


def test_a_checkpoint_is_loaded_as_data_only() -> None:
    calls = [
        call
        for _, file in modules()
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("torch.load", "np.load")
    ]
    safe = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
    assert calls
    for call in calls:
        name, value = safe[ast.unparse(call.func)]
        assert any(word.arg == name and ast.unparse(word.value) == str(value) for word in call.keywords), ast.unparse(
            call
        )


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
