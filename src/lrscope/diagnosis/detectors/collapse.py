"""A network that answers the same whatever the input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lrscope.core.verdict import Certainty, Evidence, Finding, Verdict
from lrscope.diagnosis.detectors.detector import Detector
from lrscope.diagnosis.detectors.rate_advice import Advice, finding, lower
from lrscope.diagnosis.detectors.schedule import ScheduleRanOut
from lrscope.diagnosis.signals.run_signals import RunSignals

NEAR = 0.1
"""A loss within this share of a constant answer's is said to be near it."""


@dataclass(frozen=True)
class Collapsed(Detector):
    """Outputs that no longer depend on the input, and are no better than one constant answer.

    spread: ``output_spread`` (relative) below which the answers are the same for every input. lost: the spread counts
        as lost when it is below this share of what it was before training (of the largest that was seen, where that
        was not recorded), never: below this. accuracy: how far from the largest class share the accuracy may lie where
        no spread was recorded. excess: without a recorded spread, how far the loss may lie above the loss of a
        constant answer, relative. dead: share of dead units from which a layer passes nothing on. epochs: before the
        run has ended, the answers must have been the same at the end of so many epochs in a row.
        Source: the labelling rules in benchmarks/README.md; 10% excess from the definition of the verdict.
    """

    verdict: ClassVar = Verdict.COLLAPSED
    spread: float = 0.01
    lost: float = 0.1
    never: float = 1e-6
    accuracy: float = 0.01
    excess: float = 0.1
    dead: float = 1.0
    epochs: int = 3

    def find(self, signals: RunSignals) -> Finding | None:
        spreads = signals.trace.get("output_spread").values
        if len(spreads):
            return self._by_spread(signals, spreads)
        return self._by_chance(signals)

    def find_early(self, signals: RunSignals) -> Finding | None:
        spreads = signals.trace.get("output_spread").values[-self.epochs :]
        lasting = len(spreads) == self.epochs and bool((spreads < self.spread).all())
        return super().find_early(signals) if lasting else None

    def _by_spread(self, signals: RunSignals, spreads: np.ndarray) -> Finding | None:
        last = float(spreads[-1])
        if not last < self.spread or signals.learned.beats_constant:
            return None
        if not self._lost(signals, last, float(spreads.max())) and self._goes_on(signals):
            return None
        return self._finding(signals, "strong", (Evidence("output spread", last, self.spread),))

    def in_doubt(self, signals: RunSignals) -> bool:
        """Whether the answers are the same for every input, so that it may hang on what more steps would bring."""
        last = signals.last("output_spread")
        return last is not None and last < self.spread and not signals.learned.beats_constant

    def _goes_on(self, signals: RunSignals) -> bool:
        """Whether as many steps again help. Where the schedule ran out and none were taken, a forecast is held to what
        is left above the loss of one constant answer: such a run has shown what its rates bring it to.
        """
        constant = signals.constant_loss
        if signals.ahead.again is None and constant is not None and ScheduleRanOut().find(signals) is not None:
            room = signals.end - constant
            return signals.falls_again and room > max(signals.falling_share * abs(signals.fall), signals.level.bounce)
        return signals.falls_again

    def _lost(self, signals: RunSignals, last: float, largest: float) -> bool:
        """Whether the outputs once depended on the input, or never could."""
        if last < self.never or dead_layer(signals, self.dead) is not None:
            return True
        start = signals.last("output_spread_start")
        if start is not None:
            return start < self.never or last < self.lost * start
        return last < self.lost * largest or self._settled_on_one_answer(signals)

    def _settled_on_one_answer(self, signals: RunSignals) -> bool:
        """Whether the loss has come down to that of the best constant answer: it was lost before its first
        evaluation.
        """
        constant = signals.constant_loss
        if constant is None or abs(signals.end - constant) > 0.02 * constant:
            return False
        return signals.fall > 0.05 * signals.first

    def _by_chance(self, signals: RunSignals) -> Finding | None:
        """Runs whose spread was not recorded: a dead layer, or accuracy and loss that both sit at chance and stay
        there.
        """
        if signals.learned.beats_constant:
            return None
        layer = dead_layer(signals, self.dead)
        accuracy = signals.trace.get("train/acc")
        accuracy = accuracy if len(accuracy) else signals.trace.get("val/acc")
        if layer is None and not self._sits_at_chance(signals, accuracy.values):
            return None
        return self._finding(signals, "strong" if layer is not None else "weak", ())

    def _sits_at_chance(self, signals: RunSignals, accuracy: np.ndarray) -> bool:
        if len(accuracy) < 4 or not np.isfinite(signals.end):
            return False
        tail = accuracy[len(accuracy) // 2 :]
        share = signals.learned.largest_share
        classes = round(1 / tail[-1]) if tail[-1] > 0 else 0
        guess = share if share is not None else (1 / classes if classes else math.nan)
        entropy = signals.constant_loss if share is not None else (math.log(classes) if classes > 1 else math.nan)
        flat = np.ptp(tail) < 1e-6 and abs(tail[-1] - guess) < self.accuracy
        return bool(flat and entropy is not None and 0.98 * entropy < signals.end < (1 + self.excess) * entropy)

    def _finding(self, signals: RunSignals, certainty: Certainty, evidence: tuple[Evidence, ...]) -> Finding:
        parts = [p for p in (_spread_words(signals), _loss_words(signals), _accuracy_words(signals)) if p]
        layer = dead_layer(signals, self.dead)
        if layer is not None:
            parts.append(f"100% of the units of {layer[0]} dead since step {layer[1]:,}")
            evidence += (Evidence(f"dead units of {layer[0]}", 1.0, self.dead),)
        ratios = signals.trace.get("update_ratio").values
        if len(ratios) and np.isfinite(ratios[0]) and ratios[0] > 0.1:
            parts.append(f"the first update was {_times(float(ratios[0]))} the weights")
            evidence += (Evidence("first update ratio", float(ratios[0]), 0.01),)
        return finding(Verdict.COLLAPSED, "; ".join(parts), _advice(signals, ratios), evidence, certainty)


def dead_layer(signals: RunSignals, dead: float = 1.0) -> tuple[str, int] | None:
    """The first layer whose units are all dead at the end (of the network, where layers were not recorded), and since
    when."""
    names = sorted((n for n in signals.trace.series if n.startswith("dead_units/")), key=_number)
    for name in [*names, "dead_units"]:
        curve = signals.trace.get(name)
        if not len(curve) or curve.values[-1] < dead:
            continue
        alive = np.flatnonzero(curve.values < dead)
        since = int(curve.steps[alive[-1] + 1]) if len(alive) else int(curve.steps[0])
        return (f"layer {name.rsplit('/', 1)[1]}" if "/" in name else "the hidden layers"), since
    return None


def _number(name: str) -> tuple[int, str]:
    tail = name.rsplit("/", 1)[-1]
    return (int(tail) if tail.isdigit() else 10**9), tail


def _spread_words(signals: RunSignals) -> str:
    spread = signals.last("output_spread")
    return "" if spread is None else f"the relative spread of the outputs over the training examples is {spread:.2g}"


def _loss_words(signals: RunSignals) -> str:
    """Where the loss stands beside that of a constant answer, and since when it is near it."""
    constant, end = signals.constant_loss, signals.end
    words = f"train loss {end:.4g}"
    if constant is None or not constant > 0:
        return words
    name = f"{constant_name(signals)} ({constant:.4g}), which a constant answer has"
    if f"{end:.4g}" == f"{constant:.4g}":
        words += f" = {name}"
    else:
        words += f", {abs(end / constant - 1):.1%} {'above' if end > constant else 'below'} {name}"
    fixed = signals.trace.get("train/loss_eval")
    near = np.abs(fixed.values - constant) <= NEAR * constant
    if len(fixed) < 2 or not near[-1]:
        return words
    first = int(np.flatnonzero(~near)[-1]) + 1 if not near.all() else 0
    return f"{words}; within {NEAR:.0%} of it since step {int(fixed.steps[first]):,}"


def constant_name(signals: RunSignals) -> str:
    """What the loss of a constant answer is, in words: ``ln 6``, ``the variance of the targets`` …"""
    shares, loss = signals.facts.class_shares, signals.facts.loss
    if loss is not None and not loss.endswith("MSELoss"):
        return "the best constant answer"  # weights and label smoothing move it away from an entropy
    if not shares:
        return "the variance of the targets" if signals.facts.task == "regression" else "the best constant answer"
    even = max(shares) - min(shares) < 0.02
    return f"ln {len(shares)}" if even else "the entropy of the class shares"


def _accuracy_words(signals: RunSignals) -> str:
    accuracy, share = signals.last("train/acc"), signals.learned.largest_share
    if accuracy is None:
        return ""
    if share is not None and f"{accuracy:.4f}" == f"{share:.4f}":
        return f"accuracy {accuracy:.4f} = the share of the largest class"
    return f"accuracy {accuracy:.4f}" + (f" (largest class: {share:.4f})" if share is not None else "")


def _times(ratio: float) -> str:
    return f"{ratio:.0f}×" if ratio >= 10 else f"{ratio:.2g}×"


def _advice(signals: RunSignals, ratios: np.ndarray) -> Advice:
    first = float(ratios[0]) if len(ratios) else math.nan
    if signals.last("output_spread") == 0 and math.isinf(first):
        return Advice("initialise the weights with something other than zeros: equal units get equal gradients")
    factor = 10.0
    if math.isfinite(first) and first > 0.01:
        factor = float(np.clip(10 ** math.ceil(math.log10(first / 0.01) / 2), 3, 1000))
    return lower(signals, factor, at_least=True)
