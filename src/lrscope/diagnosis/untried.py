"""For which runs something has to be tried: those of a sweep in which none works, or a lone run that failed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from lrscope.core.trace import Trace
from lrscope.core.verdict import Finding, Verdict
from lrscope.diagnosis.causes import about_the_rate
from lrscope.diagnosis.data_causes import no_rate_helps
from lrscope.diagnosis.diagnose import diagnose_sweep
from lrscope.diagnosis.signals.run_signals import RunSignals
from lrscope.diagnosis.signals.turned import turned
from lrscope.diagnosis.sweep_evidence import settings_of


@dataclass(frozen=True)
class Untried:
    """The run whose start the trials have, by its number, and what is known of its rate.

    members: all that the trials speak for: they differ in rate and seed only. rate: as its key sets it. end: where its
    loss ended. known: the rates of the others; below: the lowest of them above this one that failed.
    """

    number: int
    members: tuple[int, ...]
    rate: float
    verdict: Verdict
    end: float = math.inf
    known: tuple[float, ...] = ()
    below: float = math.inf


def untried(traces: Sequence[Trace]) -> Untried | None:
    """What trials would tell of these runs, the members of a sweep or a single one.

    None where a member works and is at its end: the advice of the others names it; where the advice is not about the
    rate; and where it was tried before.
    """
    if any(trace.facts.trials is not None for trace in traces):
        return None
    runs = [RunSignals.of(trace) for trace in traces]
    found = [diagnosis.primary for diagnosis in diagnose_sweep(traces)]
    if any(_at_its_end(run, finding) for run, finding in zip(runs, found, strict=True)):
        return None
    groups: dict[str, list[int]] = defaultdict(list)
    for number, (run, finding) in enumerate(zip(runs, found, strict=True)):
        if run.set_rate and about_the_rate(finding.verdict) and not no_rate_helps(run):
            groups[settings_of(run.facts)].append(number)
    if not groups:
        return None
    members = max(groups.values(), key=len)
    rates = {number: float(runs[number].set_rate or math.nan) for number in members}
    base = min(members, key=lambda number: (found[number].verdict.failed, *_rank(runs[number], found[number].verdict)))
    higher = [rates[n] for n in members if rates[n] > rates[base] and found[n].verdict.failed]
    known = tuple(sorted({rates[n] for n in members if n != base}))
    end, verdict = runs[base].end, found[base].verdict
    return Untried(base, tuple(members), rates[base], verdict, end, known, min(higher, default=math.inf))


def _at_its_end(run: RunSignals, finding: Finding) -> bool:
    """Whether it works and more of the training is of no use, if only for its validation part."""
    turn = turned(run)
    slow = finding.verdict is Verdict.TOO_SLOW and not (turn is not None and turn.for_good)
    return not finding.verdict.failed and not slow


def _rank(run: RunSignals, verdict: Verdict) -> tuple[float, float]:
    """Those that came furthest down go before; of those that ran away the one at the lowest rate."""
    if verdict.meaning.final or not math.isfinite(run.end):
        return math.inf, run.set_rate or math.inf
    return run.end, run.set_rate or math.inf
