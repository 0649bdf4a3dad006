"""The training part at fixed weights, by the steps of a LightningModule: on a copy, as they may remember things."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torchmetrics import Metric

from lrscope.diagnosis import canonical_name
from lrscope.training.callbacks.record_steps import examples_of
from lrscope.training.generators import untouched_generators
from lrscope.training.lightning_class import overrides
from lrscope.training.measures import SpreadMeter
from lrscope.training.measures.forward_pass import answers_of, network_within
from lrscope.training.user_module.recognised_loss import RecognisedLoss


@dataclass(frozen=True)
class PartSeen:
    """Means over the examples of a part; None for what its steps neither return nor log. ``output_spread``: see
    :class:`SpreadMeter`, of the network within the module.
    """

    loss: float | None = None
    accuracy: float | None = None
    output_spread: float | None = None


def at_fixed_weights(
    trainer: pl.Trainer, module: pl.LightningModule, batches: Iterable[Any], recognised: RecognisedLoss | None = None
) -> PartSeen:
    """A part by the module's ``validation_step``, else by its ``training_step`` in evaluation mode.

    The loss is what the step logs under a name for it (``val_loss``), else what it returns. Module and random numbers
    stay as they are.

    Args:
        recognised: is shown every batch, with what became of it.

    Raises:
        Exception: whatever the module raises, or what keeps it from being copied.
    """
    copied = copy.deepcopy(module, {id(tensor): tensor.detach() for tensor in _of_graphs(module)})
    copied.trainer = trainer
    copied.eval()
    for part in copied.modules():
        if isinstance(part, Metric):
            part.reset()
    logged: dict[str, Any] = {}
    copied.log = lambda name, value, *_, **__: logged.__setitem__(name, value)  # type: ignore[method-assign]
    means, spread, metric = _Means(), SpreadMeter(), None
    answers: list[Tensor] = []
    validates = overrides(type(module), "validation_step")
    step = copied.validation_step if validates else copied.training_step
    numbered = len(signature(step).parameters) > 1
    with untouched_generators(), torch.no_grad(), trainer.precision_plugin.forward_context(), _kept(copied, answers):
        for number, given in enumerate(batches):
            batch = on_device(trainer, copied, given)
            logged.clear()
            answers.clear()
            returned = step(batch, number) if numbered else step(batch)
            known = {canonical_name(name).partition("/")[2]: value for name, value in logged.items()}
            loss = known.get("loss", loss_in(returned))
            means.add("loss", loss, examples_of(batch))
            if recognised is not None:
                recognised.look(batch, answers, loss)
            for some in answers:
                if some.dim() > 1 and some[0].numel() > 1:
                    spread.add(some.float())
            metric = known["acc"] if isinstance(known.get("acc"), Metric) else metric
            means.add("acc", known.get("acc"), examples_of(batch))
        accuracy = float(metric.compute()) if metric is not None else means.of("acc")
    value = float(spread.value())
    return PartSeen(means.of("loss"), accuracy, value if value == value else None)


def _of_graphs(module: pl.LightningModule) -> Iterator[Tensor]:
    """Tensors that it keeps with the graph they were computed in, which torch does not copy: losses in a list."""
    waiting = [value for part in module.modules() for value in vars(part).values()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Tensor) and value.grad_fn is not None:
            yield value
        elif type(value) in (list, tuple, dict):
            waiting += value.values() if isinstance(value, dict) else value


def loss_in(returned: Any) -> Any:
    """The loss in what a step returns."""
    return returned.get("loss") if isinstance(returned, Mapping) else returned


def on_device(trainer: pl.Trainer, module: pl.LightningModule, batch: Any) -> Any:
    """A batch as Lightning hands it to a step."""
    batch = trainer.precision_plugin.convert_input(batch)
    batch = module._on_before_batch_transfer(batch, dataloader_idx=0)
    return trainer.strategy.batch_to_device(batch, dataloader_idx=0)


class _Means:
    """Of numbers by name, weighted by the examples that each is of."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, name: str, value: Any, examples: int) -> None:
        if isinstance(value, Metric) or value is None:
            return
        total, count = self._sums.get(name, (0.0, 0))
        number = float(value.detach()) if isinstance(value, Tensor) else float(value)
        self._sums[name] = total + number * examples, count + examples

    def of(self, name: str) -> float | None:
        total, count = self._sums.get(name, (0.0, 0))
        return total / count if count else None


@contextmanager
def _kept(module: pl.LightningModule, answers: list[Tensor]) -> Iterator[None]:
    """What the network within the module answers goes to the list."""

    def keep(_module: Any, _inputs: Any, output: Any) -> None:
        if (found := answers_of(output)) is not None:
            answers.append(found)

    handle = network_within(module).register_forward_hook(keep)
    try:
        yield
    finally:
        handle.remove()
