"""Where a command looks for YAML files: the folder it names, the project's own ``conf``, then what lrscope ships."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lrscope.core.command_words import type_again
from lrscope.core.errors import InputError, Problem
from lrscope.core.paths import conf_folders

_behind_the_first: list[Path] = []


def first_folder(words: Sequence[str]) -> Path:
    """Where Hydra is to look first. The other folders are told to it behind that one, one after the other.

    They are told to Hydra of this process only: another program with Hydra in the same environment sees none of them.

    What the words say of it is part of each command that goes on with this one.

    Args:
        words: the command line; its ``--config-dir`` goes before all others.

    Raises:
        InputError: they name no folder, or would take lrscope's own files away.
    """
    from hydra._internal.utils import get_args_parser

    typed = get_args_parser().parse_known_args(list(words))[0]
    if typed.config_path:
        remedy = "Write --config-dir=FOLDER: its files go before lrscope's, and --config-name=NAME chooses among them."
        raise InputError(Problem("--config-path", typed.config_path, "takes lrscope's own files away", remedy))
    named = [Path(typed.config_dir).expanduser().resolve()] if typed.config_dir else []
    if named and not named[0].is_dir():
        rule = "is no folder" if named[0].exists() else f"there is no such folder (looked for {named[0]})"
        raise InputError(Problem("--config-dir", typed.config_dir, rule, "Name one that holds GROUP/OPTION.yaml."))
    type_again(
        *(f"--config-dir={folder}" for folder in named),
        *([f"--config-name={typed.config_name}"] if typed.config_name else []),
    )
    first, *others = [*named, *conf_folders()]
    _behind_the_first[:] = others
    _tell_hydra()
    return first


def search_of(words: Sequence[str]) -> tuple[str, str, list[str]]:
    """The first folder of ``first_folder``, the name of the config in it, and the words that are overrides."""
    from hydra._internal.utils import get_args_parser

    overrides = [word for word in words if not word.startswith("--config-")]
    name = get_args_parser().parse_known_args(list(words))[0].config_name
    return str(first_folder(words)), name or "train", overrides


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
