"""A command line that Hydra refused, composed again piece by piece to say all that is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from lrscope.cli.conf_search import first_folder
from lrscope.config.explain import REFUSALS, explain, first_line, key_of
from lrscope.core.errors import InputError, LrscopeError


def explain_command(words: Sequence[str], error: Exception) -> LrscopeError:
    """Find what is wrong with a command that Hydra refused: all problems of a sweep, those of its words of a lone run.

    Args:
        words: the command line, without the program's name.
        error: what Hydra raised; told where nothing better is found.
    """
    from hydra import initialize_config_dir
    from hydra._internal.utils import get_args_parser
    from hydra.core.global_hydra import GlobalHydra

    args = get_args_parser().parse_args(list(words))
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(config_dir=str(args.config_path or first_folder(words)), version_base="1.3"):
            command = _Command(GlobalHydra.instance().config_loader(), args)
            command.raise_problems(args.multirun or command.asks_for_a_sweep())
    except LrscopeError as problem:
        return problem
    except REFUSALS:
        pass  # a YAML file is at fault, not the command line
    return LrscopeError(first_line(error))


FEW = 2
"""Points of an interval that show what is wrong with the other words."""


class _Command:
    """The words of a command with what composes them. ``args`` are Hydra's parsed arguments."""

    def __init__(self, loader: Any, args: Any) -> None:
        self._loader = loader
        self._name = args.config_name or "train"
        self._words: list[str] = args.overrides
        self._extra = [f"hydra.searchpath=[file://{Path(args.config_dir).resolve()}]"] if args.config_dir else []

    def asks_for_a_sweep(self) -> bool:
        """Whether an option says so, as the experiments do; false where they cannot be told."""
        try:
            return str(self._compose(self._choices()).hydra.mode) == "RunMode.MULTIRUN"
        except REFUSALS:
            return False

    def raise_problems(self, sweep: bool) -> None:
        """Raises:
        InputError: with what is wrong.
        """
        from lrscope.config.overrides import run_config
        from lrscope.config.schema import SearchConfig
        from lrscope.config.validate import check
        from lrscope.sweeps.check import check_plan
        from lrscope.sweeps.plan import plan_jobs

        if not sweep:
            explained = explain(self._words, self._compose, self._loader.get_group_options)
            refused = {problem.key for problem in explained.problems}
            words = [word for word in self._words if key_of(word) not in refused]
            problems = [*explained.problems, *check(run_config(explained.cfg, words))]
            if problems:
                raise InputError(problems)
            return
        params = self._compose(self._choices()).hydra.sweeper.get("params") or {}
        words = [*(f"{key}={value}" for key, value in params.items()), *self._words]
        check_plan(plan_jobs(words, self._compose, self._loader, SearchConfig(trials=FEW)))

    def _compose(self, overrides: list[str]) -> DictConfig:
        from hydra.types import RunMode

        cfg: DictConfig = self._loader.load_configuration(self._name, [*self._extra, *overrides], RunMode.RUN)
        return cfg

    def _choices(self) -> list[str]:
        """The words that choose an option that is there."""
        chosen = [word for word in self._words if self._is_group(key_of(word))]
        return [word for word in chosen if "," not in word and self._composes(word)]

    def _composes(self, word: str) -> bool:
        try:
            self._compose([word])
        except REFUSALS:
            return False
        return True

    def _is_group(self, key: str) -> bool:
        return bool(self._loader.repository.group_exists(key))
