"""The identity of a run: a hash of everything in its config that can change the result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

IRRELEVANT = (
    "tracking",
    "resume",
    "sweep",
    "search",
    "find",
    "experiment_name",
    "dataset.path",
    "dataset.val_path",
    "dataset.targets_path",
    "dataset.tokenizer",
    "callbacks.progress",
    "callbacks.checkpoint.every_seconds",
    "callbacks.look_ahead",
    "callbacks.trial_seconds",
    "trainer.threads",
)
"""Keys that say where or how a run is recorded, launched or shown, and cannot change what it computes; what files hold
is part of the data's digest.
"""


ADDED_SINCE: Mapping[str, Any] = {
    "loss": {},
    "loss._target_": None,
    "metrics": {},
    **dict.fromkeys(("max_steps", "max_time", "evaluate_every_steps")),
    "dataset.classes": None,
    "model.checkpoint": None,
    "model.fresh_head": None,
    "optimizer.groups": {},
    "optimizer.no_decay": None,
}
"""Keys that older runs have not, and the value that means what those runs did: with it they are the same run."""


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """The leaves of a nested config by dotted key. Lists are leaves; an empty mapping is a leaf too."""
    if isinstance(tree, Mapping) and tree:
        leaves: dict[str, Any] = {}
        for key, value in tree.items():
            leaves |= flatten(value, f"{prefix}.{key}" if prefix else str(key))
        return leaves
    return {prefix: tree}


def relevant(config: Mapping[str, Any]) -> dict[str, Any]:
    """The leaves that can change the result, by dotted key."""
    return {
        key: value
        for key, value in flatten(config).items()
        if not any(key == name or key.startswith(name + ".") for name in IRRELEVANT)
        and not (key in ADDED_SINCE and value == ADDED_SINCE[key])
    }


def fingerprint(config: Mapping[str, Any], dataset_digest: str = "") -> str:
    """16 hex digits that name a run: equal for equal configs and equal data, whatever the order of the keys.

    Args:
        config: the resolved config as plain Python data.
        dataset_digest: the digest of the data; empty for a comparison of configs alone.
    """
    text = json.dumps({"config": relevant(config), "dataset": dataset_digest}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digest_without(config: Mapping[str, Any], keys: Iterable[str]) -> str:
    """16 hex digits that are equal for configs which differ in nothing but these dotted keys, if at all."""
    left_out = set(keys)
    leaves = {key: value for key, value in relevant(config).items() if key not in left_out}
    return hashlib.sha256(json.dumps(leaves, sort_keys=True, default=str).encode()).hexdigest()[:16]
