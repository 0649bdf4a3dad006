"""Advice about a schedule in the words of its own class: keys that it has, in the unit that it counts in.

Which class it is shows in its arguments, whatever the option is called and whichever version recorded the run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lrscope.diagnosis.signals.run_signals import RunSignals

TENTH = 0.1
"""A decay that is mended takes the rate to a tenth of its peak over the run;"""
ENDS_AT = 0.03
"""one that ran out, to this share of it."""


@dataclass(frozen=True)
class Unit:
    """What a schedule counts in, and how many of these the run has."""

    name: str
    length: int
    """Updates of one."""
    count: int
    """In the run."""

    def of(self, steps: float) -> int:
        """So many updates in this unit, at least one."""
        return max(1, round(steps / self.length))


def unit_of(signals: RunSignals) -> Unit:
    """``interval`` of the schedule; of a run that does not tell: epochs, as torch and Lightning have it, but of
    lrscope's own decay and of a rate that moved within the epochs.
    """
    steps, per_epoch = len(signals.rates), signals.facts.steps_per_epoch
    interval = signals.facts.scheduler_interval
    if interval is None:
        moved_within = per_epoch is not None and len(signals.trace.get("lr")) > 2 * (steps / per_epoch) + 2
        interval = "step" if moved_within or "decay_steps" in signals.facts.scheduler_arguments else "epoch"
    unit = Unit("steps", 1, steps)
    if interval != "step" and per_epoch:
        unit = Unit("epochs", per_epoch, max(1, math.ceil(steps / per_epoch)))
    if (every := signals.facts.scheduler_frequency or 1) == 1:
        return unit
    return Unit("moves", every * unit.length, max(1, math.ceil(unit.count / every)))


@dataclass(frozen=True)
class Decay:
    """The rate is multiplied by ``factor`` every ``every`` updates; ``words`` are the arguments that say so."""

    factor: float
    every: float
    words: str
    in_stairs: bool = False


def decay_of(signals: RunSignals) -> Decay | None:
    """The decay that the arguments speak of: lrscope's own, ExponentialLR's, StepLR's; None of any other."""
    arguments, unit = signals.facts.scheduler_arguments, unit_of(signals)
    rate, gamma = _share(arguments.get("decay_rate")), _share(arguments.get("gamma"))
    steps, size = _positive(arguments.get("decay_steps")), _positive(arguments.get("step_size"))
    if rate is not None and steps is not None:
        of = f" {unit.name}" if unit.length > 1 else ""
        stairs = bool(arguments.get("staircase")) or unit.length > 1
        return Decay(rate, steps * unit.length, f"decay_steps={steps:g}{of}", stairs)
    if gamma is not None and size is not None:
        return Decay(gamma, size * unit.length, f"step_size={size:g} {unit.name}", True)
    if gamma is not None and set(arguments) <= {"gamma", "last_epoch", "verbose"}:
        return Decay(gamma, unit.length, f"gamma={gamma:g} each of {unit.count:,} {unit.name}", unit.length > 1)
    return None


def reach(signals: RunSignals, share: float) -> str | None:
    """What to set for the rate to come down to that share of its peak at the run's end, and no sooner.

    None for a class whose arguments are not known here.
    """
    arguments, unit = signals.facts.scheduler_arguments, unit_of(signals)
    steps = len(signals.rates)
    for key in ("gamma", "decay_rate", "factor"):
        if arguments.get(key) == 1 and "mode" not in arguments:
            return f"set scheduler.{key} below 1, which leaves the rate as it is; or choose scheduler=constant"
    if unit.name == "epochs" and unit.count == 1 and steps > 1:  # its one end of an epoch is the end of the run
        words = _reached(arguments, decay_of(signals), Unit("steps", 1, steps), steps, share)
        return words and f"the run has one epoch: add scheduler.interval=step and {words}"
    return _reached(arguments, decay_of(signals), unit, steps, share)


def _reached(arguments: Mapping[str, Any], decay: Decay | None, unit: Unit, steps: int, share: float) -> str | None:
    if decay is not None:
        return _of_decay(arguments, decay, unit, steps, share)
    for key in ("T_max", "total_iters", "total_steps"):
        if _positive(arguments.get(key)) is not None:
            whole = max(1, unit.count - 1) if key == "total_iters" else unit.count
            return f"set scheduler.{key}={whole}, the {unit.name} of the run (was {arguments[key]:g})"
    if isinstance(milestones := arguments.get("milestones"), (list, tuple)) and milestones:
        gamma = _share(arguments.get("gamma")) or 0.1
        cuts = max(1, min(len(milestones), round(math.log(share) / math.log(gamma))))
        at = sorted({max(1, round(unit.count * (k + 1) / (cuts + 1))) for k in range(cuts)})
        return f"set scheduler.milestones=[{','.join(map(str, at))}] of the run's {unit.count:,} {unit.name}"
    for key in ("T_0", "step_size_up"):
        if _positive(arguments.get(key)) is not None:
            part = unit.count if key == "T_0" else max(1, unit.count // 4)
            return f"set scheduler.{key}={part} {unit.name} (was {arguments[key]:g}; the run has {unit.count:,})"
    return None


def _of_decay(arguments: Mapping[str, Any], decay: Decay, unit: Unit, steps: int, share: float) -> str:
    wanted = steps * math.log(decay.factor) / math.log(share)
    then = f"the rate then falls to {'a tenth' if share == TENTH else f'{share:.0%} of its peak'}"
    if "decay_steps" in arguments:
        if wanted >= unit.length:
            was = f" (was {arguments['decay_steps']:g})"
            return f"set decay_steps={unit.of(wanted)}{was}: {then} over these {unit.count:,} {unit.name}"
        return (
            f"set decay_steps=1 and decay_rate={share ** (1 / unit.count):.3g}: {then} over {unit.count:,} {unit.name}"
        )
    over = f"over these {unit.count:,} {unit.name}"
    if "step_size" in arguments:
        size = unit.of(wanted)
        if size < unit.count and wanted >= unit.length:
            return f"set scheduler.step_size={size} {unit.name} (was {arguments['step_size']:g}): {then} {over}"
        size = max(1, unit.count // 3)
        gamma = share ** (1 / max(1, (unit.count - 1) // size))
        return f"set scheduler.step_size={size} {unit.name} and scheduler.gamma={gamma:.2g}: {then} {over}"
    gamma = share ** (1 / unit.count)
    digits = min(9, max(3, 2 - math.floor(math.log10(max(1 - gamma, 1e-12)))))
    return f"set scheduler.gamma={gamma:.{digits}g} (was {decay.factor:g}): {then} {over}"


def _share(value: Any) -> float | None:
    number = _positive(value)
    return number if number is not None and number < 1 else None


def _positive(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        return None
    return float(value)
