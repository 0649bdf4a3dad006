"""What a packed network needs to load where nothing of its training is: the code and the packages that it leads to."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType

import cloudpickle
from torch import Tensor

OURS = "lrscope"


class _LedTo(cloudpickle.Pickler):
    """Pickles for nobody, to see which modules unpickling would import."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), protocol=2)  # as torch.save
        self.modules: set[str] = set()

    def persistent_id(self, found: object) -> str | None:
        """Numbers lead to no code, and there are many."""
        return "" if type(found) is Tensor else None

    def reducer_override(self, found: object) -> object:
        """Note what is pickled by its name."""
        reduced = super().reducer_override(found)
        if reduced is NotImplemented and isinstance(found, type | FunctionType | BuiltinFunctionType):
            self.modules.add(getattr(found, "__module__", None) or "builtins")
        elif reduced is NotImplemented and isinstance(found, ModuleType) and found.__name__ in sys.modules:
            self.modules.add(found.__name__)
        return reduced


def modules_behind(pickled: object) -> set[str]:
    """The modules that unpickling it imports; code that is pickled by value is not among them, what that names is."""
    pickler = _LedTo()
    pickler.dump(pickled)
    return pickler.modules


def packages_behind(modules: set[str]) -> set[str]:
    """The installed packages that modules belong to, but for torch, by their names for pip."""
    tops = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - {OURS, "__main__", "torch"}
    if not tops:
        return set()
    known = packages_distributions()  # reads every installed package's list of files
    return {known[top][0] for top in tops if top in known}


def pinned(packages: set[str]) -> list[str]:
    """Each with its version here, as a line of requirements; what is not installed is left out."""
    found = {}
    for name in packages:
        try:
            found[name.lower()] = f"{name.lower()}=={version(name).split('+')[0]}"
        except PackageNotFoundError:
            continue
    return [found[name] for name in sorted(found, key=lambda name: (name != "torch", name))]


def write_code(modules: set[str], folder: Path) -> Path | None:
    """Copy lrscope's modules among these, and those that they import, to ``folder/lrscope``; None: there are none.

    The folders get no ``__init__.py``. MLflow puts the code of a model before all other; of such folders Python takes
    several together, so that the next model finds its own files too, and none of them where lrscope is installed.
    """
    found: dict[str, str] = {}
    waiting = [name for name in modules if name.partition(".")[0] == OURS]
    while waiting:
        name = waiting.pop()
        if name not in found and (file := _file(name)) is not None:
            found[name] = file.read_text("utf-8")
            waiting += _imported(ast.parse(found[name]))
    for name, text in found.items():
        place = folder.joinpath(*name.split(".")).with_suffix(".py")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    return folder / OURS if found else None


def _imported(code: ast.AST) -> Iterator[str]:
    """What code imports of lrscope anywhere, but for type checkers: ``from a.b import c`` may mean a.b and a.b.c."""
    for node in ast.iter_child_nodes(code):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == OURS:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == OURS)
        else:
            yield from _imported(node)


def _file(name: str) -> Path | None:
    """The file of a module of lrscope's; None where there is none of this name, or it is a folder of modules."""
    file = Path(__file__).parents[2].joinpath(*name.split(".")[1:]).with_suffix(".py")
    return file if file.is_file() else None
