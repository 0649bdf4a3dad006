"""From the config to the loss of a run, and what answers and targets it takes."""

from __future__ import annotations

import copy
from dataclasses import replace
from inspect import Parameter, signature
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn
from torch.nn import functional

from lrscope.config.instantiate import accepts, instantiated, named, reason_of
from lrscope.core.errors import InputError, Problem
from lrscope.datasets.conform import class_numbers
from lrscope.losses.binary_cross_entropy import BinaryCrossEntropy
from lrscope.losses.cross_entropy import CrossEntropy
from lrscope.training.build import Source, without
from lrscope.training.lightning_class import lightning_class
from lrscope.training.supported import (
    Loss,
    Mismatch,
    Objective,
    kind,
    objective_of,
    token_cross_entropy,
    wrong_predictions,
)

OF_CLASSES = (CrossEntropy, nn.CrossEntropyLoss, nn.NLLLoss, nn.MultiMarginLoss)
OF_NUMBERS = (
    *(nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.PoissonNLLLoss),
    *(nn.BCELoss, nn.BCEWithLogitsLoss, nn.MultiLabelSoftMarginLoss),
)
"""They compare each number of the answers with the one at its place among the targets."""

IN_UNITS = {functional.mse_loss: "rmse", functional.l1_loss: "mae"}


def objective(cfg: DictConfig, source: Source) -> Objective:
    """What is learned: the loss that the config names, else the one of the data's task.

    Raises:
        InputError: it cannot be made, or is none for such targets as far as that can be told without a batch.
    """
    if lightning_class(cfg) is not None:
        return replace(objective_of(None), name=str(cfg.model._target_), in_units=None, applies=(), of_module=True)
    of_task = objective_of(source.task)
    target = cfg.loss.get("_target_")
    if target is None:
        return of_task
    loss = _plain(_made(cfg, source), source)
    named_so = replace(of_task, loss=loss, name=str(target), in_units=None)
    if isinstance(loss, BinaryCrossEntropy):
        return _binary(named_so, cfg, source)
    if isinstance(loss, OF_NUMBERS) or loss in (functional.mse_loss, functional.l1_loss):
        return _of_numbers(named_so, cfg, source)
    if isinstance(loss, OF_CLASSES) or loss in (functional.cross_entropy, token_cross_entropy):
        if source.task == "regression":
            rule = "compares classes, but the data has numbers to predict"
            raise _refused(cfg, rule, "Choose loss=mse, mae or huber, or dataset.task=classification.")
        return replace(named_so, applies=("softmax",) if not isinstance(loss, nn.NLLLoss) else ())
    return replace(named_so, mismatch=lambda answers, targets: _no_loss(loss, answers, targets))


def at(loss: Loss, like: Tensor) -> Loss:
    """The loss with its own numbers (weights of classes) where a tensor lies, and in its precision."""
    if not isinstance(loss, nn.Module) or not any(True for _ in loss.buffers()):
        return loss
    return copy.deepcopy(loss).to(like.device, like.dtype if like.is_floating_point() else None)


def _made(cfg: DictConfig, source: Source) -> Loss:
    group = without(cfg.loss, ("name",))
    offered: dict[str, Any] = {}
    if accepts(group, "class_shares") and "class_shares" not in group:
        offered["class_shares"] = _class_shares(source)
    function = named(group)
    if _takes_answers(function):
        return instantiated("loss", group, _leaving=2, **offered)
    for key in ("weight", "pos_weight"):  # torch's own losses take tensors
        if str(group._target_).startswith("torch.nn.") and OmegaConf.is_list(group.get(key)):
            offered[key] = torch.tensor([float(number) for number in group[key]])
            group = without(group, (key,))
    made = instantiated("loss", group, **offered)
    if not callable(made):
        rule = f"gave a {type(made).__name__}, which cannot be called"
        raise _refused(cfg, rule, "A loss takes (answers, targets).")
    if isinstance(made, nn.Module) and any(p.requires_grad for p in made.parameters()):
        rule = "has parameters of its own, which nothing would train"
        raise _refused(cfg, rule, "Make them part of the network, or buffers.")
    if getattr(made, "reduction", "mean") not in ("mean", "batchmean"):
        raise _refused(cfg, f"has reduction={made.reduction}", "Use the mean over the batch, its default.")
    return made


def _takes_answers(function: Any) -> bool:
    """Whether it is a function of (answers, targets), and not one that makes a loss."""
    if isinstance(function, type) or not callable(function):
        return False
    try:
        first = list(signature(function).parameters.values())[:2]
    except (TypeError, ValueError):
        return True  # written in C, as torch's are
    return len(first) == 2 and all(p.default is p.empty and p.kind is not Parameter.KEYWORD_ONLY for p in first)


def _plain(loss: Loss, source: Source) -> Loss:
    """The function that a loss without options is: batched members and constant answers know it."""
    if isinstance(loss, (nn.CrossEntropyLoss, CrossEntropy)):
        ignores = getattr(loss, "ignore_index", -100) != -100
        if loss.weight is None and not loss.label_smoothing and not ignores:
            return token_cross_entropy if source.task == "next_token" else functional.cross_entropy
    if type(loss) is nn.MSELoss:
        return functional.mse_loss
    return functional.l1_loss if type(loss) is nn.L1Loss else loss


