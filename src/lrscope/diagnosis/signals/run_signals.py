"""What the detectors look at: the curves of a run, put in order once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Series, Trace
from lrscope.diagnosis.signals import chance
from lrscope.diagnosis.signals.aliases import canonical
from lrscope.diagnosis.signals.continuation import Continuation, Forecast
from lrscope.diagnosis.signals.learned import Learned
from lrscope.diagnosis.signals.level import ENOUGH, LEAST, Level, batch_noise, level_of
from lrscope.diagnosis.signals.movement import SHORT_PATH, Movement
from lrscope.diagnosis.signals.probed import Ahead
from lrscope.diagnosis.signals.rates import largest_rate, rate_of_steps, travelled

Floats = NDArray[np.float64]

STILL_FALLING = 0.075
"""Share of the fall that as many steps again must be forecast to bring for a loss to count as falling. The verdict's
definition has 5%; forecasts from few or noisy points err by half of themselves, mostly upwards: 7.5% divides the tuning
runs best.
"""
MEASURED_FALLING = 0.05
"""The same where they were taken, on a copy: the definition's."""
SMOOTH_FALLING = 0.055
"""The same for a curve of many evaluations without bounce at a lasting rate, whose forecasts err by a tenth."""
SMOOTH = 0.005
"""Bounce below which a curve is smooth, as a share of the fall."""
DIED_AWAY = 0.3
"""A rate below this share of the peak no longer keeps the loss as high as the peak did."""
BOUNCED = 0.06
"""Bounce between evaluations while the rate was up, as a share of the fall, from which what the loss came down
afterwards was that bounce dying away with the rate: the same rates once more would throw it up again.
"""
FEWEST_TO_BOUNCE = 8
"""Evaluations at fixed weights below which a bounce under a schedule is not told from the batches' noise."""
FLAT = 0.03
"""Share of the fall below which the forecast must stay for a loss to be known to have levelled off."""
QUIET = 0.05
"""Share of the fall below which the bounce must stay for the same, unless it is below ``RISEN`` of L₀ (in a short run:
and the fall too).
"""
LUCK = 0.2
"""The same where copies were trained on: a larger bounce, and in another order of the data they might have come down.
"""
FEWEST_LEVELS = 3
"""Evaluations at fixed weights below which no level can be read off them."""
RISEN = 0.01
"""A loss that stands above L₀ by more than this share of it has nothing to go on falling from: benchmarks/README.md."""
ERRORS = 3.0
"""And by so many standard errors of a first loss that is a guess from noisy batches."""
ROUNDING = 1e-7  # share of the loss that float32 does not tell from nothing
UNSURE_START = 0.1
"""However noisy its batches, a first loss that an epoch's end was held beside is not off by more than this share."""
CAME_BACK = 0.1
"""Share of its largest fall by which a loss must stand above its lowest value to have come back up."""
SHORT_RUN = 320
"""Updates up to which a run counts as short: what has stalled and what has hardly begun look most alike in it."""


