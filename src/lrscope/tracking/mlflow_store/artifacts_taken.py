"""Whether the artifacts of an experiment will find a place: asked before anything trains."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from urllib.parse import urlsplit

from lrscope.core.errors import InputError, Problem
from lrscope.core.redact import redact, redact_uri
from lrscope.tracking.mlflow_store.artifact_place import check_place, local_folder
from lrscope.tracking.mlflow_store.reach import asked
from lrscope.tracking.mlflow_store.store import Store

WITHIN_S = 5.0
"""A bucket that does not answer within this time is taken for one that is away just now."""

_DEFAULT = "0"
"""The experiment that every store has: a new one of a server keeps its artifacts beside those of it."""
_NO_SUCH_PAGE = (404, 405, 501)
_NOT_SERVED = "--no-serve-artifacts"


def check_artifacts(store: Store, experiment: str) -> None:
    """Raises:
    InputError: nothing may, or can, be written where the experiment's artifacts go. What may pass, as an outage, is
        left to the delivery.
    """
    try:
        location = _location(store, experiment)
    except Exception:
        return
    if location is None:
        return
    check_place(location, store.address.uri)
    folder = local_folder(location)
    if folder is not None:
        _check_folder(folder, location)
        return
    by_server = urlsplit(location).scheme in ("mlflow-artifacts", "http", "https")
    why = _of_server(store) if by_server else _of_bucket(store, location)
    if why is not None:
        remedy = "Mend that, or choose an experiment_name whose artifacts lie elsewhere."
        raise InputError(Problem("artifacts", redact_uri(location), redact(why), remedy))


def _location(store: Store, experiment: str) -> str | None:
    found = store.client.get_experiment_by_name(experiment)
    if found is None and not store.address.is_server:
        return None  # it will be made beside the project
    return str((found or store.client.get_experiment(_DEFAULT)).artifact_location)


def _check_folder(folder: Path, location: str) -> None:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        rule = f"{there} is no folder that can be written here"
        remedy = "Mend that; a server on another machine must serve its artifacts: mlflow server --serve-artifacts."
        raise InputError(Problem("artifacts", redact_uri(location), rule, remedy))


def _of_server(store: Store) -> str | None:
    """Why a server takes no artifacts, whoever asks and however often; None where it does, or is away."""
    try:
        answer = asked(store.address, "mlflow-artifacts/artifacts", {})
    except Exception:
        return None
    if _NOT_SERVED in answer.text:
        return f"the server was started with {_NOT_SERVED}"
    return f"the server answers {answer.status_code} to them" if answer.status_code in _NO_SUCH_PAGE else None


_NO_ACCESS = (
    *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound"),
    *("TokenRetrievalError", "UnauthorizedSSOTokenError", "DefaultCredentialsError", "ClientAuthenticationError"),
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "NoSuchBucket", "InvalidBucketName"),
)
"""Errors of the buckets' clients, and codes of their answers, that no waiting mends."""


def _no_access(error: BaseException) -> list[str]:
    """What of a bucket's error lasts; nothing where it may pass, or where only listing is forbidden."""
    one: BaseException | None = error
    while one is not None:
        answer = getattr(one, "response", None)
        code = answer.get("Error", {}).get("Code") if isinstance(answer, dict) else None
        if type(one).__name__ in _NO_ACCESS or code in _NO_ACCESS:
            first = str(one).splitlines()[0] if str(one) else type(one).__name__
            return [f"nothing can be kept in the bucket ({first.rstrip('. ')[:200]})"]
        one = one.__cause__ or one.__context__
    return []


def _of_bucket(store: Store, location: str) -> str | None:
    """Why nothing can be asked of a bucket from here, or be kept in it."""
    found: list[str] = []

    def ask() -> None:
        try:
            store.artifact_folder(location).list_artifacts()
        except ImportError as error:
            found.append(f"{urlsplit(location).scheme}:// needs a package that is not installed ({error})")
        except Exception as error:
            found.extend(_no_access(error))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(WITHIN_S)
    return found[0] if found else None
