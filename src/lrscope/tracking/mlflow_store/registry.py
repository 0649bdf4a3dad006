"""MLflow's registry of models: versions of a name, and the aliases that point at them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrscope.core.errors import InputError, Problem
from lrscope.core.from_store import is_id, line, text

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, PREVIOUS = "champion", "previous"
"""The aliases: the version in use, and the one that was in use before it."""

READY = "READY"


@dataclass(frozen=True)
class Version:
    """One version of a registered model. ``number`` counts from 1; ``source`` says where its files lie."""

    number: str
    run_id: str
    source: str
    tags: Mapping[str, str]


def check_name(name: str) -> None:
    """Raises:
    InputError: MLflow or ``NAME@alias`` could not read it.
    """
    odd = set(name) & set("/:@'\"`\\") or name[:1] in ("-", ".")  # MLflow's search for a name cannot hold a quote
    if not name.strip() or odd or not name.isprintable() or line(name) != name or len(name) > 250:
        rule = "a registered model's name is one line of up to 250 letters, without / : @ \\ and quotes, - . not first"
        raise InputError(Problem("NAME", name[:80], rule, "Use e.g. digits."))


def version_at(client: MlflowClient, name: str, alias: str) -> Version | None:
    """The version that an alias (or a number) points at; None where there is none."""
    number = aliases(client, name).get(alias, alias if alias.isdecimal() else None)
    return next((one for one in versions(client, name) if one.number == number), None)


def aliases(client: MlflowClient, name: str) -> dict[str, str]:
    """The number of the version by each alias of a name; empty where nothing of that name is registered."""
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_registered_model(name).aliases
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        raise
    return {line(alias): str(number) for alias, number in found.items()}


def versions(client: MlflowClient, name: str) -> list[Version]:
    """All versions of a name, the newest first."""
    found = client.search_model_versions(f"name = '{name.replace(chr(39), chr(39) * 2)}'")
    return [_version(one) for one in found]


def registered_runs(client: MlflowClient) -> set[str]:
    """The runs whose models are versions of any name."""
    found: set[str] = set()
    token: str | None = None
    while True:
        page = client.search_model_versions(max_results=1000, page_token=token)
        found |= {run_id for one in page if (run_id := _run_of_version(client, _version(one))) is not None}
        if not (token := page.token):
            return found


def _run_of_version(client: MlflowClient, version: Version) -> str | None:
    from mlflow.exceptions import MlflowException

    model_id = version.source.removeprefix("models:/")
    if is_id(version.run_id) or model_id == version.source or not is_id(model_id):
        return version.run_id
    try:
        return client.get_logged_model(model_id).source_run_id
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def add_version(
    client: MlflowClient, name: str, model_id: str, run_id: str, tags: Mapping[str, str], words: str
) -> Version:
    """Register a logged model; one that a command which was killed had begun is taken up.

    Args:
        words: its description on MLflow's page.
    """
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"models:/{model_id}"
    known = next((one for one in versions(client, name) if one.source == source), None)
    if known is None:
        with _asked_by_itself(client.tracking_uri):
            made = client.create_model_version(name, source, run_id, dict(tags), description=words, model_id=model_id)
        return _version(made)
    for key, value in tags.items():
        client.set_model_version_tag(name, known.number, key, value)
    client.update_model_version(name, known.number, words)
    return known


@contextmanager
def _asked_by_itself(uri: str) -> Iterator[None]:
    """MLflow's registry in a database looks a model up at the tracking URI of the process, whatever its client's is."""
    from mlflow.tracking._tracking_service.utils import _use_tracking_uri

    before = os.environ.get("MLFLOW_TRACKING_URI")
    try:
        with _use_tracking_uri(uri):
            yield
    finally:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


def crown(client: MlflowClient, name: str, version: Version) -> None:
    """Let the alias ``champion`` point at a version, and ``previous`` at the one that was it.

    ``previous`` goes first: whatever is cut off in between, there is a champion.
    """
    before = aliases(client, name).get(CHAMPION)
    if before == version.number:
        return
    if before is not None:
        client.set_registered_model_alias(name, PREVIOUS, before)
    client.set_registered_model_alias(name, CHAMPION, version.number)


def model_of(client: MlflowClient, run: Any) -> str | None:
    """The id of the model that a run has logged, whole; None where it has none."""
    outputs = run.outputs.model_outputs if run.outputs is not None else []
    ids = [output.model_id for output in outputs if is_id(output.model_id)]
    return next((one for one in ids if _is_whole(client, one)), None)


def _is_whole(client: MlflowClient, model_id: str) -> bool:
    """Not one that was deleted since, or that is still being written."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_logged_model(model_id).status) == READY
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise


def _version(found: Any) -> Version:
    tags = {line(key): text(value) for key, value in found.tags.items()}
    return Version(str(found.version), line(found.run_id), line(found.source), tags)
