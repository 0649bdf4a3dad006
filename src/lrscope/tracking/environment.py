"""What MLflow's environment variables ask of a command, beside the address of the store."""

from __future__ import annotations

import os

from lrscope.core.errors import Problem
from lrscope.tracking.system_metrics import INTERVAL, sample_every_s


def environment_problems(experiment_is_typed: bool, resume: str | None, system_metrics: bool = False) -> list[Problem]:
    """Variables that MLflow's own calls would follow and lrscope cannot.

    Args:
        experiment_is_typed: ``experiment_name`` was given, and goes before the environment.
        resume: what the command goes on with.
        system_metrics: the machine is to be sampled.
    """
    found = []
    run_id = os.environ.get("MLFLOW_RUN_ID")
    if run_id and run_id != resume:
        rule = "names one run to write into, but every run of lrscope is a new one or goes on with its own"
        found.append(Problem("MLFLOW_RUN_ID", run_id, rule, f"Unset it, or go on with that run: resume={run_id}."))
    experiment_id = os.environ.get("MLFLOW_EXPERIMENT_ID")
    if experiment_id and not experiment_is_typed:
        rule = "lrscope knows experiments by name"
        remedy = "Unset it, and set experiment_name= or MLFLOW_EXPERIMENT_NAME."
        found.append(Problem("MLFLOW_EXPERIMENT_ID", experiment_id, rule, remedy))
    if system_metrics and sample_every_s() is None:
        rule = "is the time from one sample to the next: seconds, above 0"
        found.append(Problem(INTERVAL, os.environ.get(INTERVAL, ""), rule, "Unset it: every 10 s."))
    return found


def not_followed(system_metrics: bool) -> list[str]:
    """What the environment asks for and no run will have: words for the user."""
    wanted = os.environ.get("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "").lower() in ("true", "1")
    if wanted and not system_metrics:
        return ["MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING: lrscope records them with tracking.system_metrics=true"]
    return []
