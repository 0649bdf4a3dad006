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
from lrscope.diagnosis.data_causes import no_rate_helps
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
    settled: bool = True
    """None was still on its way when it ended."""


@dataclass(frozen=True)
class Rates:
    """The members of a sweep that differ in rate and seed only. ``metric``: the loss that they are compared by."""

    at: tuple[AtRate, ...]
    metric: str
    none_learned: bool

    @property
    def best(self) -> AtRate | None:
        return min((at for at in self.at if at.works), key=lambda at: at.loss, default=None)

    @property
    def best_settled(self) -> AtRate | None:
        """The best that is at its end: where a slow run is sent."""
        return min((at for at in self.at if at.works and at.settled), key=lambda at: at.loss, default=None)

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
            groups[settings_of(member.facts)].append(i)
    revised, known = list(found), []
    for places in groups.values():
        rates = _rates([members[i] for i in places], [found[i] for i in places])
        known.append((rates, places))
        if len(rates.at) > 1:
            for i in places:
                revised[i] = Diagnosis(tuple(_revised(f, members[i], rates) for f in found[i].findings))
    return _sent_to_other_settings(members, revised, known)


Known = Sequence[tuple[Rates, Sequence[int]]]
"""What the rates of each settings came to, and the numbers of the members that have them."""


def _sent_to_other_settings(members: Sequence[RunSignals], found: Sequence[Diagnosis], known: Known) -> list[Diagnosis]:
    """Where no rate of a member's own settings works, but one of others does, its advice names that member first."""
    revised = list(found)
    working = [(best, rates, places) for rates, places in known if (best := rates.best) is not None]
    if not working:
        return revised
    best, there, others = min(working, key=lambda own: own[0].loss)
    facts = next(members[i].facts for i in others if members[i].set_rate == best.rate)
    for rates, places in known:
        for i in places if rates.best is None else ():
            how = f"{facts.rate_key}={best.rate:.4g} {_difference(members[i].facts, facts)}"
            words = f"{how} of this sweep works ({there.metric} {best.loss:.4g})"
            revised[i] = Diagnosis(tuple(_also(finding, words) for finding in found[i].findings))
    return revised


def _also(finding: Finding, words: str) -> Finding:
    if not (about_the_rate(finding.verdict) and finding.verdict.failed):
        return finding
    return replace(finding, advice=f"{words}; with the settings of this run {finding.advice}")


_NAMES = {
    "optimizer": "with {}", "momentum": "optimizer.momentum={}", "weight_decay": "optimizer.weight_decay={}",
    "scheduler": "scheduler={}", "batch_size": "batch_size={}", "clip_value": "trainer.gradient_clip_val={}",
    "dropout": "with dropout {}",
}  # fmt: skip


def _difference(mine: RunFacts, there: RunFacts) -> str:
    """The settings that differ, as far as the facts tell them."""
    pairs = ((words, getattr(mine, name), getattr(there, name)) for name, words in _NAMES.items())
    found = [words.format("null" if other is None else other) for words, own, other in pairs if own != other]
    return " ".join(found) or "with other settings"


def settings_of(facts: RunFacts) -> str:
    """Equal for members that differ in their rate and seed alone, as far as their facts tell."""
    if facts.settings is not None:
        return facts.settings
    arguments = {k: v for k, v in facts.scheduler_arguments.items() if v != facts.peak_lr}
    return replace(facts, peak_lr=None, scheduler_arguments=arguments, trials=None).to_json()


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
        works = not failed and all(_holds(m) and v.meaning.about != "record" for m, v in seeds)
        mean = float(np.mean(losses)) if losses else math.inf
        settled = all(verdict is not Verdict.TOO_SLOW for _, verdict in seeds)
        at.append(AtRate(rate, mean, failed, works and math.isfinite(mean), settled))
    none_learned = all(_learned_nothing(m, d.verdict) for m, d in zip(members, found, strict=True))
    return Rates(tuple(at), "val/loss" if validated else "train loss", none_learned)


def _holds(member: RunSignals) -> bool:
    """Whether it learned something, and not of its training examples alone."""
    return not member.learned.nothing and not member.learned.memorised


def _learned_nothing(member: RunSignals, verdict: Verdict) -> bool:
    """Surely, and not because its rate was so high that it ran away or still bounces."""
    settled = verdict.meaning.about == "all" or member.levelled_off
    return verdict.failed and not verdict.meaning.final and settled and not member.learned.beats_constant


def _loss(member: RunSignals, validated: bool) -> float:
    lowest = _lowest(member, "val/loss") if validated else None
    return lowest if lowest is not None else member.end


def _lowest(member: RunSignals, name: str) -> float | None:
    values = member.trace.get(name).values
    return float(values[np.isfinite(values)].min()) if np.isfinite(values).any() else None


def _revised(finding: Finding, member: RunSignals, rates: Rates) -> Finding:
    if not about_the_rate(finding.verdict) or no_rate_helps(member):
        return finding
    mine, key, best = rates.of(member.set_rate or 0.0), member.facts.rate_key, rates.best
    slow = finding.verdict is Verdict.TOO_SLOW
    if slow and (settled := rates.best_settled) is not None and settled.loss < mine.loss:
        best = settled
    elif finding.changes and (slow or best is None or not best.settled):
        return finding  # tried, beyond what the sweep shows
    if best is not None and best is not mine and _better(best, mine, finding):
        reached = f"{rates.metric} {best.loss:.4g}" + ("" if mine.failed else f", this one {mine.loss:.4g}")
        if finding.rate is None and not finding.changes and not slow:
            more = f"; of the rates of this sweep {key}={best.rate:.4g} did best ({reached})"
            return replace(finding, advice=finding.advice + more)
        words = f"use {key}={best.rate:.4g}, which did best in this sweep ({reached})"
        rest = f", or {finding.otherwise}" if finding.otherwise else ""
        causes = tuple(cause for cause in finding.causes if not cause.instead)
        return replace(finding, advice=words + rest, rate=best.rate, changes={key: best.rate}, causes=causes)
    if finding.rate is None:
        return finding
    came_to_its_end = not (slow or finding.verdict.failed) and finding.verdict.meaning.about == "progress"
    if came_to_its_end and not member.learned.by_chance:
        much = f" more than {SAME:.0%} of" if best is not None and best.loss < mine.loss else ""
        return replace(finding, advice=f"keep this rate: no other of this sweep did better by{much} {rates.metric}")
    return _bounded(finding, mine, key, rates)


def _better(best: AtRate, mine: AtRate, finding: Finding) -> bool:
    return finding.verdict.failed or best.loss < mine.loss - SAME * abs(best.loss)


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
