"""A training that is watched: its losses are told, the rest is seen; what is certain of it is said at once."""

from __future__ import annotations

import atexit
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

import torch
from torch import Tensor

from lrscope.core.errors import InputError, Problem
from lrscope.core.run_facts import RunFacts
from lrscope.core.stopped_by_verdict import StoppedByVerdict
from lrscope.core.trace import Trace
from lrscope.core.tracking_settings import Status
from lrscope.core.verdict import Diagnosis as Found
from lrscope.core.verdict import Finding, Verdict
from lrscope.diagnosis import canonical_name, diagnose, is_diverged, live_finding, note, verdict_and_note
from lrscope.diagnosis.readable import Diagnosis
from lrscope.integrations.optimizer_steps import OptimizerSteps
from lrscope.integrations.watch_record import Record
from lrscope.training.measures.forward_pass import ALIKE
from lrscope.training.recording import OpenPlan, RunRecorder

READ_EVERY = 32
"""On an accelerator values are read so many updates at a time: each reading waits for the device."""
WITHOUT_UPDATE = 64
"""After so many losses without an update it is looked whether they are numbers at all: a GradScaler may skip all."""
SPREADS = 16
"""Without evaluations so many measured spreads make a point: a single batch's says little."""


@dataclass
class Watch:
    """Looks on until :meth:`close`, or the end of ``with``. :func:`lrscope.watch` makes it.

    ``stop_when`` and ``on_verdict`` hear of a verdict as soon as it is certain: of divergence at each ``step`` (on an
    accelerator up to 32 updates later), of others at each ``evaluate``.
    """

    name: str
    steps: OptimizerSteps = field(repr=False)
    recorder: RunRecorder = field(repr=False)
    facts: RunFacts = field(repr=False)
    record: Record = field(repr=False)
    read_every: int = 1
    stop_when: frozenset[Verdict] = frozenset()
    on_verdict: Callable[[Diagnosis], object] | None = None

    def __post_init__(self) -> None:
        self.recorder.attach(self.record.points, _nothing)
        self._known = 0
        self._batches: list[Tensor] = []
        self._pending: list[tuple[int, list[Tensor]]] = []
        self._spreads: list[float] = []
        self._alike: list[bool] = []
        self._evaluated = self.closed = False
        self._told: set[Verdict] = set()
        atexit.register(self.close)

    def step(self, loss: Tensor | float) -> None:
        """Tell the loss of a batch, behind the optimizer's step. Of an update that several batches make tell each; the
        update's loss is their mean.

        Raises:
            StoppedByVerdict: a verdict of ``stop_when`` is certain.
            InputError: it is no single number.
        """
        self._batches.append(_scalar("loss", loss))
        made = self.steps.updates
        if made > self._known:
            self.steps.finish()
            self._pending.append((made - 1, self._batches))
            self._known, self._batches = made, []
            if len(self._pending) >= self.read_every:
                self._flush()
                self._look_at_the_loss()
            return
        self.steps.passed()
        if len(self._batches) % WITHOUT_UPDATE == 0 and not math.isfinite(float(self._batches[-1])):
            self._take_what_is_left()
            self._look_at_the_loss()

    def evaluate(self, **metrics: Tensor | float) -> None:
        """Record what an evaluation at the present weights came to: ``val_loss``, ``val_acc``, ``train_loss`` (over the
        whole training part), ``train_acc``, or others by their names.

        Raises:
            StoppedByVerdict: a verdict of ``stop_when`` is certain.
            InputError: a value is no single number.
        """
        values = {_metric(name): float(_scalar(name, value)) for name, value in metrics.items()}
        self._flush()
        self._evaluated = True
        self._record_spread()
        self.recorder.values(max(self.steps.updates - 1, 0), values)
        self._look(live_finding(self._trace()))

    @property
    def diagnosis(self) -> Diagnosis:
        """What becomes of the training, by what was seen so far."""
        if not self.closed:
            self._flush()
        return self._readable(self._found())

    @property
    def trace(self) -> Trace:
        """Everything that was kept, as arrays."""
        self._flush()
        return self._trace()

    @property
    def run_id(self) -> str:
        """MLflow's id of the run that it is recorded in; empty where that is none."""
        return self.record.run_id

    def close(self, error: BaseException | None = None) -> None:
        """Look on no further: the hooks are gone, the verdict stands, the record is closed.

        Args:
            error: what ended the training, where it was not its end.
        """
        if self.closed:
            return
        self._flush()
        self._take_what_is_left()
        self._evaluated = self._evaluated or self.recorder.last("output_spread") is None
        self._record_spread()
        if self._alike and all(self._alike):
            self.recorder.values(max(self.steps.updates - 1, 0), {"output_spread": 0.0})
        self.closed = True
        atexit.unregister(self.close)
        self.steps.close()
        self.recorder.end()
        found, trace = self._found(), self._trace()
        if self.recorder.last_loss is not None and not self.steps.updates:
            print("lrscope.watch: losses were told, and the optimizer that was given made no step", file=sys.stderr)
        facts = {"lrscope.facts": self.facts.to_json()}
        self.record.close(_status(found, error), {**verdict_and_note(found, trace), **facts})
        if self.on_verdict is not None and found.verdict not in self._told:
            self.on_verdict(self._readable(found))

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(error)

    def _flush(self) -> None:
        """Read what may still lie on the device, and record it."""
        pending, self._pending = self._pending, []
        losses = iter(_read([loss for _, batches in pending for loss in batches]))
        for update, batches in pending:
            self.recorder.loss(update, sum(next(losses) for _ in batches) / len(batches))
        signals = self.steps.take_signals()
        values = iter(_read([value for measured in signals.values() for value in measured.values()]))
        for update, measured in sorted(signals.items()):
            named = {name: next(values) for name in measured}
            if (spread := named.pop("output_spread", None)) is not None:
                self._spreads.append(spread)
            if (alike := named.pop(ALIKE, None)) is not None:
                self._alike = [*self._alike, alike == 1.0][-SPREADS:]
            self.recorder.values(update, named)
        if len(self._spreads) >= SPREADS and not self._evaluated:
            self._record_spread(SPREADS)

    def _record_spread(self, most: int | None = None) -> None:
        spreads = [spread for spread in self._spreads[:most] if math.isfinite(spread)]
        self._spreads = []
        if spreads and (most is not None or self._evaluated):
            self.recorder.values(max(self.steps.updates - 1, 0), {"output_spread": sum(spreads) / len(spreads)})

    def _take_what_is_left(self) -> None:
        """Losses that no update followed: told where they are no numbers, for then none will."""
        left, self._batches = self._batches, []
        if left and not math.isfinite(last := float(left[-1])):
            self.recorder.loss(self.steps.updates, last)

    def _look_at_the_loss(self) -> None:
        latest, first = self.recorder.last_loss, self.recorder.first_loss
        if Verdict.DIVERGED in self._told or latest is None or first is None or not is_diverged(latest, first):
            return
        self.recorder.end()  # the loss that settles it is kept, whatever the plan says
        self._look(diagnose(self._trace()).primary)

    def _look(self, finding: Finding | None) -> None:
        if finding is None or finding.verdict in self._told:
            return
        self._told.add(finding.verdict)
        if self.on_verdict is not None:
            self.on_verdict(self._readable(Found((finding,))))
        if finding.verdict in self.stop_when:
            raise StoppedByVerdict(finding.verdict, finding.why)

    def _trace(self) -> Trace:
        trace = self.recorder.trace(self.facts)
        plan = self.recorder.plan
        return plan.even(trace, self.steps.updates) if isinstance(plan, OpenPlan) else trace

    def _found(self) -> Found:
        trace = self._trace()
        found = diagnose(trace)
        if any(len(trace.get(name)) for name in ("train/loss", "train/loss_eval")):
            return found
        return Found((replace(found.primary, advice="tell it the loss of each update: w.step(loss)"),))

    def _readable(self, found: Found) -> Diagnosis:
        return Diagnosis.of(found, note(found, self._trace()), self.name, self.run_id)


