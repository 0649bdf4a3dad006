"""What the store says of a run that is to be trained again."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lrscope.core.errors import InputError, Problem
from lrscope.core.from_store import text
from lrscope.core.run_facts import RunFacts
from lrscope.core.stored_command import stored_command
from lrscope.core.tracking_settings import TrackingSettings
from lrscope.report.data.collect import stored_run
from lrscope.tracking.mlflow_store.fetch import fetch_artifact
from lrscope.tracking.mlflow_store.runs import PARENT

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

REPRODUCES = "lrscope.reproduces"
"""Tag of a run that trained another one again: the id of that one."""

COMMIT = "mlflow.source.git.commit"
LARGEST = 2_000_000
"""Bytes of a config or an environment; more is none."""


@dataclass(frozen=True)
class Recorded:
    """``overrides`` of the run's own command, ahead of them where it looked for YAML files, ``config`` as it was
    resolved, ``environment`` a package a line, ``difference`` of its working tree from ``commit``; empty where they
    were not recorded. ``batched``: it was trained in one model with others. ``sweep``: the local id of the one that it
    is a member of; empty of a lone run.
    """

    run_id: str
    local_id: str
    sweep: str
    name: str
    experiment: str
    overrides: tuple[str, ...]
    config: Mapping[str, Any]
    environment: str
    difference: str
    commit: str
    data: str
    batched: bool


def recorded(client: MlflowClient, word: str) -> Recorded:
    """Read a run or a member.

    Raises:
        InputError: no such run; a sweep; a run that lrscope did not make, or that is not recorded whole.
    """
    run = stored_run(client, word)
    tags, run_id = run.data.tags, run.info.run_id
    if tags.get("lrscope.kind") not in ("run", "member"):
        rule = "is a sweep" if tags.get("lrscope.kind") == "sweep" else "was not made by lrscope"
        raise InputError(Problem("reproduce", run_id, rule, "Give the id of a run or of a member."))
    files = {name: _file(client, run_id, name) for name in ("overrides.yaml", "config.yaml")}
    overrides, config = (_plain(content) for content in files.values())
    if not isinstance(overrides, list) or not isinstance(config, dict):
        lacking = "overrides.yaml" if not isinstance(overrides, list) else "config.yaml"
        raise InputError(Problem("reproduce", run_id, f"its {lacking} is not in the store", "Type its command again."))
    commit = tags.get(COMMIT, "")
    return Recorded(
        run_id=run_id,
        local_id=tags.get("lrscope.local_id", ""),
        sweep=tags.get("lrscope.parent_local_id", ""),
        name=run.info.run_name or run_id,
        experiment=client.get_experiment(run.info.experiment_id).name,
        overrides=(*searched_by(client, run), *(text(one) for one in overrides)),
        config=config,
        environment=_file(client, run_id, "environment.txt"),
        difference=_file(client, run_id, "git.diff"),
        commit=commit if re.fullmatch(r"[0-9a-f]{40}", commit) else "",
        data=RunFacts.from_json(tags.get("lrscope.facts", "{}")).data_digest or "",
        batched=tags.get("lrscope.together") == "true",
    )


def searched_by(client: MlflowClient, run: Run) -> tuple[str, ...]:
    """``--config-dir`` and ``--config-name`` of the command that began a run, or the sweep that it is a member of: what
    they name is composed ahead of everything else.
    """
    from mlflow.exceptions import MlflowException

    tags = run.data.tags
    if tags.get("lrscope.kind") == "member":
        try:
            tags = client.get_run(tags.get(PARENT, "")).data.tags
        except MlflowException:  # removed since
            return ()
    return tuple(word for word in stored_command(tags) or () if word.startswith("--config-"))


def _file(client: MlflowClient, run_id: str, name: str) -> str:
    """The text of an artifact; empty where the run has none of that name, or none that is sane."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / name
        there = fetch_artifact(TrackingSettings(uri=client.tracking_uri), run_id, name, place)
        if not there or place.stat().st_size > LARGEST:
            return ""
        return place.read_text("utf-8", errors="replace")


def _plain(content: str) -> Any:
    try:
        return yaml.safe_load(content)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
