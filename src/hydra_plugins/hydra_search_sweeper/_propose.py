"""Launches a search batch by batch: each is proposed from what the ones before came to.

Nothing is remembered between commands. A search that was interrupted is asked again for its first batch, whose members
MLflow has; from what they came to follows the second, and so on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn
from omegaconf import OmegaConf

from hydra_plugins.hydra_search_sweeper.search_sweeper import SearchSweeper
from lrscope.core.outcome import Outcome
from lrscope.core.stop_signals import STOP
from lrscope.search.interval import Interval
from lrscope.search.propose import Point
from lrscope.search.study import Tried, ask
from lrscope.sweeps.expand import by_seed, combinations, intervals, joined

Jobs = list[list[str]]


def sweep(sweeper: SearchSweeper, words: Sequence[str]) -> list[Sequence[JobReturn]]:
    """Launch all batches of these words; what they returned."""
    config, context, launcher = sweeper.config, sweeper.hydra_context, sweeper.launcher
    assert config is not None and context is not None and launcher is not None
    parsed = OverridesParser.create(config_loader=context.config_loader).parse_overrides(list(words))
    spans = intervals([override for override in parsed if override.is_interval_sweep()])
    Path(config.hydra.sweep.dir).mkdir(parents=True, exist_ok=True)
    OmegaConf.save(config, Path(config.hydra.sweep.dir) / "multirun.yaml")
    searches = [_Search(spans, jobs, config.search) for jobs in by_seed(combinations(parsed))]
    returned: list[Sequence[JobReturn]] = []
    launched = 0
    while STOP.requested() is None:
        batches = [search.next_jobs() for search in searches]
        jobs = [job for batch in batches for job in batch]
        if not jobs:
            break
        results = list(launcher.launch(jobs, initial_job_idx=launched))
        outcomes = [result.return_value for result in results]  # raises what the job raised
        for search, batch in zip(searches, batches, strict=True):
            search.learn(outcomes[: len(batch)])
            outcomes = outcomes[len(batch) :]
        launched += len(jobs)
        returned.append(results)
    return returned


class _Search:
    """One combination of the listed values, in all its seeds."""

    def __init__(self, spans: Sequence[Interval], jobs: Jobs, how: Any) -> None:
        self._spans, self._jobs, self._how = spans, jobs, how
        self._tried: list[Tried] = []
        self._asked: list[Point] = []

    def next_jobs(self) -> Jobs:
        """Those of the next batch; none when all trials were tried."""
        left = int(self._how.trials) - len(self._tried)
        count = min(int(self._how.batch), left)
        self._asked = ask(self._spans, self._tried, count, int(self._how.seed)) if count > 0 else []
        return joined(self._jobs, self._asked)

    def learn(self, outcomes: Sequence[Outcome | None]) -> None:
        """What the jobs of the batch came to, in their order."""
        for point, own in zip(self._asked, _pieces(outcomes, len(self._jobs)), strict=True):
            losses = [_loss(outcome) for outcome in own]
            stopped = [outcome.steps for outcome in own if outcome is not None and outcome.pruned]
            self._tried.append(Tried(point, sum(losses) / len(losses), max(stopped, default=None)))


def _pieces(outcomes: Sequence[Outcome | None], size: int) -> list[Sequence[Outcome | None]]:
    return [outcomes[first : first + size] for first in range(0, len(outcomes), size)]


def _loss(outcome: Outcome | None) -> float:
    """As the report has it: the mean of the loss at its best and at the end; inf where it failed."""
    if outcome is None or outcome.status != "FINISHED":
        return math.inf
    key = "val/loss" if "val/loss" in outcome.final else "train/loss_eval"
    mean = (outcome.final.get(key, math.inf) + outcome.best.get(key, math.inf)) / 2
    return mean if math.isfinite(mean) else math.inf
