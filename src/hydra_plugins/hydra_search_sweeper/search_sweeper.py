"""The sweeper as Hydra finds it. Plain lists are Hydra's own sweeper's, which it is; the work on intervals is imported
when there are some.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.types import Override


class SearchSweeper(BasicSweeper):
    """Launches the members of a sweep; of an interval it makes the values that are tried."""

    def split_arguments(  # type: ignore[override]  # a method here: it has to know how to search
        self, overrides: list[Override], max_batch_size: int | None
    ) -> list[list[list[str]]]:
        if not any(override.is_interval_sweep() for override in overrides):
            return BasicSweeper.split_arguments(overrides, max_batch_size)
        from lrscope.sweeps.expand import jobs_of

        assert self.config is not None
        return [[list(job) for job in jobs_of(overrides, self.config.search)]]

    def sweep(self, arguments: list[str]) -> Any:
        """Launch the jobs of these words; what they returned."""
        from lrscope.sweeps.expand import proposes_as_it_goes

        assert self.config is not None
        words: Sequence[str] = [*self._parse_config(), *arguments]
        if not proposes_as_it_goes(words, self.config):
            return super().sweep(arguments)
        from hydra_plugins.hydra_search_sweeper._propose import sweep

        return sweep(self, words)
