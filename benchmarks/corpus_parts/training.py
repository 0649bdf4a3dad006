"""A plain training loop that records what lrscope records, and that can go on from where it stopped."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from corpus_parts.cases import Case
from corpus_parts.networks import network
from corpus_parts.problems import Problem, problem
from corpus_parts.rates import Rate
from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Series, Trace
from lrscope.probe.budget import Effort, ProbeBudget
from lrscope.probe.continue_training import RunState, run_probe
from lrscope.probe.probes import further_probes, probes, with_points
from lrscope.training.measures import DeadUnitsMeter, SpreadMeter, UpdateMeter, grad_norm
from lrscope.training.recording.recording_plan import RecordingPlan

_CLASSES = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "rmsprop": torch.optim.RMSprop}
_CLASSES |= {"adagrad": torch.optim.Adagrad, "sgd": torch.optim.SGD}  # type: ignore[dict-item]


COPIES_ORDER = 3
"""The other order of the data that lrscope's copies take: none that makes a label."""


class Run:
    """One training of a case. ``train`` records it; ``clone`` and ``go_on`` continue it for the ground truth."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.data: Problem = problem(case.problem, case.data_seed)
        if case.inputs == "standardised":
            self.data = self.data.standardised()
        if case.kind == "one_logit":
            self.data = self.data.with_one_logit()
        self.model: nn.Module = network(case, self.data)
        self.size = min(case.batch_size, len(self.data.inputs))
        if case.kind == "batch_norm" and len(self.data.inputs) % self.size == 1:
            self.size += 1  # of a batch of one there is no deviation
        self.per_epoch = math.ceil(len(self.data.inputs) / self.size)
        self.epochs = case.epochs if case.problem == "line" else max(1, round(case.epochs / self.per_epoch))
        self.steps = self.epochs * self.per_epoch
        self.rate = Rate(case.schedule, case.lr, self.steps, self.per_epoch)
        self.optimizer = self._make_optimizer(self.model)
        self.loss: Callable[[Tensor, Tensor], Tensor] = (
            nn.functional.binary_cross_entropy_with_logits
            if self.data.one_logit
            else nn.functional.cross_entropy
            if self.data.classes
            else nn.functional.mse_loss
        )
        self.position = 0
        self.order = 0
        self.scope = ProbeBudget.of(self.steps, self.per_epoch, Effort(0.0, 0.0))  # these networks are small
        self.points: dict[str, list[tuple[int, float]]] = {}
        self.finite = True

    def _make_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        case = self.case
        more: dict[str, Any] = {"momentum": case.momentum, "nesterov": case.nesterov} if case.optimizer == "sgd" else {}
        more |= {} if case.weight_decay is None else {"weight_decay": case.weight_decay}
        return _CLASSES[case.optimizer](trained(network), lr=case.lr, **more)  # type: ignore[arg-type]

    def clone(self, order: int) -> Run:
        """The same state, to be continued another way; in the same order of the data, or in another from 1 on."""
        twin = copy.copy(self)
        twin.order = order
        twin.model = copy.deepcopy(self.model)
        twin.optimizer = twin._make_optimizer(twin.model)
        twin.optimizer.load_state_dict(copy.deepcopy(self.optimizer.state_dict()))
        return twin

    def batches(self) -> Iterator[Tensor]:
        """Index batches for ever, from where the run stands, shuffled by seed, epoch and the number of the order."""
        position = self.position
        while True:
            epoch, within = divmod(position, self.per_epoch)
            # Seeds are below 1,000 and torch takes a number's last 32 bits: no two of these are the same.
            generator = torch.Generator().manual_seed(1_000_003 * self.case.seed + epoch + 1_400_000_000 * self.order)
            order = torch.randperm(len(self.data.inputs), generator=generator)
            yield from order.split(self.size)[within:]
            position += self.per_epoch - within

    def update(self, batch: Tensor, rate: float) -> Tensor:
        """One optimizer step at that rate; the loss before it."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        loss = self.loss(self.model(self.data.inputs[batch]), self.data.targets[batch])
        loss.backward()  # type: ignore[no-untyped-call]
        if self.case.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.case.clip)
        self.optimizer.step()
        self.position += 1
        return loss.detach()

    @torch.no_grad()
    def outputs(self) -> Tensor:
        """The network's answers for the training part, in evaluation mode."""
        return answers(self.model, self.data.inputs)

    @torch.no_grad()
    def train_loss(self) -> float:
        """At fixed weights over the whole training part."""
        return float(self.loss(self.outputs(), self.data.targets))

    def go_on(self, rates: list[float], eval_steps: int) -> tuple[float, ...]:
        """Trains on at these rates; (at most) ``looks`` training losses in as many last steps as 10% of the run."""
        ten = math.ceil(self.steps / 10)
        seen, losses = set(last_steps(len(rates), eval_steps, min(1.0, ten / len(rates)))), []
        for step, (rate, batch) in enumerate(zip(rates, self.batches(), strict=False)):
            self.update(batch, rate)
            if step in seen:
                losses.append(self.train_loss())
        return tuple(losses)

    def train(self, earlier: int, last: int, copies: bool = True) -> tuple[Trace, tuple[float, ...], tuple[float, ...]]:
        """The whole run: what is recorded of it, and so many training losses from 70% to 90% and in its last 10%;
        without ``copies`` none is trained on as lrscope does."""
        plan = RecordingPlan.of(self.steps)
        updates, dead = UpdateMeter(trained(self.model)), DeadUnitsMeter(self.model)
        begin = self.steps - max(1, math.ceil(self.steps / 10))
        eval_steps = set(last_steps(begin, earlier, 2 / 9)) | set(last_steps(self.steps, last, 0.1))
        seen: list[tuple[int, float]] = []
        losses: list[Tensor] = []
        self._note(0, "train/loss_start", torch.tensor(self.train_loss()))
        self._note(0, "output_spread_start", output_spread(self.outputs(), self.data.targets))
        for step, batch in zip(range(self.steps), self.batches(), strict=False):
            losses.append(self._measured_step(step, batch, plan, updates, dead))
            if step in eval_steps:
                seen.append((step, self.train_loss()))
            if step in self.scope.late:
                self._note(step, "train/loss_late", torch.tensor(self.train_loss()))
            if (step + 1) % self.per_epoch == 0:
                self._end_of_epoch(step, losses)
                losses.clear()
            if not self.finite:
                break
        late = [tuple(loss for step, loss in seen if (step >= begin) == after) for after in (False, True)]
        trace = self._trace()
        return self._look_ahead(trace) if self.finite and copies else trace, late[0], late[1]

    def _look_ahead(self, trace: Trace) -> Trace:
        """With what lrscope tries at the end of a run: the data comes in the order in which it would have come."""

        def evaluate(network: nn.Module) -> float:
            with torch.no_grad():
                return float(self.loss(answers(network, self.data.inputs), self.data.targets))

        def updates(order: int) -> Iterator[list[tuple[Tensor, Tensor]]]:
            for batch in self.clone(COPIES_ORDER if order else self.order).batches():
                yield [(self.data.inputs[batch], self.data.targets[batch])]

        run_state = RunState(
            self.model, self.optimizer, self._make_optimizer, self.loss, updates, evaluate, torch.device("cpu")
        )
        found = run_probe(run_state, probes(trace, self.scope), lambda: False)
        found |= run_probe(run_state, further_probes(trace, found), lambda: False)
        return with_points(trace, found)

    def _measured_step(
        self, step: int, batch: Tensor, plan: RecordingPlan, updates: UpdateMeter, dead: DeadUnitsMeter
    ) -> Tensor:
        signals = plan.keeps_signals(step)
        rate = self.rate.at(step)
        updates.before(signals, plan.keeps_signals(step + 1))
        if signals:
            dead.listen()
        loss = self.update(batch, rate)
        self.finite = math.isfinite(float(loss))
        reading = updates.after()
        if signals and reading is not None:
            self._note(step, "grad_norm", grad_norm(trained(self.model)))
            self._note(step, "update_ratio", reading.ratio)
            if reading.cosine is not None:
                self._note(step, "update_cosine", reading.cosine)
            self._note_dead(step, dead)
        if plan.keeps_loss(step) or not self.finite:
            self._note(step, "train/loss", loss)
        return loss

    def _note_dead(self, step: int, dead: DeadUnitsMeter) -> None:
        units = dead.read()
        if units is not None:
            self._note(step, "dead_units", units.share)
            for k, layer in enumerate(units.layers, 1):
                self._note(step, f"dead_units/{k}", layer)

    @torch.no_grad()
    def _end_of_epoch(self, step: int, losses: list[Tensor]) -> None:
        outputs, examples = self.outputs(), len(self.data.inputs)
        sizes = [min(self.size, examples - start) for start in range(0, examples, self.size)]
        self._note(step, "train/loss_epoch", torch.stack(losses) @ torch.tensor(sizes).float() / examples)
        self._note(step, "train/loss_eval", self.loss(outputs, self.data.targets))
        self._note(step, "output_spread", output_spread(outputs, self.data.targets))
        if self.data.classes:
            self._note(step, "train/acc", self.data.right(outputs, self.data.targets))
        watched = losses[-1]
        if self.data.val_inputs is not None and self.data.val_targets is not None:
            said = answers(self.model, self.data.val_inputs)
            watched = self.loss(said, self.data.val_targets)
            self._note(step, "val/loss", watched)
            if self.data.classes:
                self._note(step, "val/acc", self.data.right(said, self.data.val_targets))
        self.rate.observe(float(watched))

    def _note(self, step: int, name: str, value: Tensor) -> None:
        self.points.setdefault(name, []).append((step, float(value)))

    def _trace(self) -> Trace:
        rates = self.rate.used
        for step, rate in enumerate(rates):
            last = step == len(rates) - 1
            if step == 0 or last or rate != rates[step - 1] or rate != rates[step + 1]:
                self.points.setdefault("lr", []).append((step, rate))
        series = {
            name: Series(np.array([s for s, _ in points], np.int64), np.array([v for _, v in points]))
            for name, points in self.points.items()
        }
        return Trace(series, self._facts())

    def _facts(self) -> RunFacts:
        names = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
        return RunFacts(
            peak_lr=self.case.lr,
            optimizer=names[self.case.optimizer],
            momentum=self.case.momentum,
            nesterov=self.case.nesterov,
            beta1=0.9 if self.case.optimizer.startswith("adam") else None,
            scheduler=self.rate.name,
            scheduler_arguments=self.rate.arguments(),
            planned_steps=self.steps,
            steps_per_epoch=self.per_epoch,
            task="classification" if self.data.classes else "regression",
            class_shares=self.data.shares,
            batch_size=self.size,
            examples=len(self.data.inputs),
            constant_loss=self.data.constant_loss,
            parameters=sum(weights.numel() for weights in trained(self.model)),
            loss="bce" if self.data.one_logit else None,
            batch_norm=self.case.kind == "batch_norm",
            val_constant_loss=self.data.val_constant_loss,
            val_examples=len(self.data.val_targets) if self.data.val_targets is not None else None,
        )


def trained(network: nn.Module) -> list[nn.Parameter]:
    """Its parameters that are not frozen."""
    return [weights for weights in network.parameters() if weights.requires_grad]


def answers(network: nn.Module, inputs: Tensor) -> Tensor:
    """In evaluation mode; the network trains on in the other."""
    network.eval()
    given: Tensor = network(inputs)
    network.train()
    return given


def output_spread(outputs: Tensor, targets: Tensor) -> Tensor:
    """As a run records it, of all answers at once."""
    meter = SpreadMeter()
    meter.add(outputs, targets)
    return meter.value()


def last_steps(steps: int, count: int, share: float) -> list[int]:
    """At most ``count`` steps spread evenly over the last ``share`` of a run, its last step among them."""
    width = max(1, math.ceil(steps * share - 1e-9))
    return sorted({round(x) for x in np.linspace(steps - width, steps - 1, min(count, width))})
