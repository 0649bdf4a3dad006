"""What to do about a rate: in words, and as a number that can be held against what a sweep shows."""

from __future__ import annotations

from dataclasses import dataclass

from lrscope.core.verdict import Certainty, Evidence, Finding, Verdict
from lrscope.diagnosis.signals.run_signals import RunSignals


@dataclass(frozen=True)
class Advice:
    """``rate``: where the words lead, None where they name no rate. ``otherwise``: what remains of them where that rate
    is known to be worse.
    """

    words: str
    rate: float | None = None
    otherwise: str = ""


def lower(reading: RunSignals, factor: float, at_least: bool = False, otherwise: str = "") -> Advice:
    """``lower lr at least 10×, to 0.01 or less``, in the key that sets the rate of this run."""
    key, now = reading.facts.rate_key, reading.set_rate
    words = f"lower {key} {'at least ' if at_least else ''}{factor:g}×"
    if now:
        words += f", to {now / factor:.2g}" + (" or less" if at_least else "")
    words += f", or {otherwise}" if otherwise else ""
    return Advice(words, now / factor if now else None, otherwise)


def raise_to(reading: RunSignals, factor: float, at_least: bool = False, otherwise: str = "") -> Advice:
    """``raise lr about 3×, to 0.03, or train about 300 more steps``."""
    key, now = reading.facts.rate_key, reading.set_rate
    words = f"raise {key} {'at least' if at_least else 'about'} {factor:.2g}×"
    words += f", to {now * factor:.2g}" if now else ""
    words += f", or {otherwise}" if otherwise else ""
    return Advice(words, now * factor if now else None, otherwise)


def finding(
    verdict: Verdict, why: str, advice: Advice, evidence: tuple[Evidence, ...], certainty: Certainty = "strong"
) -> Finding:
    """A finding whose advice can be held against other runs."""
    return Finding(verdict, why, advice.words, evidence, certainty, advice.rate, advice.otherwise)