def _class_shares(source: Source) -> tuple[float, ...]:
    data = source.data
    if data is None or data.task != "classification":
        return ()
    counts = torch.bincount(data.train.targets.cpu(), minlength=len(data.classes)).double()
    return tuple((counts / len(data.train)).tolist())


def _binary(found: Objective, cfg: DictConfig, source: Source) -> Objective:
    """One logit for two classes, or one for each label."""
    found = replace(found, applies=("sigmoid",))
    if source.task == "next_token" or (source.data is not None and len(source.data.classes) > 2):
        rule = "is for yes and no, or several labels, but the data has classes of which one is right"
        raise _refused(cfg, rule, "Choose loss=cross_entropy.")
    if source.task != "regression":
        return replace(found, prepare=class_numbers, mismatch=_wrong_logit, outputs=1 if source.task else None)
    if source.data is not None:
        lowest, highest = (float(bound) for bound in source.data.train.targets.aminmax())
        if not (lowest >= 0 and highest <= 1):
            rule = f"wants numbers from 0 to 1, but the targets run from {lowest:.4g} to {highest:.4g}"
            raise _refused(cfg, rule, "Choose loss=mse, or dataset.task=classification.")
    return replace(found, task="labels", mismatch=wrong_predictions)


def _wrong_logit(answers: Tensor, targets: Tensor) -> Mismatch | None:
    if targets.dim() != 1 or targets.is_floating_point():
        if answers.shape == targets.shape:
            return None
        rule = f"answers {kind(answers)}, but the targets are {kind(targets)}"
        return Mismatch(rule, "Give classes 0 and 1 as [N], or labels of the answers' shape.")
    if answers.shape != (len(targets), 1):
        rule = f"answers {kind(answers)}, but loss=bce takes one logit an example: [{len(targets)}, 1]"
        return Mismatch(rule, "Let it have one output, or choose loss=cross_entropy.")
    if int(targets.min()) < 0 or int(targets.max()) > 1:
        rule = f"has targets from {int(targets.min())} to {int(targets.max())}, but loss=bce knows 0 and 1"
        return Mismatch(rule, "Number two classes from 0, or choose loss=cross_entropy.", of_targets=True)
    return None


def _of_numbers(found: Objective, cfg: DictConfig, source: Source) -> Objective:
    if source.task in ("classification", "next_token"):
        rule = "compares numbers, but the data has classes"
        raise _refused(cfg, rule, "Choose loss=cross_entropy (or bce for two classes), or dataset.task=regression.")
    as_numbers = objective_of("regression")
    if source.task is None:  # a loader that does not say: whole numbers may well be classes
        as_numbers = replace(as_numbers, prepare=lambda targets: targets)
    name = IN_UNITS.get(found.loss)
    converts = {"rmse": lambda loss, deviation: loss**0.5 * deviation, "mae": lambda loss, deviation: loss * deviation}
    return replace(
        as_numbers,
        loss=found.loss,
        name=found.name,
        mismatch=_wrong_numbers,
        in_units=(name, converts[name]) if name is not None else None,
    )


def _wrong_numbers(answers: Tensor, targets: Tensor) -> Mismatch | None:
    if not targets.is_floating_point():
        rule = f"has targets {kind(targets)}, whole numbers, which this loss would take for amounts"
        remedy = "Choose loss=cross_entropy for classes, or write task = 'regression' in the DataModule."
        return Mismatch(rule, remedy, of_targets=True)
    return wrong_predictions(answers, targets)


def _no_loss(loss: Loss, answers: Tensor, targets: Tensor) -> Mismatch | None:
    """Of a loss that is not known here: whether it is one at all."""
    try:
        value = at(loss, answers)(answers, targets)
    except (Exception, SystemExit) as error:
        rule = f"refuses answers {kind(answers)} with targets {kind(targets)} ({reason_of(error)})"
        return Mismatch(rule, "A loss takes (answers, targets) of a batch.", of_loss=True)
    if not isinstance(value, Tensor) or value.dim() != 0:
        shown = kind(value) if isinstance(value, Tensor) else type(value).__name__
        return Mismatch(f"gives {shown}", "Return one number, a tensor: the mean over the batch.", of_loss=True)
    if answers.requires_grad and not value.requires_grad:
        rule = "gives a number that has no gradient (detach, item, argmax or a comparison on its way)"
        return Mismatch(rule, "Compute it from the answers by functions that have one.", of_loss=True)
    return None


def _refused(cfg: DictConfig, rule: str, remedy: str) -> InputError:
    return InputError(Problem("loss._target_", str(cfg.loss._target_), rule, remedy))


TWICE = {
    "softmax": ("cross entropy", "loss._target_=torch.nn.NLLLoss after a log_softmax"),
    "sigmoid": ("binary cross entropy", "loss._target_=torch.nn.BCELoss"),
}
"""Of a function that some losses apply: what applies it, and the loss that does not."""


def doubled(objective: Objective, bound: str | None, model: str) -> str | None:
    """Words for a network whose last function the loss applies once more: it trains, but never down to a low loss."""
    if bound not in objective.applies:
        return None
    loss, instead = TWICE[bound]
    words = f"{model} ends in a {bound}, and {loss} applies it once more: the loss stays high"
    return f"model: {words}. Leave it out of the network, or choose {instead}."
