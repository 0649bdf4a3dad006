"""One real batch through network, loss, optimizer and schedule, before a run is made: what raises would crash it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from omegaconf import DictConfig
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from lrscope.config.instantiate import reason_of
from lrscope.core.errors import InputError, Problem
from lrscope.datasets.data import Data
from lrscope.training.build import Source
from lrscope.training.expected_input import expected_input
from lrscope.training.generators import same_generators
from lrscope.training.metric_meter import MetricMeter, metric_meter
from lrscope.training.objective import at, objective
from lrscope.training.supported import Mismatch, Objective, Pair, described, kind, taken
from lrscope.training.user_loader import first_batch, has_val_loader, last_batch_size

if TYPE_CHECKING:
    import pytorch_lightning as pl

MOST = 32
"""Examples of a batch that are tried: more of them take a large network minutes, and show nothing new."""

FROM_DATA = "Leave the model's shapes out (they are taken from the data), or choose a model for this data."
WHOLE_NUMBERS = "Whole numbers reach the network as they are (token ids); for others give e.g. inputs.float() / 255."


@dataclass(frozen=True)
class Rehearsal:
    """Real examples as the training takes them, and what they are for.

    ``outputs``: answers an example, one a class; None where the data does not say. ``sizes``: of an epoch's batches,
    the usual one and, where it differs, the last one's. ``model``, ``dataset``, ``data_target`` and ``last_batch`` are
    words for a problem.
    """

    model: str
    dataset: str
    data_target: str
    objective: Objective
    metrics: MetricMeter
    outputs: int | None
    train: Pair
    val: Pair | None
    sizes: tuple[int, ...]
    last_batch: Problem

    def try_network(self, network: nn.Module) -> None:
        """Forward and backward on batches of each size, and forward in evaluation; the gradients stay in the network.

        Raises:
            InputError: the network cannot train on this data.
        """
        if not trains(network):
            raise self._refused(Mismatch("has no parameter that could be trained", "Give it one."))
        usual = self.sizes[0]
        with _quietly(self.train[0].device):
            for size in self.sizes:
                try:
                    self._backward(network, size)
                except _Unfit as unfit:
                    refused = self._refused if size == usual else self._refused_last
                    raise refused(unfit.mismatch) from unfit
            try:
                network.eval()
                with torch.no_grad():
                    answers = self._answers(network, *(self.val or self.train))
                    if self.metrics:
                        self.metrics.add(answers, (self.val or self.train)[1])
                        self.metrics.values()
            except _Unfit as unfit:
                wrong = unfit.mismatch
                where = "of the validation part" if wrong.of_targets else "in evaluation it"
                raise self._refused(replace(wrong, rule=f"{where} {wrong.rule}")) from unfit

    def _backward(self, network: nn.Module, size: int) -> None:
        network.train()
        targets = self.train[1][:size]
        answers = self._answers(network, self.train[0][:size], targets)
        if not answers.requires_grad:
            rule = "gives answers that do not depend on its parameters (no_grad, detach or .data on their way)"
            raise _Unfit(rule, "Leave that out: there would be nothing to train.")
        try:
            at(self.objective.loss, answers)(answers, targets).backward()
        except (Exception, SystemExit) as error:
            raise _Unfit(f"has no gradient ({reason_of(error)})", "Leave out what changes tensors in place.") from error

    def _answers(self, network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        try:
            answers = network(inputs)
        except (Exception, SystemExit) as error:
            raise self._refuses(network, inputs, error) from error
        if not isinstance(answers, Tensor):
            raise _Unfit(f"answers with {described(answers)}", "Return one tensor: the answers alone.")
        if not answers.is_floating_point():
            raise _Unfit(f"answers with {kind(answers)}", "Return floating numbers.")
        wrong = self._wrong_shape(answers, targets) or self.objective.mismatch(answers, targets)
        if wrong is not None:
            raise _Unfit(wrong.rule, wrong.remedy, wrong.of_targets)
        return answers

    def _wrong_shape(self, answers: Tensor, targets: Tensor) -> Mismatch | None:
        if self.outputs is None or tuple(answers.shape) == (*targets.shape, self.outputs):
            return None
        one_each = answers.dim() > 0 and len(answers) == len(targets)
        shape = list(answers.shape[1:] if one_each else answers.shape)
        given = f"{shape} numbers an example" if one_each else f"{shape} to {len(targets)} examples"
        return Mismatch(f"answers {given}, but {self.dataset} needs [{self.outputs}] ({self._shapes})", FROM_DATA)

    def _refuses(self, network: nn.Module, inputs: Tensor, error: BaseException) -> _Unfit:
        if expected := expected_input(network, inputs):
            return _Unfit(f"expects inputs of shape {expected}, but {self.dataset} has {self._shapes}", FROM_DATA)
        if isinstance(error, TypeError):
            return _Unfit(f"cannot be called ({reason_of(error)})", "Its forward gets one argument: the inputs.")
        if len(inputs) == 1 and "more than 1 value" in str(error):
            return _Unfit(f"refuses a batch of one example ({reason_of(error)})", "Use a larger batch_size.")
        remedy = WHOLE_NUMBERS
        if inputs.is_floating_point():
            of_type = re.search("dtype|scalar type", str(error))
            remedy = f"Let it take {kind(inputs).split()[0]} inputs." if of_type else FROM_DATA
        return _Unfit(f"refuses inputs {kind(inputs)} of {self.dataset} ({reason_of(error)})", remedy)

    @property
    def _shapes(self) -> str:
        return f"examples of shape {list(self.train[0].shape[1:])}"

    def _refused(self, wrong: Mismatch) -> InputError:
        key, value = ("dataset._target_", self.data_target) if wrong.of_targets else ("model", self.model)
        return InputError(Problem(key, value, wrong.rule, wrong.remedy))

    def _refused_last(self, wrong: Mismatch) -> InputError:
        last = self.last_batch
        rule = f"{last.rule}: {self.model} {wrong.rule}"
        return InputError(Problem(last.key, last.value, rule, last.remedy))


class _Unfit(Exception):
    def __init__(self, rule: str, remedy: str, of_targets: bool = False) -> None:
        super().__init__(rule)
        self.mismatch = Mismatch(rule, remedy, of_targets)


def trains(network: nn.Module) -> bool:
    """Whether it has anything to train."""
    return any(parameter.requires_grad for parameter in network.parameters())


def try_step(optimizer: Optimizer, schedule: LRScheduler | ReduceLROnPlateau | None, target: str) -> None:
    """One update with the gradients that the network holds, and one move of the schedule.

    Args:
        target: of the optimizer, for the words of a problem.

    Raises:
        InputError: one of them raises, or the optimizer never asks for the loss.
    """
    asked: list[bool] = []

    def closure() -> Any:
        asked.append(True)
        return torch.zeros(())

    with _quietly(torch.device("cpu")):
        try:
            optimizer.step(closure=closure)
        except (Exception, SystemExit) as error:
            raise _refused_update(target, f"cannot make an update ({reason_of(error)})") from error
        if not asked:
            raise _refused_update(target, "never calls the closure that its step is given, which computes the loss")
        try:
            if isinstance(schedule, ReduceLROnPlateau):
                schedule.step(0.0)
            elif schedule is not None:
                schedule.step()
        except (Exception, SystemExit) as error:
            rule = f"cannot move on ({reason_of(error)})"
            raise InputError(Problem("scheduler", type(schedule).__name__, rule, "Try scheduler=constant.")) from error


def _refused_update(target: str, rule: str) -> InputError:
    remedy = "Choose another, e.g. optimizer=adam; your own takes step(closure)."
    return InputError(Problem("optimizer._target_", target, rule, remedy))


def rehearsal_of(cfg: DictConfig, source: Source, device: torch.device) -> Rehearsal:
    """What a config's network is tried with.

    Raises:
        InputError: the data gives no batch, or one of a form that is not supported; or the loss cannot be made.
    """
    aim, like = objective(cfg, source), torch.empty((), dtype=_precision(cfg), device=device)
    found = _from_memory(cfg, source.data) if source.data is not None else _from_loader(cfg, source.module)
    return Rehearsal(
        model=str(cfg.model._target_),
        dataset=found.dataset,
        data_target=str(cfg.dataset._target_),
        objective=aim,
        metrics=metric_meter(cfg, source.data.target_scale if source.data else None, aim.task == "labels"),
        outputs=found.outputs if aim.outputs is None else aim.outputs,
        train=_some(found.train, aim, like),
        val=_some(found.val, aim, like) if found.val is not None else None,
        sizes=tuple(dict.fromkeys(min(size, MOST) for size in (found.usual, found.last))),
        last_batch=found.last_batch,
    )


@dataclass(frozen=True)
class _Examples:
    """``usual`` and ``last``: examples of an epoch's batches."""

    dataset: str
    outputs: int | None
    train: Pair
    val: Pair | None
    usual: int
    last: int
    last_batch: Problem


