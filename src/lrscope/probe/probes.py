"""What a copy of a finished run is trained on for, and what that says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lrscope.core.trace import Series, Trace
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import diagnose
from lrscope.diagnosis.detectors.collapse import Collapsed
from lrscope.diagnosis.detectors.oscillation import Oscillating
from lrscope.diagnosis.signals.eval_steps import eval_steps, tenth_of
from lrscope.diagnosis.signals.level import end_level
from lrscope.diagnosis.signals.probed import AGAIN, LOWER, LOWER_OTHER, SAME, SAME_OTHER
from lrscope.diagnosis.signals.run_signals import RunSignals
from lrscope.probe.budget import ProbeBudget


@dataclass(frozen=True)
class Probe:
    """``name`` is the metric of what is found, ``rates`` those of each update, ``eval_steps`` the updates behind which
    the loss is evaluated, ``order`` which order of the data they take: 0 for that in which the run would have gone on.
    """

    name: str
    rates: tuple[float, ...]
    eval_steps: tuple[int, ...]
    order: int = 0

    def level(self, losses: Sequence[float]) -> float:
        """Where the training losses at ``eval_steps`` stand at the end.

        At a tenth of the rate they come down from a bounce: the last third of them counts.
        """
        values = np.asarray(losses, np.float64)
        if self.name in (LOWER, LOWER_OTHER):
            third = -(-len(values) // 3)
            return float(values[-third:].mean())
        return end_level(np.asarray(self.eval_steps, np.int64), values)[0]


def probes(trace: Trace, scope: ProbeBudget) -> tuple[Probe, ...]:
    """What to train copies of a finished run on for: all that its scope allows."""
    if not scope.tenth:
        return ()
    verdict, reading = diagnose(trace).verdict, RunSignals.of(trace)
    # A collapse goes before a schedule that ran out, and may hang on what more steps bring.
    doubtful = verdict is Verdict.SCHEDULE_RAN_OUT and Collapsed().in_doubt(reading)
    if verdict.meaning.final and not doubtful:
        return ()
    tenths = _tenths(reading, (SAME, LOWER), 0)
    if not tenths or not scope.again:
        return tenths
    steps = reading.steps
    again = Probe(AGAIN, tuple(reading.rates.tolist()), _eval_steps(steps, tenth_of(steps)))
    return (again, *tenths)


def further_probes(trace: Trace, found: Mapping[str, float]) -> tuple[Probe, ...]:
    """What else to train copies on for, in another order of the data, where a failure hangs on what the first did.

    ``found``: what the first copies came to. A full batch has one order.
    """
    if not found:
        return ()
    signals, facts = RunSignals.of(with_points(trace, found)), trace.facts
    full = facts.batch_size is not None and facts.examples is not None and facts.batch_size >= facts.examples
    if full or Oscillating().find(signals) is None:
        return ()
    return _tenths(signals, (SAME_OTHER, LOWER_OTHER), 1)


def with_points(trace: Trace, found: Mapping[str, float]) -> Trace:
    """The trace with what its copies came to, at its last step."""
    at = np.array([max(int(curve.steps[-1]) for curve in trace.series.values() if len(curve))], np.int64)
    return replace(trace, series={**trace.series, **{name: Series(at, np.array([x])) for name, x in found.items()}})


def _tenths(signals: RunSignals, names: tuple[str, str], order: int) -> tuple[Probe, ...]:
    """10% more steps at the last rate above 0, and at a tenth of it."""
    positive = signals.rates[signals.rates > 0]
    if not len(positive):
        return ()
    tenth, last = tenth_of(signals.steps), float(positive[-1])
    seen = _eval_steps(tenth, tenth)
    return tuple(Probe(name, (rate,) * tenth, seen, order) for name, rate in zip(names, (last, last / 10), strict=True))


def _eval_steps(updates: int, last: int) -> tuple[int, ...]:
    return tuple(eval_steps(updates - last, updates))
