"""The steps of a LightningModule of the user's for all members at once: what each loses, logs and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any, NoReturn

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torchmetrics import Metric

from lrscope.batched.model.forward import Forward
from lrscope.batched.model.stack import CannotStack, Stack
from lrscope.training.lightning_class import overrides
from lrscope.training.measures import DeadUnits
from lrscope.training.measures.forward_pass import TrainingPasses, answers_of, network_within
from lrscope.training.user_module.at_fixed_weights import loss_in

_LOG = signature(pl.LightningModule.log)

_WITHIN = "module."
"""Where a module whose call is a step has the module itself."""


class TakesOnlyOne(CannotStack):
    """A step does what can be done of one member only; the words say what."""


@dataclass(frozen=True)
class Logged:
    """One call of ``self.log``: a number of one member, or [M] of all, and what it was told beside."""

    name: str
    value: Tensor
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """What a step of all members came to; ``losses`` are None where it returns none."""

    losses: Tensor | None
    logged: Sequence[Logged]
    answers: Sequence[Tensor]


class Steps(nn.Module):
    """A module whose call is one of its steps, and which keeps what it logs for whoever called it.

    There is no trainer: one for all members would answer each of them with the numbers of all.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        assert isinstance(module, pl.LightningModule)
        self.module = module
        self.logged: dict[str, Logged] = {}
        self.answers: list[Tensor] = []
        self._numbered: dict[str, bool] = {}
        self.number: int = 0
        """What a step is told for the number of its batch."""
        module.log = self._log  # type: ignore[method-assign]
        object.__setattr__(module, "_trainer", NoTrainer())
        network_within(module).register_forward_hook(self._keep)

    def forward(self, step: str, batch: Any) -> Any:
        self.logged.clear()
        self.answers.clear()
        take = getattr(self.module, step)
        if step not in self._numbered:
            self._numbered[step] = len(signature(take).parameters) > 1
        return take(batch, self.number) if self._numbered[step] else take(batch)

    def _log(self, *arguments: Any, **named: Any) -> None:
        given = dict(_LOG.bind(self.module, *arguments, **named).arguments)
        name, value = given.pop("name"), given.pop("value")
        if isinstance(value, Metric):
            raise TakesOnlyOne(f"it logs {name} as a metric, whose state each member needs for itself")
        if not isinstance(value, Tensor):
            raise TakesOnlyOne(f"it logs {name} as a Python number, which is one for all members")
        if name in self.logged or name == "step":
            raise TakesOnlyOne(f"it logs {name} twice in a step" if name in self.logged else "it logs a value as step")
        del given["self"]
        self.logged[name] = Logged(name, value.detach().reshape(()), given)

    def _keep(self, _module: Any, _inputs: Any, output: Any) -> None:
        if not torch.is_grad_enabled() and (found := answers_of(output)) is not None:
            self.answers.append(found)


def evaluated_by(module: pl.LightningModule) -> str:
    """The step that evaluates it."""
    return "validation_step" if overrides(type(module), "validation_step") else "training_step"


class NoTrainer:
    """In the place of a module's trainer."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise TakesOnlyOne(f"it asks its trainer for {name}, which all members share")


class StepForward(Forward):
    """Calls the steps of one module with the stacked parameters of all. In training its outputs are the losses.

    A part of it that its constructor left in evaluation mode stays in it, as under Lightning.
    """

    def __init__(self, network: nn.Module, stack: Stack) -> None:
        super().__init__(network, stack)
        assert isinstance(self.network, pl.LightningModule)
        self.network.to(stack.weights.device)
        self._steps = Steps(self.network)
        self._trains = [part for part in self.network.modules() if part.training]
        self._evaluates = evaluated_by(self.network)
        self._step, self._options = "", {}  # type: ignore[var-annotated]
        passes = TrainingPasses(self.network)
        self._dead = passes if passes.found else None

    def given(self, inputs: Tensor, _targets: Tensor) -> Any:
        """A batch as a loader gives it."""
        return inputs, _targets

    def train(self, inputs: Any, *, own: bool, parameters: Mapping[str, Tensor] | None = None) -> Tensor:
        outputs: Any = super().train(inputs, own=own, parameters=parameters)
        return self._kept(outputs)

    def train_and_count_dead(self, inputs: Any, *, own: bool) -> tuple[Tensor, DeadUnits | None]:
        outputs: Any
        outputs, dead = super().train_and_count_dead(inputs, own=own)
        return outputs if isinstance(outputs, Tensor) else self._kept(outputs), dead

    def evaluate_step(self, batch: tuple[Tensor, Tensor]) -> Seen:
        """A step in evaluation mode, without gradients: of validation where it has one."""
        self.network.eval()
        self._step = self._evaluates
        with torch.no_grad():
            losses, values, answers = self._call(self._seen, batch, False)
        return Seen(losses[0] if losses else None, self._with_options(values), answers)

    def _train_mode(self) -> None:
        if not self._trains or not self._trains[0].training:
            for part in self._trains:
                part.training = True
        self._step = "training_step"

    def _kept(self, outputs: tuple[Tensor, Mapping[str, Tensor]]) -> Tensor:
        losses, values = outputs
        self.logged = self._with_options(values)
        return losses

    def _outputs(self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Any) -> Any:
        losses, values, _ = self._seen(parameters, buffers, inputs)
        if not losses:
            raise TakesOnlyOne("it returns no loss")
        return losses[0], values

    def _seen(self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], batch: Any) -> Any:
        within = ({_WITHIN + name: value for name, value in own.items()} for own in (parameters, buffers))
        returned = functional_call(self._steps, tuple(within), (self._step, batch), tie_weights=self._tied)
        loss, logged = loss_in(returned), self._steps.logged
        self._options = {name: one.options for name, one in logged.items()}
        losses = (loss,) if isinstance(loss, Tensor) else ()
        return losses, {name: one.value for name, one in logged.items()}, tuple(self._steps.answers)

    def _with_options(self, values: Mapping[str, Tensor]) -> list[Logged]:
        return [Logged(name, value, self._options[name]) for name, value in values.items()]
