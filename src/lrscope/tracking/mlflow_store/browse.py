"""How a person comes to MLflow's page of a store."""

from __future__ import annotations

import shlex

from lrscope.core.command_words import command, script
from lrscope.core.errors import InputError
from lrscope.core.redact import redact_uri
from lrscope.tracking.mlflow_store.address import resolve_uri


def page_command(uri: str | None) -> str | None:
    """What to type for the page: ``make ui`` for the store that this opens by itself, else with the store's address
    (without its password). None where the store is a server, which has the page.

    Args:
        uri: as ``tracking.uri``; None for the default.
    """
    try:
        address, default = resolve_uri(uri), resolve_uri(None)
    except InputError:
        return command("ui")
    if address.is_server:
        return None
    if address.uri == default.uri:
        return command("ui")
    return f"{script('ui')} --uri {shlex.quote(redact_uri(address.uri))}"


def browsed(uri: str | None) -> str:
    """The same in words, behind the id of a run."""
    typed = page_command(uri)
    return f"browse with `{typed}`" if typed is not None else f"browse at {redact_uri(resolve_uri(uri).uri)}"
