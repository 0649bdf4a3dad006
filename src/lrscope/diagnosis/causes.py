"""What else than the rate explains what became of a run, as far as its facts and its first steps show it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lrscope.core.verdict import Cause, Diagnosis, Finding, Verdict
from lrscope.diagnosis.data_causes import (
    LARGE_INPUT,
    floor_reached,
    not_finite,
    nothing_to_learn,
    ran_away,
    scale_free,
    scale_of_data,
    scale_of_loss,
    wrong_sign,
)
from lrscope.diagnosis.detectors.collapse import dead_layer
from lrscope.diagnosis.signals.run_signals import RunSignals

STRONG_DECAY, SOME_DECAY = 0.3, 0.03
"""Weight decay from which it goes before the rate, and from which it is named: usual are 1e-4 to 1e-2. Of a decay that
is decoupled from the gradient (AdamW) three times as much."""
FULL_PULL, SOME_PULL = 1.0, 0.1
"""Sum of rate times decay over the steps, from which weights without a gradient would have shrunk to a third, and from
which that is named."""
HELD_BACK = 0.25
"""Share of a constant answer's loss, from the floor on, above which a run that has levelled off may have been held
there."""
OFTEN = 0.5
"""Share of the steps that were clipped, from which that is named."""
FAR_CLIPPED = 10.0
"""A gradient that is so many times as long as it may be makes the limit, and not the rate, the size of a step."""
LARGE_EPS = 1e-5
"""From which eps is looked at: usual are 1e-10 to 1e-6."""
REACHED = 0.5
"""Share of its peak that a rate must come to for the run to tell of that."""
MOST_DROPPED = 0.8
MOST_SATURATED = 0.9

_RANGES = {
    "softmax": (0.0, 1.0), "sigmoid": (0.0, 1.0), "hardsigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0),
    "hardtanh": (-1.0, 1.0), "relu": (0.0, math.inf), "softplus": (0.0, math.inf),
}  # fmt: skip


def explained(diagnosis: Diagnosis, signals: RunSignals) -> Diagnosis:
    """The diagnosis with what else than the rate explains it, in the findings whose advice is about the rate."""
    return Diagnosis(tuple(_explained(finding, signals) for finding in diagnosis.findings))


def _explained(finding: Finding, signals: RunSignals) -> Finding:
    if not about_the_rate(finding.verdict):
        return finding
    trained = finding.verdict is Verdict.TRAINED
    looked_for = _ALSO_OF_TRAINED if trained else _CAUSES
    causes = [cause for find in looked_for if (cause := find(finding, signals)) is not None]
    if not trained and not any(cause.instead for cause in causes) and (scale := scale_of_data(signals)) is not None:
        causes.append(scale)
    if not causes:
        return finding
    why = "; ".join([finding.why, *(cause.why for cause in causes)])
    first = [cause.remedy for cause in causes if cause.instead]
    if not first:
        advice = ", or ".join([finding.advice, *(cause.remedy for cause in causes)])
        otherwise = ", or ".join(filter(None, [finding.otherwise, *(cause.remedy for cause in causes)]))
        return replace(finding, why=why, advice=advice, otherwise=otherwise, causes=tuple(causes))
    advice = f"{'; '.join(first)} (it is not the rate)"
    return replace(finding, why=why, advice=advice, rate=None, otherwise="", causes=tuple(causes))


def about_the_rate(verdict: Verdict) -> bool:
    """Whether the advice of such a finding is about the rate, unless something else is found."""
    return verdict.meaning.about in ("all", "progress")


def _bounded(_finding: Finding, signals: RunSignals) -> Cause | None:
    """Answers that come out of a function which keeps them from where the loss wants them."""
    facts = signals.facts
    bounds = _RANGES.get(facts.answers or "")
    if bounds is None:
        return None
    if facts.task == "regression":
        return _out_of_range(signals, bounds)
    if facts.loss is not None and not facts.loss.endswith("CrossEntropy"):
        return None  # what bounds the answers may be just what that loss wants
    if not math.isfinite(bounds[1]):
        return None
    shares = [share for share in facts.class_shares if share > 0]
    floor = math.log1p((len(facts.class_shares) - 1) * math.exp(bounds[0] - bounds[1])) if shares else None
    least = f", so the loss cannot fall below {floor:.3g}" if floor is not None else ""
    if facts.loss is not None and facts.loss.endswith("BinaryCrossEntropy"):
        return _twice_binary(facts.answers or "")
    if facts.answers == "softmax":
        why = f"softmax is applied twice, by the network and by cross entropy{least}"
    else:
        why = f"the answers come out of a {facts.answers}, and cross entropy applies softmax to them{least}"
    return Cause(
        f"the {facts.answers} before cross entropy",
        why,
        f"leave the {facts.answers} out at the end of the network: cross entropy wants the numbers before",
    )


def _twice_binary(function: str) -> Cause:
    return Cause(
        f"the {function} before binary cross entropy",
        f"the answers come out of a {function}, and binary cross entropy applies a sigmoid to them",
        f"leave the {function} out at the end of the network: loss=bce wants the numbers before",
    )


def _out_of_range(signals: RunSignals, bounds: tuple[float, float]) -> Cause | None:
    facts = signals.facts
    if facts.target_range is None:
        return None
    low, high = facts.target_range
    room = 0.05 * (high - low)
    if low >= bounds[0] - room and high <= bounds[1] + room:
        return None
    range_ = f"above {bounds[0]:g}" if math.isinf(bounds[1]) else f"between {bounds[0]:g} and {bounds[1]:g}"
    why = f"the answers come out of a {facts.answers} and lie {range_}, the targets between {low:.4g} and {high:.4g}"
    name = f"the {facts.answers} at the end of the network"
    return Cause(name, why, f"take the {facts.answers} off the end of the network, or scale the targets into its range")


def _flat_from_the_start(_finding: Finding, signals: RunSignals) -> Cause | None:
    facts, dead = signals.facts, dead_layer(signals)
    saturated = facts.saturated is not None and facts.saturated >= MOST_SATURATED
    if not saturated and (dead is None or dead[1] > 0):
        return None
    large = facts.largest_input is not None and facts.largest_input > LARGE_INPUT
    what = f"{facts.saturated:.0%} of what the sigmoid and tanh units answer was flat" if saturated else "it was dead"
    why = f"{what} before the first update" + (f" (the inputs reach {facts.largest_input:.3g})" if large else "")
    mend = "scale the inputs to around 1" if large else "initialise with smaller weights"
    name = "flat units" if saturated else "dead units"
    return Cause(name, why, mend if saturated else f"{mend}, or choose another activation")


def _decay(finding: Finding, signals: RunSignals) -> Cause | None:
    facts, rates = signals.facts, signals.rates
    decay, name = facts.weight_decay or 0.0, (facts.optimizer or "").lower()
    if decay <= 0 or not len(rates) or not np.isfinite(rates).all():
        return None
    peak, key = float(rates.max()), facts.rate_key
    if ran_away(finding):
        if name == "sgd" and peak * decay > 2:
            why = f"{key} × weight decay is {peak * decay:.3g}: above 2 the weights grow without any gradient"
            remedy = f"lower optimizer.weight_decay below {1 / peak:.2g} (was {decay:g}), or {key} as far"
            return Cause("weight decay", why, remedy)
        return None
    constant = signals.constant_loss
    floor, room = signals.learned.floor, signals.learned.room
    held = constant is not None and signals.end > floor + HELD_BACK * room
    nothing = not signals.learned.beats_constant or held
    scale = 3 if name == "adamw" else 1
    pull = float(rates.sum()) * (decay if name in ("sgd", "adamw") else 10 * decay)  # Adam takes it for a gradient
    if not nothing or decay < SOME_DECAY * scale or pull < SOME_PULL:
        return None
    strong = decay >= STRONG_DECAY * scale and pull >= FULL_PULL
    if finding.verdict is Verdict.TRAINED and not strong:
        return None
    why = f"weight decay {decay:g} pulls the weights to 0 (usual are 1e-4 to 1e-2)"
    return Cause("weight decay", why, f"lower optimizer.weight_decay to 0.01 or less (was {decay:g})", strong)


def clipped(signals: RunSignals) -> tuple[float, float] | None:
    """Share of the measured steps whose gradient was surely clipped, and how many times too long their median was."""
    facts, norms = signals.facts, signals.trace.get("grad_norm").values
    norms = norms[np.isfinite(norms)]
    if not facts.clip_value or not len(norms):
        return None
    limit = facts.clip_value
    if facts.clip_algorithm == "value":  # no longer than this where no entry is above its limit
        if not facts.parameters:
            return None
        limit *= math.sqrt(facts.parameters)
    return float((norms > limit).mean()), float(np.median(norms)) / limit


def _clipping(finding: Finding, signals: RunSignals) -> Cause | None:
    facts, found = signals.facts, clipped(signals)
    if found is None or found[0] < OFTEN:
        return None
    share, times = found
    norm = times * (facts.clip_value or 0.0)
    if facts.clip_algorithm == "value":
        norm *= math.sqrt(facts.parameters or 1)
    why = (
        f"the gradient was clipped at {facts.clip_value:g} ({facts.clip_algorithm}) in {share:.0%} of the measured "
        f"steps; at half of them it was at least {max(times, 1):,.0f}× as long"
    )
    held_back = finding.verdict.meaning.about == "progress" and times >= FAR_CLIPPED
    instead = held_back and not scale_free(facts)
    return Cause("clipping", why, f"raise trainer.gradient_clip_val to about {norm:.2g} or leave it out", instead)


def _eps(finding: Finding, signals: RunSignals) -> Cause | None:
    """Adam and its like divide the gradient by its size and eps: one far above that size makes the step tiny."""
    facts, norms = signals.facts, signals.trace.get("grad_norm").values
    norms, eps = norms[np.isfinite(norms)], facts.eps or 0.0
    if not scale_free(facts) or eps < LARGE_EPS or not len(norms) or not facts.parameters or ran_away(finding):
        return None
    size = float(np.median(norms)) / math.sqrt(facts.parameters)
    if eps < FAR_CLIPPED * size:
        return None
    why = f"eps={eps:g} is far above an entry of the gradient (about {size:.1g}), and divides every step"
    held_back = finding.verdict is not Verdict.TRAINED
    return Cause("eps", why, f"set optimizer.eps=1e-8 (was {eps:g})", held_back)


def _dropout(finding: Finding, signals: RunSignals) -> Cause | None:
    dropped = signals.facts.dropout or 0.0
    if dropped < MOST_DROPPED or ran_away(finding):
        return None
    why = f"dropout takes {dropped:.0%} of a layer's units out of every step"
    return Cause("dropout", why, "lower dropout to 0.5 or less")


def _climbs_on(finding: Finding, signals: RunSignals) -> Cause | None:
    """A warm-up that the run ends in."""
    rates, facts = signals.rates, signals.facts
    ended = signals.steps >= (facts.planned_steps or 0)
    if finding.verdict.meaning.about != "progress" or not ended or not len(rates) or not facts.peak_lr:
        return None
    if not rates[0] < rates[-1] == rates.max() < REACHED * facts.peak_lr:
        return None
    why = f"the rate was still on its way up: it came to {rates[-1]:.2g}, and its peak is {facts.peak_lr:.4g}"
    remedy = "let the schedule reach its peak early in the run"
    if (facts.scheduler_arguments.get("total_steps") or 0) > signals.steps:
        remedy = f"set scheduler.total_steps to the {signals.steps:,} steps of the run"
    return Cause("a warm-up longer than the run", why, remedy)


def _untrained(_finding: Finding, signals: RunSignals) -> Cause | None:
    found = signals.facts.untrained
    if found is None:
        return None
    why = f"the optimizer does not hold {found}, which stayed as they were"
    return Cause("untrained parameters", why, "let the optimizer hold all parameters", instead=False)


def _batch_of_one(finding: Finding, signals: RunSignals) -> Cause | None:
    facts = signals.facts
    if facts.batch_size != 1 or (facts.examples or 2) < 2:
        return None
    if facts.batch_norm and not ran_away(finding):
        why = "batch norm over a batch of one takes the input out of the answer"
        return Cause("a batch of one", why, "raise batch_size to 16 or more")
    why = "a batch of one example gives a step that is mostly noise"
    return Cause("a batch of one", why, "raise batch_size", instead=False)


_CAUSES: tuple[Callable[[Finding, RunSignals], Cause | None], ...] = (
    not_finite, nothing_to_learn, wrong_sign, _bounded, _flat_from_the_start, _decay, _clipping, _eps, _dropout,
    scale_of_loss, _climbs_on, _untrained, _batch_of_one, floor_reached,
)  # fmt: skip
_ALSO_OF_TRAINED = (nothing_to_learn, wrong_sign, _bounded, _decay, _untrained)
"""What may hold a run back that has levelled off where nothing is wrong with its curves."""
