"""A loss that was still falling when the run ended."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from lrscope.core.verdict import Certainty, Evidence, Finding, Verdict
from lrscope.diagnosis.detectors.detector import Detector
from lrscope.diagnosis.detectors.losses_told import told
from lrscope.diagnosis.detectors.rate_advice import Advice, finding, raise_to
from lrscope.diagnosis.detectors.stall import another_rate, reached_of, share_of_way
from lrscope.diagnosis.signals import chance
from lrscope.diagnosis.signals.run_signals import RunSignals
from lrscope.diagnosis.signals.turned import turned


@dataclass(frozen=True)
class TooSlow(Detector):
    """As many steps again would take the training loss down by more than a small share of what it has come down so far.

    Where it is open whether the loss still falls, a run that came less than half of another member's way is taken to be
    on its way: those that have stalled nearly always stand above L₀.

    unsure: factor around the bound (``Reading.falling_share``) within which the finding is weak. behind: share of the
        best member's way below which a run is behind; as for stalled.
    """

    verdict: ClassVar = Verdict.TOO_SLOW
    unsure: float = 1.5
    behind: float = 0.5

    def find(self, signals: RunSignals) -> Finding | None:
        if not signals.falls_again:
            return (
                self._nothing_yet(signals) or self._unproven(signals) or self._behind(signals) or self._drowned(signals)
            )
        forecast = signals.forecast
        share = forecast.again / abs(signals.fall) if signals.fall else math.inf
        certainty: Certainty = "weak" if share < signals.falling_share * self.unsure or not forecast.sure else "strong"
        evidence = (Evidence("fall in as many steps again / fall so far", share, signals.falling_share),)
        why, turn = _why(signals, share), turned(signals)
        if turn is None or not turn.for_good:
            return finding(Verdict.TOO_SLOW, why, _advice(signals), evidence, certainty)
        why += (
            f"; the val loss rises meanwhile: it was {turn.low:.4g} at step {turn.lowest_step:,}, now {turn.last:.4g}"
        )
        weights = turn.weights(signals.facts.steps_per_epoch)
        more = "more of this training lowers the training loss alone; for a lower val loss add weight decay or data"
        return finding(Verdict.TOO_SLOW, why, Advice(f"{weights}: {more}", None, weights), evidence, certainty)

    def _nothing_yet(self, signals: RunSignals) -> Finding | None:
        """No better than a constant answer, and not known to have levelled off there: it may be on its way."""
        if not signals.learned.nothing or signals.nothing_to_come:
            return None
        constant = signals.constant_loss or 0.0
        why = (
            f"train loss went from {signals.first:.4g} to {signals.end:.4g}, "
            f"{'hardly' if signals.end < constant else 'no'} better than a constant answer ({constant:.4g}): it has "
            "learned nothing of the inputs yet, and nothing shows that it has levelled off"
        )
        evidence = (Evidence("train loss at the end", signals.end, constant),)
        return finding(Verdict.TOO_SLOW, why, _advice(signals), evidence, "weak")

    def _unproven(self, signals: RunSignals) -> Finding | None:
        """Hardly better than a constant answer where it trains, and no better where it is validated: whatever it is, it
        is not trained.
        """
        constant, held_out = signals.constant_loss, chance.val_constant_loss(signals.trace)
        if constant is None or held_out is None or not signals.learned.unproven or signals.learned.nothing:
            return None
        val = float(signals.trace.get("val/loss").values[-1])
        why = (
            f"train loss went from {signals.first:.4g} to {signals.end:.4g}, "
            f"{'hardly' if signals.end < constant else 'no'} better than a constant answer ({constant:.4g}), and the "
            f"val loss ended at {val:.4g}{_val_accuracy(signals)}, where such an answer has {held_out:.4g}: nothing "
            "shows yet that anything was learned that holds for other examples"
        )
        evidence = (Evidence("train loss at the end", signals.end, constant), Evidence("val loss", val, held_out))
        return finding(Verdict.TOO_SLOW, why, another_rate(signals), evidence, "weak")

    def _behind(self, signals: RunSignals) -> Finding | None:
        best = signals.best
        if best is None or signals.levelled_off:
            return None
        reached = reached_of(signals, best)
        if not reached < self.behind:
            return None
        why = (
            f"train loss went from {signals.first:.4g} to {signals.end:.4g}, "
            f"{share_of_way(reached)} of the way that another member of the sweep came (to {best:.4g}), and nothing "
            "shows that it has levelled off"
        )
        evidence = (Evidence("share of the best member's way", reached, self.behind),)
        return finding(Verdict.TOO_SLOW, why, _advice(signals), evidence, "weak")

    def _drowned(self, signals: RunSignals) -> Finding | None:
        """No lower than it seems to have begun, where neither the start nor a constant answer's loss is known."""
        if signals.constant_loss is not None or signals.fall > 0 or not signals.drowned:
            return None
        first, last = told(signals.first, signals.end)
        why = (
            f"train loss went from {first} to {last}; its start is a guess from batches that differ by "
            f"{signals.level.noise:.2g}, so nothing shows whether it came down, and nothing that it cannot"
        )
        evidence = (Evidence("fall / standard error of the start", _times_error(signals), 1.0),)
        return finding(Verdict.TOO_SLOW, why, _advice(signals), evidence, "weak")


