"""The engines of a sweep: what each is told by ``sweep.engine_options``, and what it needs to be installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from lrscope.config.suggest import did_you_mean, nearest_words
from lrscope.core.errors import Problem

LOCAL = "local"
"""``sweep.engine``: this process."""


@dataclass(frozen=True)
class EngineNeeds:
    """``options`` that it reads; ``program`` that must be on the path, if any."""

    options: tuple[str, ...] = ()
    package: str = ""
    extra: str = ""
    program: str = ""


OF_JOBS = (
    *("cluster", "partition", "timeout_min", "cpus_per_task", "gpus_per_node", "mem_gb"),
    *("account", "qos", "constraint", "setup", "signal_delay_s"),
)

ENGINES = {
    LOCAL: EngineNeeds(),
    "joblib": EngineNeeds(),
    "slurm": EngineNeeds(OF_JOBS, "submitit", "slurm", "sbatch"),
    "ray": EngineNeeds(("address", "num_cpus", "num_gpus"), "ray", "ray"),
}

CLUSTERS = ("slurm", "local")
"""Of submitit: SLURM, or processes of this machine that are treated as jobs."""


def check_engine(sweep: Any) -> Iterator[Problem]:
    """What is wrong with ``sweep.engine`` and what belongs to it."""
    name = str(sweep.engine)
    if name not in ENGINES:
        near = did_you_mean(nearest_words(name, ENGINES)).strip()
        yield Problem("sweep.engine", name, f"must be one of {', '.join(ENGINES)}", near or "Try sweep.engine=joblib.")
    workers: int | None = sweep.workers
    if workers is not None and workers < 1:
        yield Problem("sweep.workers", str(workers), "must be at least 1", "Try sweep.workers=2.")
    if sweep.retries < 0:
        yield Problem("sweep.retries", str(sweep.retries), "must be 0 or above", "Try sweep.retries=2.")
    if name not in ENGINES:
        return
    if name != LOCAL:  # of the local engine they are typed in vain, which is told as such
        yield from _options(name, given_options(sweep))
    yield from _installed(name, str(sweep.engine_options.cluster or CLUSTERS[0]))


def given_options(sweep: Any) -> dict[str, Any]:
    """``sweep.engine_options`` without what is left to the engine."""
    options = {str(key): value for key, value in sweep.engine_options.items() if value is not None}
    return options | ({"setup": [str(line) for line in options["setup"]]} if "setup" in options else {})


def _options(engine: str, given: dict[str, Any]) -> Iterator[Problem]:
    known = ENGINES[engine].options
    for option, value in given.items():
        key, shown = f"sweep.engine_options.{option}", str(value)
        if option not in known:
            owner = next((name for name, needs in ENGINES.items() if option in needs.options), "")
            has = f"it has {', '.join(known)}" if known else "it has none"
            rule = f"sweep.engine={engine} has no such option; {has}"
            yield Problem(key, shown, rule, f"Leave it out, or choose sweep.engine={owner}." if owner else "")
        elif isinstance(value, int | float) and value < 0:
            yield Problem(key, shown, "must be 0 or above", "Leave it out for the engine's own default.")
        elif option == "cluster" and value not in CLUSTERS:
            yield Problem(key, shown, f"must be one of {', '.join(CLUSTERS)}", "Leave it out for SLURM.")


def _installed(engine: str, cluster: str) -> Iterator[Problem]:
    needs = ENGINES[engine]
    if needs.package and find_spec(needs.package) is None:
        rule = f"needs {needs.package}, which is not installed"
        yield Problem("sweep.engine", engine, rule, f"Install it with pip install 'lrscope[{needs.extra}]'.")
    elif needs.program and cluster == CLUSTERS[0] and shutil.which(needs.program) is None:
        rule = f"needs the program {needs.program}, which is not on this machine's path"
        remedy = "Start the sweep where SLURM's programs are, or choose sweep.engine=joblib."
        yield Problem("sweep.engine", engine, rule, remedy)
