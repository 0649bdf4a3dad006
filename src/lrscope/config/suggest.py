"""What a user may have meant by a word that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

SYNONYMS = {
    **dict.fromkeys(("learning_rate", "learningrate", "learn_rate", "peak_lr", "base_lr", "init_lr", "eta"), "lr"),
    **dict.fromkeys(("epoch", "n_epochs", "num_epochs", "max_epochs", "nepochs"), "epochs"),
    **dict.fromkeys(("steps", "num_steps", "n_steps", "train_steps", "num_train_steps", "iterations"), "max_steps"),
    **dict.fromkeys(("eval_steps", "val_check_interval", "eval_every", "validate_every"), "evaluate_every_steps"),
    **dict.fromkeys(("bs", "batchsize", "batch", "train_batch_size", "minibatch_size"), "batch_size"),
    **dict.fromkeys(("random_seed", "random_state", "manual_seed"), "seed"),
    **dict.fromkeys(("data", "data_set", "datamodule"), "dataset"),
    **dict.fromkeys(("net", "network", "arch", "architecture", "backbone"), "model"),
    **dict.fromkeys(("opt", "optim"), "optimizer"),
    **dict.fromkeys(("schedule", "sched", "lr_scheduler", "lr_schedule"), "scheduler"),
    **dict.fromkeys(("wd", "weightdecay", "l2"), "optimizer.weight_decay"),
    **dict.fromkeys(("device", "gpu", "cuda"), "trainer.accelerator"),
    **dict.fromkeys(("gpus", "num_gpus", "n_gpus"), "trainer.devices"),
    **dict.fromkeys(
        ("clip", "grad_clip", "gradient_clip", "clip_grad", "clip_grad_norm", "max_grad_norm"),
        "trainer.gradient_clip_val",
    ),
    **dict.fromkeys(
        ("grad_accum", "accumulate", "gradient_accumulation", "gradient_accumulation_steps"),
        "trainer.accumulate_grad_batches",
    ),
    **dict.fromkeys(("logger", "logging", "mlflow"), "tracking"),
    **dict.fromkeys(("tracking_uri", "mlflow_uri"), "tracking.uri"),
    **dict.fromkeys(("experiment_id", "exp_name", "exp", "project"), "experiment_name"),
}
"""What other tools call a key of lrscope's."""


def nearest_words(word: str, known: Iterable[str], most: int = 2) -> list[str]:
    """Those spelled much alike, the likest first."""
    by_lower, wanted = {name.lower(): name for name in known}, word.lower()
    swapped = [name for name in by_lower if name != wanted and sorted(name) == sorted(wanted)]
    begun = [name for name in by_lower if len(wanted) > 2 and name.startswith(wanted)]
    found = [*swapped, *begun, *difflib.get_close_matches(wanted, by_lower, n=most, cutoff=0.6)]
    return [by_lower[name] for name in dict.fromkeys(found) if by_lower[name] != word][:most]


def nearest_keys(key: str, known: Sequence[str]) -> list[str]:
    """Keys of lrscope that may have been meant: another tool's name for one, the same last word under another roof,
    a last word that is spelled alike, or a whole key that is.
    """
    roof, _, last = key.rpartition(".")
    if last not in known and SYNONYMS.get(last) in known:
        return [SYNONYMS[last]]
    same = [other for other in known if other.rpartition(".")[2] == last and other != key]
    same = difflib.get_close_matches(key, same, n=2, cutoff=0.75) or same  # a roof that is misspelled
    same = same or [other for other in known if other.endswith(f".{last}.enabled")]
    beside = [other.rpartition(".")[2] for other in known if other.rpartition(".")[0] == roof]
    alike = [f"{roof}.{word}".lstrip(".") for word in nearest_words(last, beside)]
    return (alike or same or difflib.get_close_matches(key, known, n=1, cutoff=0.75))[:2]


def did_you_mean(words: Sequence[str]) -> str:
    """``Did you mean lr? `` with a space behind it; empty where there is no guess."""
    return f"Did you mean {' or '.join(words)}? " if words else ""