def _times_error(signals: RunSignals) -> float:
    return signals.fall / signals.level.first_error if signals.level.first_error > 0 else math.nan


def _val_accuracy(signals: RunSignals) -> str:
    accuracy, share = signals.last("val/acc"), signals.learned.largest_share
    return (
        "" if accuracy is None or share is None else f" and the accuracy at {accuracy:.3f} (largest class: {share:.3f})"
    )


def _why(signals: RunSignals, share: float) -> str:
    steps, ahead, end = signals.steps, signals.ahead, signals.end
    far = " of the fall so far" if signals.fall > 0 and share < 9 else ""
    if ahead.again is not None and ahead.again < end:
        first, last, then = told(signals.first, end, ahead.again)
        return (
            f"train loss went from {first} to {last} and still falls: {steps:,} more steps at the same rates, on a "
            f"copy, took it down to {then}{far and f', by {share:.0%}{far}'}"
        )
    first, last = told(signals.first, end)
    went = f"train loss went from {first} to {last}"
    if ahead.same is not None and ahead.same < end and share < signals.falling_share:
        before = f"; it had been at {signals.lowest:.4g}" if signals.came_back_up else ""
        return f"{went}{before}; 10% more steps at the same rate, on a copy, took it to {ahead.same:.4g}"
    if signals.hardly_moved:
        return f"{went} in {steps:,} steps: hardly at all, and nothing shows that it cannot go on"
    gain = signals.forecast.again
    rounded = f"{gain:.2g}" if float(f"{gain:.2g}") <= max(end, gain) else f"{gain:.3g}"  # not more than is left
    share_of_fall = f", {share:.0%}{far}" if far else ""
    return f"{went} and still falls: {steps:,} more steps would take it down by about {rounded}{share_of_fall}"


def _advice(signals: RunSignals) -> Advice:
    times, steps, facts = signals.forecast.times, signals.steps, signals.facts
    if (signals.hardly_moved and signals.ahead.again is None) or times is None or times > 64:
        found = raise_to(signals, 30, at_least=True)
        return replace(found, words=f"{found.words}: at this rate it would take more than {64 * steps:,} steps")
    more = round((times - 1) * steps) if times > 1 else steps
    count = math.ceil(more / facts.steps_per_epoch) if facts.steps_per_epoch else 0
    epochs = f" ({count:,} epoch{'s' if count > 1 else ''})" if count else ""
    if signals.came_back_up:
        words = "let a schedule bring the rate down: the loss had been lower and came back up"
        return Advice(f"{words}; or train about {more:,} more steps{epochs}")
    return raise_to(signals, max(2.0, times), otherwise=f"train about {more:,} more steps{epochs}")
