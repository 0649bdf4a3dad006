"""Keys that nothing would read: of the groups whose keys are all known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

from lrscope.config.schema import Config, TrainerConfig
from lrscope.config.suggest import did_you_mean, nearest_keys
from lrscope.core.errors import Problem
from lrscope.core.fingerprint import flatten

LIGHTNINGS_OWN = ("benchmark", "detect_anomaly", "sync_batchnorm")
"""Arguments of Lightning's Trainer that are not listed and have their effect all the same."""

INSTEAD = {
    "trainer.logger": "lrscope records in MLflow by itself, see tracking.*.",
    "trainer.max_epochs": "Set epochs=.",
    "trainer.min_epochs": "Set epochs=.",
    "trainer.max_steps": "Set max_steps=.",
    "trainer.min_steps": "Set epochs=.",
    "trainer.max_time": "Set max_time=.",
    "trainer.callbacks": "Set callbacks.extra=[{_target_: module.Class}].",
    "trainer.enable_checkpointing": "Set callbacks.checkpoint.*.",
    "trainer.enable_progress_bar": "Set callbacks.progress=none.",
    "trainer.fast_dev_run": "Choose trainer=smoke.",
    "trainer.overfit_batches": "Set trainer.limit_train_batches=.",
    "trainer.check_val_every_n_epoch": "Set callbacks.evaluate_every_epochs=.",
    "trainer.val_check_interval": "Set evaluate_every_steps=, or callbacks.evaluate_every_epochs=.",
    "trainer.log_every_n_steps": "Set tracking.every_n_steps=.",
    "trainer.default_root_dir": "Set LRSCOPE_ROOT, or hydra.run.dir=.",
}
"""What to do in place of a key that other tools, or Lightning, would read."""


def unknown_keys(cfg: Any) -> Iterator[Problem]:
    """The keys that are none of lrscope's. One of the user's own that another key refers to (``${width}``) has its
    effect.
    """
    from omegaconf import OmegaConf

    raw: Any = OmegaConf.to_container(cfg, resolve=False)
    known = [key for key in _known(Config) if key not in ("steps_per_epoch", "total_steps")]
    references = " ".join(str(value) for value in flatten(raw).values() if "${" in str(value))
    unread = [leaf for key, value in _unread(raw, Config, "") for leaf in flatten(value, key).items()]
    for key, value in unread:
        if not re.search(rf"\$\{{[^}}]*\b{re.escape(key)}\b", references):
            yield _problem(key, value, known)


def _unread(tree: Any, schema: type, roof: str) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(schema)
    for key, value in tree.items():
        full = f"{roof}{key}"
        if key not in hints:
            if not (schema is TrainerConfig and key in LIGHTNINGS_OWN):
                yield full, value
        elif is_dataclass(hints[key]) and isinstance(value, dict):
            yield from _unread(value, hints[key], f"{full}.")


def _known(schema: type, roof: str = "") -> Iterator[str]:
    hints = get_type_hints(schema)
    for field in fields(schema):
        yield f"{roof}{field.name}"
        if is_dataclass(hints[field.name]):
            yield from _known(hints[field.name], f"{roof}{field.name}.")


def _problem(key: str, value: Any, known: list[str]) -> Problem:
    rule = "nothing reads this key"
    if key.startswith("trainer."):
        rule = "is no argument of Lightning's Trainer that can be set here"
    near = [word for word in nearest_keys(key, [*known, *INSTEAD]) if not key.startswith(f"{word}.")]
    remedy = INSTEAD.get(key) or (INSTEAD.get(near[0]) if near else None)
    remedy = remedy or did_you_mean(near).strip() or f"Leave +{key} out."
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return Problem(key, shown, rule, remedy)
