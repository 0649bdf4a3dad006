"""Advice held against what the other members of a sweep came to: never towards what they show to be worse."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lrscope.core.run_facts import RunFacts
from lrscope.core.verdict import Diagnosis, Finding, Verdict
from lrscope.diagnosis.causes import about_the_rate
from lrscope.diagnosis.signals.run_signals import RunSignals

SAME = 0.01
"""Losses within this share of the lower one are equal."""
WIDE = 10.5
"""Between rates further apart than this factor there is room that a member at one of them says nothing of."""
WHOLE_RANGE = 30.0
"""Where rates this far apart all come to no more than a constant answer, the rate is hardly the cause."""


@dataclass(frozen=True)
class AtRate:
    """What the members at one rate came to: ``loss`` is the mean of those that did not fail, inf where none did."""

    rate: float
    loss: float
    failed: tuple[Verdict, ...]
    works: bool
    """No seed failed, and every one learned something."""


@dataclass(frozen=True)
class Rates:
    """The members of a sweep that differ in rate and seed only. ``metric``: the loss that they are compared by."""

    at: tuple[AtRate, ...]
    metric: str
    none_learned: bool

    @property
    def best(self) -> AtRate | None:
        return min((at for at in self.at if at.works), key=lambda at: at.loss, default=None)

    def of(self, rate: float) -> AtRate:
        return next(at for at in self.at if at.rate == rate)

    def next_to(self, rate: float, up: bool) -> AtRate | None:
        """The nearest rate that was tried on that side."""
        beside = [at for at in self.at if (at.rate > rate if up else at.rate < rate)]
        return (beside[0] if up else beside[-1]) if beside else None


def in_sweep(members: Sequence[RunSignals], found: Sequence[Diagnosis]) -> list[Diagnosis]:
    """The diagnoses with advice that agrees with what the members show of each other's rates."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, member in enumerate(members):
        if member.set_rate:
            groups[_settings(member.facts)].append(i)
    revised = list(found)
    for places in groups.values():
        rates = _rates([members[i] for i in places], [found[i] for i in places])
        if len(rates.at) > 1:
            for i in places:
                revised[i] = Diagnosis(tuple(_revised(f, members[i], rates) for f in found[i].findings))
    return revised


def _settings(facts: RunFacts) -> str:
    """Equal for members that differ in their rate and seed alone, as far as their facts tell."""
    if facts.settings is not None:
        return facts.settings
    arguments = {k: v for k, v in facts.scheduler_arguments.items() if v != facts.peak_lr}
    return replace(facts, peak_lr=None, scheduler_arguments=arguments).to_json()


def _rates(members: Sequence[RunSignals], found: Sequence[Diagnosis]) -> Rates:
    validated = all(
        _lowest(m, "val/loss") is not None for m, d in zip(members, found, strict=True) if not d.verdict.failed
    )
    by_rate: dict[float, list[tuple[RunSignals, Verdict]]] = defaultdict(list)
    for member, diagnosis in zip(members, found, strict=True):
        by_rate[member.set_rate or 0.0].append((member, diagnosis.verdict))
    at = []
    for rate, seeds in sorted(by_rate.items()):
        failed = tuple(verdict for _, verdict in seeds if verdict.failed)
        losses = [_loss(member, validated) for member, verdict in seeds if not verdict.failed]
        works = not failed and all(not m.learned_nothing and v.meaning.about != "record" for m, v in seeds)
        mean = float(np.mean(losses)) if losses else math.inf
        at.append(AtRate(rate, mean, failed, works and math.isfinite(mean)))
    none_learned = all(_learned_nothing(m, d.verdict) for m, d in zip(members, found, strict=True))
    return Rates(tuple(at), "val/loss" if validated else "train loss", none_learned)


def _learned_nothing(member: RunSignals, verdict: Verdict) -> bool:
    """Surely, and not because its rate was so high that it ran away or still bounces."""
    settled = verdict.meaning.about == "all" or member.levelled_off
    return verdict.failed and not verdict.meaning.final and settled and not member.beats_constant


def _loss(member: RunSignals, validated: bool) -> float:
    lowest = _lowest(member, "val/loss") if validated else None
    return lowest if lowest is not None else member.end


def _lowest(member: RunSignals, name: str) -> float | None:
    values = member.trace.get(name).values
    return float(values[np.isfinite(values)].min()) if np.isfinite(values).any() else None


def _revised(finding: Finding, member: RunSignals, rates: Rates) -> Finding:
    if not about_the_rate(finding.verdict):
        return finding
    mine, key, best = rates.of(member.set_rate or 0.0), member.facts.rate_key, rates.best
    if best is not None and best is not mine and _better(best, mine, finding):
        reached = f"{rates.metric} {best.loss:.4g}" + ("" if mine.failed else f", this one {mine.loss:.4g}")
        if finding.rate is None:
            more = f"; of the rates of this sweep {key}={best.rate:.4g} did best ({reached})"
            return replace(finding, advice=finding.advice + more)
        words = f"use {key}={best.rate:.4g}, which did best in this sweep ({reached})"
        rest = f", or {finding.otherwise}" if finding.otherwise else ""
        return replace(finding, advice=words + rest, rate=best.rate)
    if finding.rate is None:
        return finding
    if finding.verdict is Verdict.TRAINED:
        return replace(finding, advice=f"keep this rate: no other of this sweep did better by {rates.metric}")
    return _bounded(finding, mine, key, rates)


def _better(best: AtRate, mine: AtRate, finding: Finding) -> bool:
    return finding.verdict.failed or not mine.works or best.loss < mine.loss - SAME * abs(best.loss)


def _bounded(finding: Finding, mine: AtRate, key: str, rates: Rates) -> Finding:
    """Advice on a rate that no member stands at, kept on this side of those that did worse."""
    assert finding.rate is not None
    low, high = rates.at[0].rate, rates.at[-1].rate
    if rates.none_learned and high / low >= WHOLE_RANGE:
        why = f"{finding.why}; no rate of this sweep, from {low:.4g} to {high:.4g}, beats a constant answer"
        return replace(
            finding, why=why, advice="look at the inputs, the labels and the network: it is hardly the rate", rate=None
        )
    up = finding.rate > mine.rate
    beside = rates.next_to(mine.rate, up)
    if beside is None or not (beside.failed or beside.loss > mine.loss):
        return finding
    how = beside.failed[0].label if beside.failed else f"{rates.metric} {beside.loss:.4g}"
    worse = f"{key}={beside.rate:.4g} of this sweep is no better ({how})"
    if not up and finding.verdict.failed and all(at.failed for at in rates.at if at.rate < mine.rate):
        goal = min(finding.rate, low / 10)
        words = f"lower {key} to {goal:.2g} or less: {low:.4g}, the lowest of this sweep, failed too"
        return replace(finding, advice=words + (f", or {finding.otherwise}" if finding.otherwise else ""), rate=goal)
    middle = math.sqrt(mine.rate * beside.rate)
    if max(beside.rate / mine.rate, mine.rate / beside.rate) > WIDE:
        goal = min(finding.rate, middle) if up else max(finding.rate, middle)
        if goal == finding.rate:
            return finding
        words = f"{'raise' if up else 'lower'} {key} to about {goal:.2g}, no further: {worse}"
        return replace(finding, advice=words + (f", or {finding.otherwise}" if finding.otherwise else ""), rate=goal)
    side = "higher" if up else "lower"
    rest = finding.otherwise or ("look elsewhere" if finding.verdict.failed else "train longer")
    return replace(finding, advice=f"{rest}; no {side} rate: {worse}", rate=None, otherwise=rest)
