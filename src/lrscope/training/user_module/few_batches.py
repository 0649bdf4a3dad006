"""The batches that a LightningModule is rehearsed on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from omegaconf import DictConfig

from lrscope.datasets.data import Part
from lrscope.training import build
from lrscope.training.user_loader import first_of_any_form, has_val_loader


class FewBatches:
    """Some batches of an epoch, which says how many it would have.

    Args:
        batches: the last one is given again as often as it takes.
    """

    def __init__(self, batches: Sequence[Any], length: int) -> None:
        self.batches, self._length = batches, length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        for number in range(self._length):
            yield self.batches[min(number, len(self.batches) - 1)]


def few_batches(cfg: DictConfig, source: build.Source) -> tuple[FewBatches, FewBatches | list[FewBatches] | None]:
    """Of the training part the first batch, and an epoch's last one where that is smaller; one to
    validate on, of each loader.

    Raises:
        InputError: a loader gives none.
    """
    length = source.steps_per_epoch * cfg.trainer.accumulate_grad_batches
    data, module = source.data, source.module
    if data is not None:
        double = cfg.trainer.precision.startswith("64")
        size = min(cfg.batch_size or len(data.train), len(data.train))
        sizes = dict.fromkeys([size, len(data.train) % size or size][: max(1, length)])
        train = [_some(data.train, size, double) for size in sizes]
        val = [_some(data.val, size, double)] if source.validates and data.val is not None else None
    else:
        assert module is not None
        target = str(cfg.dataset._target_)
        train = [first_of_any_form(module, "train", target)]
        validates = source.validates and has_val_loader(module)
        val = [first_of_any_form(module, "val", target)] if validates else None
        if validates and isinstance(several := module.val_dataloader(), (list, tuple)):
            return FewBatches(train, length), [FewBatches([next(iter(one))], 1) for one in several]
    return FewBatches(train, length), FewBatches(val, 1) if val is not None else None


def _some(part: Part, size: int, double: bool) -> tuple[Any, Any]:
    inputs, targets = part.inputs[:size], part.targets[:size]
    return tuple(t.double() if double and t.is_floating_point() else t for t in (inputs, targets))  # type: ignore[return-value]
