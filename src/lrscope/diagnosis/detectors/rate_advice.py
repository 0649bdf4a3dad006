"""What to do about a rate: in words, and as a number that can be held against what a sweep shows."""

from __future__ import annotations

from dataclasses import dataclass

from lrscope.core.verdict import Certainty, Evidence, Finding, Verdict
from lrscope.diagnosis.signals.run_signals import RunSignals

ROOM = 1.5
"""A measured limit is where training breaks: a rate is raised to it divided by this, if that is higher at all."""


@dataclass(frozen=True)
class Advice:
    """``rate``: where the words lead, None where they name no rate. ``otherwise``: what remains of them where that rate
    is known to be worse.
    """

    words: str
    rate: float | None = None
    otherwise: str = ""


def lower(signals: RunSignals, factor: float, at_least: bool = False, otherwise: str = "") -> Advice:
    """``lower lr at least 10×, to 0.01 or less``, in the key that sets the rate of this run; below what is stable."""
    key, now, limit = signals.facts.rate_key, signals.set_rate, signals.stable_rate
    rest = f", or {otherwise}" if otherwise else ""
    goal = now / factor if now else None
    if goal is not None and limit is not None and goal > limit:
        words = f"lower {key} to {limit:.2g} or less, the largest stable rate that was measured"
        return Advice(words + rest, limit, otherwise)
    words = f"lower {key} {'at least ' if at_least else ''}{factor:g}×"
    if goal is not None:
        words += f", to {goal:.2g}" + (" or less" if at_least else "")
    return Advice(words + rest, goal, otherwise)


def raise_to(signals: RunSignals, factor: float, at_least: bool = False, otherwise: str = "") -> Advice:
    """``raise lr about 3×, to 0.03, or train about 300 more steps``; not above what is stable."""
    key, now, limit = signals.facts.rate_key, signals.set_rate, signals.stable_rate
    goal = now * factor if now else None
    if now and goal is not None and limit is not None and goal > limit:
        rest = otherwise or "train longer"
        if limit < ROOM * now:
            return Advice(
                f"{rest}; no higher rate: the largest stable one that was measured is {limit:.2g}", None, rest
            )
        words = f"raise {key} to {limit / ROOM:.2g}, below the largest stable rate that was measured ({limit:.2g})"
        return Advice(f"{words}, or {rest}", limit / ROOM, rest)
    words = f"raise {key} {'at least' if at_least else 'about'} {factor:.2g}×"
    words += f", to {goal:.2g}" if goal is not None else ""
    words += f", or {otherwise}" if otherwise else ""
    return Advice(words, goal, otherwise)


def finding(
    verdict: Verdict, why: str, advice: Advice, evidence: tuple[Evidence, ...], certainty: Certainty = "strong"
) -> Finding:
    """A finding whose advice can be held against other runs."""
    return Finding(verdict, why, advice.words, evidence, certainty, advice.rate, advice.otherwise)
