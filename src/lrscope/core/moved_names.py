"""Names under which users' files and stored runs know a module that lies elsewhere today."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {
    "lrscope.callbacks": "lrscope.training.callbacks",
    "lrscope.hydra_callback": "lrscope.cli.hydra_hooks",
}
"""Old name to today's name; what lies below an old package is found below the new one."""


class MovedNames(MetaPathFinder, Loader):
    """Imports a module of an old name as the very module of today's name."""

    def find_spec(self, fullname: str, *_: Sequence[str] | ModuleType | None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if _new_name(fullname) is not None else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Python makes an empty module, which ``exec_module`` replaces."""

    def exec_module(self, module: ModuleType) -> None:
        new = _new_name(module.__name__)
        assert new is not None
        sys.modules[module.__name__] = import_module(new)


def keep_moved_names() -> None:
    """Let Python find the old names from now on."""
    if not any(isinstance(finder, MovedNames) for finder in sys.meta_path):
        sys.meta_path.insert(0, MovedNames())  # first: Python itself would load a second copy


def _new_name(old: str) -> str | None:
    for package, new in MOVED.items():
        if old == package or old.startswith(package + "."):
            return new + old.removeprefix(package)
    return None
