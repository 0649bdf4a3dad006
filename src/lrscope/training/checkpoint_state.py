"""What a checkpoint says beside the weights: where the run stands, and whether anything is left to train.

A checkpoint is Lightning's own. Its counters are private to Lightning's loops; whatever reads or writes them is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RANDOM = "lrscope_random"
"""The state of every generator of random numbers."""

MEMBERS = "lrscope_members"
"""What a checkpoint says of how its run was trained: the members of its batched model, 0 by itself."""

COMPILED = "lrscope_compiled"
"""Where the pass of its batched model was compiled: with so many updates to come a smaller model is, too."""

LOSS_SCALE = "MixedPrecision"
"""Lightning's name for the state of a run's GradScaler, in float16."""

LOGGED = "lrscope_logged"
"""Sums of what a LightningModule logged in the epoch, by Lightning's name."""

ENDED = "lrscope_ended"
"""True in the checkpoint of a run that has ended by itself: by its epochs, by early stopping or at a verdict."""


@dataclass(frozen=True, order=True)
class Position:
    """Between two updates: ``batches`` of ``epoch`` (from 0) are done, ``updates`` in all."""

    epoch: int = 0
    batches: int = 0
    updates: int = 0

    @classmethod
    def of(cls, content: Mapping[str, Any] | None) -> Position:
        """Where a checkpoint was saved; the beginning where there is none."""
        if not content:
            return BEGINNING
        loop = content["loops"]["fit_loop"]
        epoch = loop["epoch_progress"]["current"]["completed"]
        (loader,) = loop["state_dict"]["combined_loader"]
        batches = loader["batches"] if loader["epoch"] == epoch else 0
        return cls(epoch, batches, content["global_step"])


BEGINNING = Position()


def check_content(content: Mapping[str, Any]) -> None:
    """Whether a file that is whole is a run's checkpoint at all: it may come from a store.

    Raises:
        ValueError, KeyError, TypeError: it is not.
    """
    if not all(isinstance(content[part], dict) for part in ("state_dict", "loops", "callbacks", RANDOM)):
        raise ValueError("no checkpoint of a run")
    if not all(isinstance(content[part], list) for part in ("optimizer_states", "lr_schedulers")):
        raise ValueError("no checkpoint of a run")
    where = Position.of(content)
    if not all(isinstance(count, int) and count >= 0 for count in (where.epoch, where.batches, where.updates)):
        raise ValueError("no position in a training")


def nothing_left(content: Mapping[str, Any], epochs: int) -> bool:
    """Whether the run had ended by itself when this was saved: there is nothing to train, whatever its record says."""
    if content.get(ENDED) or content["loops"]["fit_loop"]["epoch_progress"]["current"]["completed"] >= epochs:
        return True
    # Written before there was ENDED: early stopping says by itself that it has stopped the run.
    early = [state for key, state in content["callbacks"].items() if key.startswith("EarlyStopping{")]
    return any(state.get("stopping_reason", 0) for state in early)


def loader_state(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the loader left in a checkpoint; Lightning hands it back only within an epoch. Empty where there is none."""
    kept = content["loops"]["fit_loop"]["state_dict"].get("combined_loader", []) if content else []
    return dict(kept[0]) if kept else {}


def settle_at_epoch_start(fit_loop: dict[str, Any]) -> None:
    """Describe the position "before the first batch of epoch e" so that Lightning resumes there.

    Saved from ``on_train_epoch_start``, Lightning's own counters say that the epoch is under way with all batches of
    the last one behind it, and a resumed run would skip the epoch.
    """
    for counts in (fit_loop["epoch_progress"]["current"], fit_loop["epoch_progress"]["total"]):
        counts["ready"] = counts["started"] = counts["completed"]
    batches = fit_loop["epoch_loop.batch_progress"]
    batches["current"] = dict.fromkeys(batches["current"], 0)
    batches["is_last_batch"] = False


def counters_at(
    where: Position, batches_per_epoch: int, per_update: int, interval: str | None, ended: bool
) -> dict[str, Any]:
    """Lightning's counters of a run that stands there: at an epoch's start, within it, or at its end.

    Args:
        per_update: batches of an update.
        interval: when its schedule moves: ``step``, ``epoch``, or None for none.
    """
    between = ended or where.batches == 0
    batches = where.epoch * batches_per_epoch + where.batches
    in_epoch = batches_per_epoch if ended else where.batches
    # Saved from a hook of the batch or epoch that is under way: Lightning counts it as completed only behind the hook.
    under_way = 0 if between else 1
    updates_in_epoch = -(-in_epoch // per_update)
    total, current = _counts(where.updates, where.updates), _counts(updates_in_epoch, updates_in_epoch)
    zeroed = {"total": {**total, "started": where.updates}, "current": {**current, "started": updates_in_epoch}}
    moves = {None: (0, 0), "step": (where.updates, updates_in_epoch), "epoch": (where.epoch, int(ended))}
    moved, moved_in_epoch = moves[interval]
    last = {"epoch": where.epoch - 1, "batches": batches_per_epoch}
    here = {"epoch": where.epoch, "batches": where.batches}
    return {
        "state_dict": {"combined_loader": [last if between and where.epoch else here]},
        "epoch_loop.state_dict": {"_batches_that_stepped": where.updates - under_way},
        "epoch_loop.batch_progress": {
            "total": _all_counts(batches, batches - under_way),
            "current": _all_counts(in_epoch, in_epoch - under_way),
            "is_last_batch": ended,
        },
        "epoch_loop.scheduler_progress": {
            "total": _counts(moved, moved),
            "current": _counts(moved_in_epoch, moved_in_epoch),
        },
        "epoch_loop.automatic_optimization.optim_progress": {
            "optimizer": {"step": {"total": total, "current": current}, "zero_grad": zeroed}
        },
        "epoch_loop.manual_optimization.optim_step_progress": {"total": _counts(0, 0), "current": _counts(0, 0)},
        "epoch_progress": {
            kind: {**_all_counts(where.epoch + under_way, where.epoch), "processed": where.epoch}
            for kind in ("total", "current")
        },
    }


def _counts(ready: int, completed: int) -> dict[str, int]:
    return {"ready": ready, "completed": completed}


def _all_counts(ready: int, completed: int) -> dict[str, int]:
    return {"ready": ready, "completed": completed, "started": ready, "processed": ready}
