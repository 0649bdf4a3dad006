"""A user's LightningDataModule: prepared, its epoch counted, its first batches read before anything trains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from lrscope.config.instantiate import reason_of
from lrscope.core.errors import InputError, Problem
from lrscope.training.supported import OBJECTIVES, Pair, read_batch, wrong_batch

if TYPE_CHECKING:
    import pytorch_lightning as pl


def batches_of_epoch(module: pl.LightningDataModule, target: str, limit: int | None) -> int:
    """Prepare the data and count the batches of an epoch; ``limit`` where the loader has no length.

    Raises:
        InputError: something of it raises, or it has no loader, no length or no batch.
    """
    task = getattr(module, "task", None)
    if task is not None and task not in OBJECTIVES:
        _refuse(target, f"its task is {task!r}", f"Write task = {' or '.join(map(repr, OBJECTIVES))}.")
    try:
        module.prepare_data()
        module.setup("fit")
        loader = module.train_dataloader()
    except (Exception, SystemExit) as error:
        _refuse(target, f"cannot be prepared ({reason_of(error)})", "See docs/recipes.md for a module that can.")
    if loader is None or isinstance(loader, (dict, list, tuple)):
        rule = f"its train_dataloader() gives a {type(loader).__name__}, not one loader"
        _refuse(target, rule, "Return a DataLoader.")
    try:
        batches = len(loader)
    except TypeError:
        if limit is None:
            remedy = "Say how many batches an epoch has: trainer.limit_train_batches=100, or give it a __len__."
            _refuse(target, "its train_dataloader() has no length", remedy)
        return limit
    if batches < 1:
        _refuse(target, "its train_dataloader() gives no batch", "Give it examples, at least a batch with drop_last.")
    return batches


def first_batch(module: pl.LightningDataModule, part: str, target: str) -> Pair:
    """Of ``train`` or ``val``, as the loader gives it.

    Raises:
        InputError: there is none, or its form is not supported.
    """
    try:
        batch = next(iter(getattr(module, f"{part}_dataloader")()))
    except StopIteration:
        _refuse(target, f"its {part}_dataloader() gives no batch", "Give it examples, or leave it out.")
    except (Exception, SystemExit) as error:
        _refuse(target, f"its {part}_dataloader() gives no batch ({reason_of(error)})", "Each must be a DataLoader.")
    if (wrong := wrong_batch(batch)) is not None:
        _refuse(target, wrong.rule, wrong.remedy)
    pair = read_batch(batch)
    assert pair is not None
    return pair


def has_val_loader(module: pl.LightningDataModule) -> bool:
    """Whether it validates: it overrides ``val_dataloader``."""
    import pytorch_lightning as pl

    return type(module).val_dataloader is not pl.LightningDataModule.val_dataloader


def last_batch_size(loader: Any, usual: int) -> int:
    """Examples of an epoch's last batch, as far as the loader tells; else as many as ``usual``."""
    try:
        examples, drops = len(loader.dataset), loader.drop_last
    except (AttributeError, TypeError):
        return usual
    return usual if drops or loader.batch_size is None else examples % usual or usual


def one_epoch(loader: Iterable[Any], limit: int | None) -> Iterator[Any]:
    """The batches of an evaluation: all, or ``limit`` of a loader without a length, which may never end."""
    try:
        len(loader)  # type: ignore[arg-type]
    except TypeError:
        return islice(loader, limit)
    return iter(loader)


def _refuse(target: str, rule: str, remedy: str) -> NoReturn:
    raise InputError(Problem("dataset._target_", target, rule, remedy))
