"""One real batch through network, loss, optimizer and schedule, before a run is made: what raises would crash it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from omegaconf import DictConfig
from torch import Tensor, nn

from lrscope.config.instantiate import reason_of
from lrscope.core.errors import InputError, Problem
from lrscope.datasets.data import Data
from lrscope.training.build import Source
from lrscope.training.expected_input import expected_input
from lrscope.training.generators import quietly
from lrscope.training.left_out import left_out
from lrscope.training.metric_meter import MetricMeter, metric_meter
from lrscope.training.objective import at, objective
from lrscope.training.supported import Mismatch, Objective, Pair, described, kind, taken
from lrscope.training.user_loader import first_batch, has_val_loader, last_batch_size

if TYPE_CHECKING:
    import pytorch_lightning as pl

MOST = 32
"""Examples of a batch that are tried: more of them take a large network minutes, and show nothing new."""

FROM_DATA = "Leave the model's shapes out (they are taken from the data), or choose a model for this data."
AFTER_EVAL = "Let its forward work after eval(), too."
MAKE = "Make its layers in __init__, a list of them as a nn.ModuleList."
UNFREEZE = "Leave some of them to be trained."
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
            frozen = any(True for _ in network.parameters())
            rule = "has no parameter that could be trained"
            raise self._refused(
                Mismatch(f"{rule} (requires_grad is False)" if frozen else rule, UNFREEZE if frozen else MAKE)
            )
        before = frozenset(map(id, network.parameters()))
        with quietly(self.train[0].device):
            self._try_batches(network)
            if (wrong := left_out(network, before)) is not None:
                raise self._refused(wrong)
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
                of_shapes = self.val is None or self.val[0].shape[1:] == self.train[0].shape[1:]
                remedy = AFTER_EVAL if of_shapes and wrong.remedy == FROM_DATA else wrong.remedy
                raise self._refused(replace(wrong, rule=f"{where} {wrong.rule}", remedy=remedy)) from unfit

    def _try_batches(self, network: nn.Module) -> None:
        """The usual batch, and a second one: of another size where the last one is, else the same again."""
        usual, *others = self.sizes
        self._try_usual(network, "")
        try:
            self._backward(network, others[0] if others else usual)
        except _Unfit as unfit:
            self._try_usual(network, "at its second batch ")  # which is then no matter of the size
            raise self._refused_last(unfit.mismatch) from unfit

    def _try_usual(self, network: nn.Module, when: str) -> None:
        try:
            self._backward(network, self.sizes[0])
        except _Unfit as unfit:
            raise self._refused(replace(unfit.mismatch, rule=when + unfit.mismatch.rule)) from unfit

    def _backward(self, network: nn.Module, size: int) -> None:
        network.train()
        targets = self.train[1][:size]
        answers = self._answers(network, self.train[0][:size], targets)
        if not answers.requires_grad:
            rule = "gives answers that do not depend on its parameters (no_grad, detach or .data on their way)"
            raise _unfit(rule, "Leave that out: there would be nothing to train.")
        try:
            at(self.objective.loss, answers)(answers, targets).backward()
        except (Exception, SystemExit) as error:
            raise _unfit(f"has no gradient ({reason_of(error)})", "Leave out what changes tensors in place.") from error
        if all(parameter.grad is None for parameter in network.parameters()):
            rule, remedy = "gives a number that depends on none of the answers", "Compute it from them."
            raise _Unfit(Mismatch(rule, remedy, of_loss=True))

    def _answers(self, network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        try:
            answers = network(inputs)
        except (Exception, SystemExit) as error:
            raise self._refuses(network, inputs, error) from error
        if not isinstance(answers, Tensor):
            raise _unfit(f"answers with {described(answers)}", "Return one tensor: the answers alone.")
        if not answers.is_floating_point():
            raise _unfit(f"answers with {kind(answers)}", "Return floating numbers.")
        wrong = self._wrong_shape(answers, targets) or self.objective.mismatch(answers, targets)
        if wrong is not None:
            raise _Unfit(wrong)
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
            shape = f"examples of shape {list(inputs.shape[1:])}"
            return _unfit(f"expects inputs of shape {expected}, but {self.dataset} has {shape}", FROM_DATA)
        if isinstance(error, NotImplementedError) and '"forward"' in str(error):
            return _unfit("has no forward", "Write its forward(self, inputs).")
        if isinstance(error, TypeError) and "forward()" in str(error):
            return _unfit(f"cannot be called ({reason_of(error)})", "Its forward gets one argument: the inputs.")
        if len(inputs) == 1 and "more than 1 value" in str(error):
            return _unfit(f"refuses a batch of one example ({reason_of(error)})", "Use a larger batch_size.")
        remedy = WHOLE_NUMBERS
        if inputs.is_floating_point():
            of_type = re.search("dtype|scalar type", str(error))
            remedy = f"Let it take {kind(inputs).split()[0]} inputs." if of_type else FROM_DATA
        return _unfit(f"refuses inputs {kind(inputs)} of {self.dataset} ({reason_of(error)})", remedy)

    @property
    def _shapes(self) -> str:
        return f"examples of shape {list(self.train[0].shape[1:])}"

    def _refused(self, wrong: Mismatch) -> InputError:
        key, value = ("dataset._target_", self.data_target) if wrong.of_targets else ("model", self.model)
        if wrong.of_loss:
            key, value = "loss._target_", str(self.objective.name)
        return InputError(Problem(key, value, wrong.rule, wrong.remedy))

    def _refused_last(self, wrong: Mismatch) -> InputError:
        last = self.last_batch
        rule = f"{last.rule}: {self.model} {wrong.rule}"
        return InputError(Problem(last.key, last.value, rule, last.remedy))


class _Unfit(Exception):
    def __init__(self, mismatch: Mismatch) -> None:
        super().__init__(mismatch.rule)
        self.mismatch = mismatch


def _unfit(rule: str, remedy: str) -> _Unfit:
    return _Unfit(Mismatch(rule, remedy))


def trains(network: nn.Module) -> bool:
    """Whether it has anything to train."""
    return any(parameter.requires_grad for parameter in network.parameters())


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
        last_batch=Problem("batch_size", str(cfg.batch_size), rule, _other(n, usual, last)),
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


def _other(examples: int, usual: int, last: int) -> str:
    """The nearest batch size that leaves none over, or more than one example where one is too few."""
    close = sorted(range(2, examples + 1), key=lambda size: abs(size - usual))
    if last == 1:
        found = next((size for size in close if examples % size != 1), examples)
        return f"Use batch_size={found}, or leave an example out."
    found = next((size for size in close if examples % size == 0 and size != usual), examples)
    return f"Let it take batches of any size, or use batch_size={found}."


def _precision(cfg: DictConfig) -> torch.dtype:
    return torch.float64 if cfg.trainer.precision.startswith("64") else torch.float32