def _status(found: Found, error: BaseException | None) -> Status:
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        return "KILLED"
    failed = error is not None and not isinstance(error, StoppedByVerdict)
    return "FAILED" if failed or found.verdict is Verdict.DIVERGED else "FINISHED"


def _metric(name: str) -> str:
    """``val_loss`` is ``val/loss``; of a training loss at fixed weights ``train/loss_eval``."""
    known = canonical_name(name)
    return "train/loss_eval" if known == "train/loss" else known


def _scalar(name: str, value: Any) -> Tensor:
    """One number as a tensor that nothing else writes to.

    Raises:
        InputError: it is none, or several.
    """
    if isinstance(value, Tensor) and value.numel() == 1:
        return value.detach().reshape(()).clone()
    try:
        return torch.tensor(float(value), dtype=torch.float64)
    except (TypeError, ValueError):
        shown = f"a tensor of {value.numel()} numbers" if isinstance(value, Tensor) else type(value).__name__
        raise InputError(Problem(name, shown, "is no single number", "Give the mean, e.g. loss.mean().")) from None


def _read(values: Sequence[Tensor]) -> list[float]:
    """0-dim tensors as floats, in one reading of each device."""
    if not values:
        return []
    if len({value.device for value in values}) == 1 and values[0].device.type != "cpu":
        return torch.stack([value.double() for value in values]).tolist()
    return [float(value) for value in values]


def _nothing() -> None:
    pass
