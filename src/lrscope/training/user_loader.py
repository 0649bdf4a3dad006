"""A user's LightningDataModule: prepared, its epoch counted, its first batches read before anything trains."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from lrscope.config.instantiate import reason_of
from lrscope.core.errors import InputError, Problem
from lrscope.training.supported import OBJECTIVES, Pair, read_batch, wrong_batch

if TYPE_CHECKING:
    import pytorch_lightning as pl


STREAM_BATCHES = 100
"""Of a stream without a length, so many batches are evaluated: it may never end."""


def batches_of_epoch(
    module: pl.LightningDataModule, target: str, limit: int | None, run_length: int | None = None
) -> int:
    """Prepare the data and count the batches of an epoch: of a loader without a length ``limit``, else all that the run
    takes, ``run_length``.

    Raises:
        InputError: something of it raises, or it has no loader, no length or no batch.
    """
    from torch.utils.data import Dataset

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
    if isinstance(loader, Dataset):
        remedy = "Return DataLoader(dataset, batch_size=32)."
        _refuse(target, f"its train_dataloader() gives a {type(loader).__name__}, which has no batches", remedy)
    try:
        batches = len(loader)
    except TypeError:
        found = limit if limit is not None else run_length
        if found is None:
            remedy = "Say how many updates a run has: max_steps=1000; or an epoch: trainer.limit_train_batches=100."
            _refuse(target, "its train_dataloader() has no length", remedy)
        return found
    if batches < 1:
        _refuse(target, "its train_dataloader() gives no batch", "Give it examples, at least a batch with drop_last.")
    return batches


def first_batch(module: pl.LightningDataModule, part: str, target: str) -> Pair:
    """Of ``train`` or ``val``, as the loader gives it.

    Raises:
        InputError: there is none, or its form is not supported.
    """
    batch = first_of_any_form(module, part, target)
    if (wrong := wrong_batch(batch)) is not None:
        _refuse(target, wrong.rule, wrong.remedy)
    pair = read_batch(batch)
    assert pair is not None
    return pair


def first_of_any_form(module: pl.LightningDataModule, part: str, target: str) -> Any:
    """The same for whoever takes batches of any form.

    Raises:
        InputError: there is none.
    """
    try:
        return next(iter(getattr(module, f"{part}_dataloader")()))
    except StopIteration:
        _refuse(target, f"its {part}_dataloader() gives no batch", "Give it examples, or leave it out.")
    except (Exception, SystemExit) as error:
        of_batch = isinstance(error, (TypeError, RuntimeError)) and re.search("batch|stack", str(error))
        remedy = "Let its dataset give tensors, all of one shape." if of_batch else "Each must be a DataLoader."
        _refuse(target, f"its {part}_dataloader() gives no batch ({reason_of(error)})", remedy)


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


def has_length(loader: Any) -> bool:
    """Whether a loader says how many batches a pass has."""
    try:
        len(loader)
    except TypeError:
        return False
    return True


def evaluated_batches(train: Any, limit: int | None) -> int | None:
    """Batches that an evaluation takes at most of loaders without a length, where ``train`` is that of the training
    part; None takes all.
    """
    return STREAM_BATCHES if limit is None and not has_length(train) else limit


class Restarted:
    """A stream without a length as one epoch of so many batches: where it ends, it begins anew."""

    def __init__(self, stream: Iterable[Any], batches: int) -> None:
        self.stream, self.batches = stream, batches

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[Any]:
        given = 0
        while given < self.batches:
            before = given
            for batch in islice(self.stream, self.batches - given):
                given += 1
                yield batch
            if given == before:
                raise ValueError(f"the stream ended after {given} batches, and gives none when it is begun anew")

    def __getattr__(self, name: str) -> Any:
        """Its own state, where it has one."""
        if name == "stream":
            raise AttributeError(name)
        return getattr(self.stream, name)


def whole_run(loader: Iterable[Any], limit: int | None, batches: int) -> Iterable[Any]:
    """The loader, or one epoch of so many batches where it is a stream that nobody says the length of."""
    return loader if limit is not None or has_length(loader) else Restarted(loader, batches)


def one_epoch(loader: Iterable[Any], limit: int | None) -> Iterator[Any]:
    """The batches of an evaluation: all, or ``limit`` of a loader without a length, which may never end."""
    return iter(loader) if has_length(loader) else islice(loader, limit)


def _refuse(target: str, rule: str, remedy: str) -> NoReturn:
    raise InputError(Problem("dataset._target_", target, rule, remedy))