def _from_memory(cfg: DictConfig, data: Data) -> _Examples:
    n = len(data.train)
    usual = min(cfg.batch_size or n, n)
    last = _last_of(cfg, n, usual)
    rule = f"leaves a last batch of {last} of the {n} examples"
    return _Examples(
        dataset=f"the dataset {data.name}",
        outputs=None if data.task == "regression" else data.outputs,
        train=(data.train.inputs, data.train.targets),
        val=(data.val.inputs, data.val.targets) if data.val is not None else None,
        usual=usual,
        last=last,
        last_batch=Problem("batch_size", str(cfg.batch_size), rule, _other(n, usual)),
    )


def _from_loader(cfg: DictConfig, module: pl.LightningDataModule | None) -> _Examples:
    assert module is not None
    target = str(cfg.dataset._target_)
    train = first_batch(module, "train", target)
    last = last_batch_size(module.train_dataloader(), len(train[0]))
    rule = f"its loader leaves a last batch of {last}"
    return _Examples(
        dataset=f"the dataset {target}",
        outputs=None,
        train=train,
        val=first_batch(module, "val", target) if has_val_loader(module) else None,
        usual=len(train[0]),
        last=last,
        last_batch=Problem("dataset._target_", target, rule, "Give it drop_last=True, or another batch size."),
    )


def _some(pair: Pair, aim: Objective, like: Tensor) -> Pair:
    return taken((pair[0][:MOST], pair[1][:MOST]), aim, like)


def _last_of(cfg: DictConfig, examples: int, usual: int) -> int:
    """Examples of an epoch's last batch; as many as of any where the epoch ends before it."""
    limit = cfg.trainer.limit_train_batches
    return examples % usual or usual if limit is None or limit * usual >= examples else usual


def _other(examples: int, usual: int) -> str:
    """The nearest batch sizes that leave more than one example over."""
    close = sorted(range(2, examples + 1), key=lambda size: abs(size - usual))
    found = next((size for size in close if examples % size != 1), examples)
    return f"Use batch_size={found}, or leave an example out."


def _precision(cfg: DictConfig) -> torch.dtype:
    return torch.float64 if cfg.trainer.precision.startswith("64") else torch.float32


@contextmanager
def _quietly(device: torch.device) -> Iterator[None]:
    """Without warnings (of broadcasts, of a schedule that moves first), and the random numbers left as they were."""
    with warnings.catch_warnings(), same_generators(device):
        warnings.simplefilter("ignore")
        yield