@dataclass(frozen=True, eq=False)
class RunSignals:
    """A trace with the numbers that several detectors need; every one is computed at most once."""

    trace: Trace
    best: float | None = None
    """The lowest training loss that another run of the same data ends at: what it reaches tells a run that stalled from
    one that is as good as it gets. None where there is no other."""

    @classmethod
    def of(cls, trace: Trace) -> RunSignals:
        """The signals of a trace under whatever names it was recorded."""
        return cls(canonical(trace))

    def beside(self, others: Iterable[RunSignals]) -> RunSignals:
        """The same beside other runs; those on other data are passed over."""
        ends = (other.end for other in others if len(other.losses) and other._data == self._data)
        beside = copy(self)  # with every number that was computed already: none of them depends on other runs
        object.__setattr__(beside, "best", min((end for end in ends if math.isfinite(end)), default=None))
        return beside

    @property
    def _data(self) -> tuple[object, ...]:
        return self.facts.task, self.facts.examples, self.facts.class_shares

    @property
    def facts(self) -> RunFacts:
        return self.trace.facts

    @cached_property
    def steps(self) -> int:
        """Updates that were made: the last recorded step + 1."""
        return 1 + max((int(c.steps[-1]) for c in self.trace.series.values() if len(c)), default=-1)

    @cached_property
    def epochs(self) -> int | None:
        """Epochs that were made, where the facts or an epoch metric tell."""
        if self.facts.steps_per_epoch:
            return max(1, round(self.steps / self.facts.steps_per_epoch))
        return len(self.trace.get("train/loss_eval")) or len(self.trace.get("train/loss_epoch")) or None

    @cached_property
    def losses(self) -> Series:
        """Training loss by step, else by epoch: the first and the last thing known of the run."""
        for name in ("train/loss", "train/loss_epoch", "train/loss_eval"):
            if len(self.trace.get(name)):
                return self.trace.get(name)
        return self.trace.get("train/loss")

    @cached_property
    def rates(self) -> Floats:
        """The rate of each step [steps]; nan where nothing is known."""
        return rate_of_steps(self.trace.get("lr"), self.steps, self.facts.peak_lr)

    @cached_property
    def travelled(self) -> Floats:
        """Share of all rates spent up to and with each step [steps], 0..1."""
        return travelled(self.rates)

    @cached_property
    def level(self) -> Level:
        """The training loss as a level over the run, as free of the batches' noise as the record allows."""
        return level_of(self.trace, self.travelled, tried=self.ahead.same is not None)

    @property
    def first(self) -> float:
        """L₀, the training loss before the first update, as far as it can be known."""
        return self.level.first

    @property
    def end(self) -> float:
        """Training loss at the end, as a level."""
        return self.level.end

    @property
    def fall(self) -> float:
        """L₀ − L_end."""
        return self.first - self.end

    @property
    def way(self) -> float:
        """What further falls are held against: the fall; of a regression what is left of it without the way to the mean
        of its targets."""
        return chance.way_below(self.facts, self.first, self.end)

    @cached_property
    def ahead(self) -> Ahead:
        """What the run did when it was trained on, where that was tried."""
        return Ahead.of(self.trace)

    @cached_property
    def forecast(self) -> Forecast:
        """What as many steps again would bring; what they did bring, where they were taken on a copy."""
        forecast = Continuation().forecast(self.level, self.learned.floor)
        if self.ahead.again is not None:
            return replace(forecast, again=self.end - self.ahead.again, sure=True)
        return replace(forecast, again=0.0, sure=False) if self.annealed else forecast

    @cached_property
    def annealed(self) -> bool:
        """Whether the loss bounced while the rate was up, and came down because the rate did."""
        fixed = self.trace.get("train/loss_eval")
        if not self.rate_died or len(fixed) < FEWEST_TO_BOUNCE:
            return False
        up = int(np.flatnonzero(self.rates >= DIED_AWAY * self.rates.max())[-1])
        values = np.append(self.first, fixed.values[fixed.steps <= up])
        values = values[len(values) // 4 :]
        return len(values) >= LEAST and batch_noise(values) > BOUNCED * abs(self.fall)

    @cached_property
    def rate_died(self) -> bool:
        """Whether the last rate is far below the largest; False where rates are unknown."""
        return bool(len(self.rates) and np.isfinite(self.rates).all() and self.rates[-1] < DIED_AWAY * self.rates.max())

    @cached_property
    def falling_share(self) -> float:
        """Share of the fall that the forecast must exceed for the loss to count as falling."""
        if self.ahead.again is not None:
            return MEASURED_FALLING
        many = len(self.trace.get("train/loss_eval")) >= ENOUGH
        smooth = many and not self.rate_died and self.level.bounce < SMOOTH * abs(self.fall)
        return SMOOTH_FALLING if smooth else STILL_FALLING

    @cached_property
    def movement(self) -> Movement:
        """How far the weights can have moved."""
        return Movement.of(self.trace, self.rates)

    @cached_property
    def falls_again(self) -> bool:
        """Whether as many steps again would take the loss down by a share of the fall that counts, and beyond its
        bounce.
        """
        if self.ahead.again is None and self.hardly_moved:
            return True
        if self.risen:
            return False
        if self.ahead.again is None and self.ahead.same is not None and self._fell_soon(self.ahead.same):
            return True
        return self.forecast.again > max(self.falling_share * abs(self.way), self.level.bounce, ROUNDING * self.first)

    def _fell_soon(self, same: float) -> bool:
        """Whether 10% more steps already did what as many again must."""
        return self.end - same > max(MEASURED_FALLING * abs(self.way), self.level.bounce)

    @property
    def risen(self) -> bool:
        """Whether the loss stands above L₀, as far as that is known."""
        most = UNSURE_START * self.first if self.level.exact else math.inf
        return self.fall < -max(RISEN * self.first, min(ERRORS * self.level.first_error, most))

    @property
    def drowned(self) -> bool:
        """Whether the whole fall is within the error of L₀, and the loss is not known to have levelled off."""
        return abs(self.fall) < ERRORS * self.level.first_error and not self.levelled_off

    @property
    def levelled_off(self) -> bool:
        """Whether the record shows that the loss goes no further; between this and ``falls_again`` it is open."""
        if self.risen:
            return True
        if self.ahead.again is not None:
            return not self.falls_again and self.level.bounce < LUCK * abs(self.fall)
        seen = len(self.trace.get("train/loss_eval")) >= FEWEST_LEVELS or not self.level.exact
        if not seen or self.annealed:  # a rate that came down does not say that the loss cannot
            return False
        fall, bounce = abs(self.fall), self.level.bounce
        short = self.steps <= SHORT_RUN
        if short and self.movement.path < SHORT_PATH:
            return False  # such a run has not tried yet
        small = bounce < RISEN * self.first and (fall < RISEN * self.first or not short)
        return (bounce < QUIET * fall or small) and self.forecast.again < max(FLAT * fall, bounce)

    @property
    def nothing_to_come(self) -> bool:
        """Whether a run that learned nothing is known to stay there. One that does a hair better on its training part
        may be on its way where it was hardly looked at, or its rate died: the same rates again were not tried.
        """
        tried = self.ahead.again is not None or not self.rate_died
        seen = len(self.trace.get("val/loss")) >= FEWEST_LEVELS
        return self.levelled_off and ((tried and seen) or not self.learned.only_a_hair)

    @property
    def hardly_moved(self) -> bool:
        """Weights that have gone nowhere."""
        return self.movement.hardly(self.fall, self.first, self.level.first_error)

    @cached_property
    def peak_rate(self) -> float | None:
        """The largest rate that a step was made at, in any parameter group; the planned one where none is recorded."""
        return largest_rate(self.trace, self.facts.peak_lr)

    @property
    def set_rate(self) -> float | None:
        """What the key that sets the rate stands at; the rate used where it is not known which key that is."""
        return self.facts.peak_lr if self.facts.settings is not None else self.peak_rate

    @property
    def stable_rate(self) -> float | None:
        """The largest stable rate where the run stood last, as far as it was measured; none of an optimizer that scales
        its steps: what was measured there says little of the next.
        """
        limit = self.last("stability_limit") if (self.facts.optimizer or "").lower() == "sgd" else None
        return limit if limit is not None and math.isfinite(limit) and limit > 0 else None

    @property
    def lowest(self) -> float:
        """The lowest training loss at fixed weights; the end's where none was recorded."""
        fixed = self.trace.get("train/loss_eval").values
        return float(np.nanmin(fixed)) if np.isfinite(fixed).any() else self.end

    @cached_property
    def came_back_up(self) -> bool:
        """Whether the loss had been lower, at fixed weights, by a share of the fall from there that counts."""
        known, lowest = len(self.trace.get("train/loss_eval")) >= FEWEST_LEVELS, self.lowest
        return known and self.end - lowest > max(CAME_BACK * (self.first - lowest), 2 * self.level.bounce)

    @cached_property
    def constant_loss(self) -> float | None:
        """Loss of the best constant answer: as it was recorded, else the entropy of the class shares, in nats."""
        return chance.constant_loss(self.facts, self.last(chance.LOSS_CONSTANT))

    @cached_property
    def learned(self) -> Learned:
        """What the run knows beside a constant answer."""
        return Learned.of(self.trace, self.first, self.end, self.constant_loss)

    def last(self, name: str) -> float | None:
        """The last value of a curve, None where it was not recorded."""
        curve = self.trace.get(name)
        return float(curve.values[-1]) if len(curve) else None
