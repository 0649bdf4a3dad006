"""Where a command looks for YAML files: the folder it names, the project's own ``conf``, then what lrscope ships."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from lrscope.core.paths import conf_folders

_behind_the_first: list[Path] = []


def first_folder(words: Sequence[str]) -> Path:
    """Where Hydra is to look first. The other folders are told to it behind that one, one after the other.

    They are told to Hydra of this process only: another program with Hydra in the same environment sees none of them.

    Args:
        words: the command line; its ``--config-dir`` goes before all others.
    """
    named = [Path(folder).resolve() for folder in _config_dir(words)]
    first, *others = [folder for folder in named if folder.is_dir()] + conf_folders()
    _behind_the_first[:] = others
    _tell_hydra()
    return first


def _config_dir(words: Sequence[str]) -> list[str]:
    """What stands behind ``--config-dir`` or ``-cd``."""
    beside = [after for word, after in pairwise(words) if word in ("--config-dir", "-cd")]
    return beside + [word.partition("=")[2] for word in words if word.startswith(("--config-dir=", "-cd="))]


def _tell_hydra() -> None:
    from hydra.core.config_search_path import ConfigSearchPath
    from hydra.core.plugins import Plugins
    from hydra.plugins.search_path_plugin import SearchPathPlugin

    class ConfFolders(SearchPathPlugin):
        def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
            for folder in _behind_the_first:
                search_path.append("lrscope", f"file://{folder}")

    known = Plugins.instance().discover(SearchPathPlugin)
    if ConfFolders.__qualname__ not in {plugin.__qualname__ for plugin in known}:
        Plugins.instance().register(ConfFolders)
