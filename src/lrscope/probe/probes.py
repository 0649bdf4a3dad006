"""What a copy of a finished run is trained on for, and what that says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lrscope.core.trace import Trace
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import diagnose
from lrscope.diagnosis.detectors.collapse import Collapsed
from lrscope.diagnosis.signals.eval_steps import eval_steps, tenth_of
from lrscope.diagnosis.signals.level import end_level
from lrscope.diagnosis.signals.probed import AGAIN, LOWER, SAME
from lrscope.diagnosis.signals.run_signals import RunSignals
from lrscope.probe.budget import ProbeBudget


@dataclass(frozen=True)
class Probe:
    """``name`` is the metric of what is found, ``rates`` those of each update, ``eval_steps`` the updates behind which
    the loss is evaluated.
    """

    name: str
    rates: tuple[float, ...]
    eval_steps: tuple[int, ...]

    def level(self, losses: Sequence[float]) -> float:
        """Where the training losses at ``eval_steps`` stand at the end.

        At a tenth of the rate they come down from a bounce: the last third of them counts.
        """
        values = np.asarray(losses, np.float64)
        if self.name == LOWER:
            third = -(-len(values) // 3)
            return float(values[-third:].mean())
        return end_level(np.asarray(self.eval_steps, np.int64), values)[0]


def probes(trace: Trace, scope: ProbeBudget) -> tuple[Probe, ...]:
    """What to train copies of a finished run on for: all that its scope allows; of a longer run, what its verdict of
    a failure hangs on.
    """
    if not scope.tenth:
        return ()
    verdict, reading = diagnose(trace).verdict, RunSignals.of(trace)
    # A failure that more steps may refute: where it costs little, no run is called so untried.
    refutable = verdict.failed and verdict.meaning.about == "progress"
    # A collapse goes before a schedule that ran out, and may hang on what more steps bring.
    doubtful = verdict is Verdict.SCHEDULE_RAN_OUT and Collapsed().in_doubt(reading)
    if (verdict.meaning.final and not doubtful) or not (scope.again or refutable):
        return ()
    steps, rates = reading.steps, reading.rates
    positive = rates[rates > 0]
    if not len(positive):
        return ()
    tenth, last = tenth_of(steps), float(positive[-1])
    seen = _eval_steps(tenth, tenth)
    more = [Probe(SAME, (last,) * tenth, seen), Probe(LOWER, (last / 10,) * tenth, seen)]
    if scope.again:
        more.insert(0, Probe(AGAIN, tuple(rates.tolist()), _eval_steps(steps, tenth)))
    return tuple(more)


def _eval_steps(updates: int, last: int) -> tuple[int, ...]:
    return tuple(eval_steps(updates - last, updates))
