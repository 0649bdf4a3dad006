"""Passwords that a config holds: Hydra writes it to disk as it was typed, before anything could be hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lrscope.core.errors import Problem
from lrscope.core.fingerprint import flatten
from lrscope.core.redact import HIDDEN, holds_a_password, names_a_password, redact_uri

_RULE = "holds a password, which Hydra would write into its files"


def secrets_typed(raw: Mapping[str, Any], roof: str = "") -> Iterator[Problem]:
    """The keys whose own value is a password, or an address that holds one.

    Args:
        raw: a config as plain data, its references not resolved: where a secret comes from is none.
        roof: the key of the whole, in front of the others.
    """
    for key, value in flatten(raw, roof).items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, dict) and text:  # an empty one is a leaf
                yield from secrets_typed(text, key)
            elif isinstance(text, str) and (shown := _without_password(key, text)) != text:
                yield Problem(key, shown, _RULE, _remedy(key))


def secrets_typed_for_hydra(hydra: Mapping[str, Any]) -> Iterator[Problem]:
    """The same of Hydra's own part. The words of the command are in it twice more, and are told by their own keys."""
    own = {key: value for key, value in hydra.items() if key != "overrides"}
    job = {key: value for key, value in own.get("job", {}).items() if key != "override_dirname"}
    yield from secrets_typed({**own, "job": job}, "hydra")


def _without_password(key: str, text: str) -> str:
    if "://" in text and holds_a_password(text):
        return redact_uri(text)
    literal = text and "${" not in text
    return HIDDEN if literal and names_a_password(key.rpartition(".")[2]) else text


def _remedy(key: str) -> str:
    if key == "tracking.uri":
        return "Put the address into MLFLOW_TRACKING_URI instead."
    return f"Put it into a variable of the environment, e.g. MY_SECRET, and write {key}=\\${{oc.env:MY_SECRET}}."
