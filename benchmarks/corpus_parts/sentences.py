"""Whether the sentences of a diagnosis are true: each number and comparison, worked out again from the curves.

Every sentence that a finding can say has a claim here: a pattern, and a check of what it holds. What no claim covers
and has a number in it is told too, so that a new sentence cannot go unchecked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

import numpy as np

from corpus_parts.curves_seen import Seen, same
from lrscope.core.trace import Trace
from lrscope.core.verdict import Diagnosis

NUMBER = r"(-?[\d,]*\.?\d+(?:e[-+]?\d+)?|inf|nan)"


def near_share(true: float, told: float) -> bool:
    """Whether a percentage was told right, to a whole one."""
    return abs(true - told / 100) <= 0.0051 + 0.01 * abs(true)


def _share_of_fall(first: float, end: float, gain: float, told: float | None) -> bool:
    """``first``, ``end`` and ``gain`` as they were told: with two digits of their differences at least."""
    fall = first - end
    return told is None or (
        fall > 0 and abs(gain - told / 100 * fall) <= 0.06 * (abs(gain) + told / 100 * fall) + 0.006 * fall
    )


def _not_finite(s: Seen, word: str, lasts: str, step: float, before: float | None) -> bool:
    for name in ("train/loss", "train/loss_eval", "train/loss_epoch"):
        curve = s.trace.get(name)
        broken = ~np.isfinite(curve.values) | (np.abs(curve.values) > 1e300)
        if not broken.any():
            continue
        first = int(np.flatnonzero(broken)[0])
        right = int(curve.steps[first]) == step and (word == "not a number") == bool(np.isnan(curve.values[first]))
        highest = before is None or same(float(curve.values[:first].max()), before)
        return right and highest and (lasts == "since") == bool(broken[first:].all())
    return False


def _near_since(s: Seen, share: float, step: float) -> bool:
    curve, constant = s.trace.get("train/loss_eval"), s.constant
    assert constant is not None
    near = np.abs(curve.values - constant) <= share / 100 * constant
    before = near[curve.steps < step]
    return bool(near[curve.steps >= step].all()) and not (len(before) and before[-1])


def _dead(s: Seen, layer: str, step: float) -> bool:
    name = "dead_units" if layer == "the hidden layers" else f"dead_units/{layer.removeprefix('layer ')}"
    curve = s.trace.get(name)
    return bool((curve.values[curve.steps >= step] >= 1).all())


def _jumps(s: Seen, low: float, high: float, count: float) -> bool:
    tails = [s.values(name)[-int(count) :] for name in ("train/loss_eval", "train/loss", "train/loss_epoch")]
    return any(len(t) == count and same(t.min(), low) and same(t.max(), high) for t in tails)


def _val_rose(s: Seen, low: float, step: float, last: float, width: float | None, share: float, end: float) -> bool:
    val = s.trace.get("val/loss")
    means = np.convolve(val.values, np.full(int(width or 1), 1 / int(width or 1)), "valid")
    lowest = int(means.argmin())
    train = next(s.values(n) for n in ("train/loss_eval", "train/loss_epoch") if len(s.values(n)) == len(val))
    at_low = np.convolve(train, np.full(int(width or 1), 1 / int(width or 1)), "valid")[lowest]
    told = same(means[lowest], low) and same(means[-1], last) and val.steps[lowest + int(width or 1) - 1] == step
    return told and s.ends(end) and end < at_low * 1.001 and share > 0


def _better(word: str, end: float, constant: float) -> bool:
    """``hardly better than`` is below, by little; ``no better than`` is not below."""
    return end < constant * 1.001 if word.startswith("hardly") else end >= constant * 0.999


def _idle(s: Seen, below: float, peak: float, share: float, steps: float, after: float, last: float) -> bool:
    idle = s.rates < below / 100 * s.rates.max()
    return (
        same(s.rates.max(), peak) and near_share(float(idle.mean()), share) and len(s.rates) == steps
        and not idle[int(after)] and bool(idle[int(after) + 1 :].all()) and same(float(s.rates[-1]), last)
    )  # fmt: skip


def _clipped(s: Seen, limit: float, how: str, share: float, times: float) -> bool:
    norms, facts = s.values("grad_norm"), s.trace.facts
    norms = norms[np.isfinite(norms)]
    bound = limit * (math.sqrt(facts.parameters or 1) if how == "value" else 1)
    return near_share(float((norms > bound).mean()), share) and np.median(norms) / bound >= 0.99 * times - 0.5


Check = Callable[..., bool]
LOSSES = rf"from {NUMBER} to {NUMBER}"
NAME = r"(ln \d+|the entropy of the class shares|the variance of the targets|the best constant answer)"
CLAIMS: Sequence[tuple[str, Check]] = (
    (rf"train loss (?:is|was) (not a number|infinite) (since|at) step {NUMBER}(?:; it was at most {NUMBER} before)?",
     _not_finite),
    (rf"train loss of a batch grew {LOSSES} at step {NUMBER}",
     lambda s, a, b, n: same(s.values("train/loss")[0], a) and s.last("train/loss", b) and b > a and n < s.steps),
    (rf"train loss grew {LOSSES}(?:, {NUMBER}×( what a constant answer has)?)?",
     lambda s, a, b, t, of: s.starts(a) and s.ends(b) and b > a
     and (t is None or same(b / (s.constant if of else a), t))),
    (rf"the relative spread of the outputs over the training examples is {NUMBER}",
     lambda s, x: same(s.values("output_spread")[-1], x, 0.05)),
    (rf"train loss {NUMBER} = {NAME} \({NUMBER}\), which a constant answer has",
     lambda s, e, name, c: s.ends(e) and s.is_constant(c) and same(e, c, 1e-3) and _named(name, c)),
    (rf"train loss {NUMBER}, {NUMBER}% (above|below) {NAME} \({NUMBER}\), which a constant answer has",
     lambda s, e, p, side, name, c: s.ends(e) and s.is_constant(c) and abs(abs(e / c - 1) * 100 - p) < 0.12 + 0.01 * p
     and ((e > c) == (side == "above") or same(e, c, 1e-3)) and _named(name, c)),
    (rf"within {NUMBER}% of it since step {NUMBER}", _near_since),
    (rf"accuracy {NUMBER} = the share of the largest class",
     lambda s, x: s.last("train/acc", x) and same(max(s.trace.facts.class_shares), x, 1e-3)),
    (rf"accuracy {NUMBER} \(largest class: {NUMBER}\)",
     lambda s, x, y: s.last("train/acc", x) and same(max(s.trace.facts.class_shares), y)),
    (rf"100% of the units of (layer \w+|the hidden layers) dead since step {NUMBER}", _dead),
    (rf"the first update was {NUMBER}× the weights", lambda s, x: same(s.values("update_ratio")[0], x, 0.05)),
    (rf"10% more steps at a tenth of the rate, on a copy, took the train loss {LOSSES}(?:, {NUMBER}% of the fall so "
     rf"far)?, and as many at the same rate to {NUMBER}",
     lambda s, e, low, share, m: s.ends(e) and s.last("ahead/lower_lr", low) and s.last("ahead/same_lr", m) and low < e
     and (not len(s.values("train/loss_start")) or _share_of_fall(s.values("train/loss_start")[0], e, e - low, share))),
    (rf"in another order of the data to {NUMBER} and to {NUMBER}",
     lambda s, low, m: s.last("ahead/lower_lr_other", low) and s.last("ahead/same_lr_other", m)),
    (rf"train loss jumps between {NUMBER} and {NUMBER} in the last {NUMBER} evaluations", _jumps),
    (rf"train loss stays at {NUMBER} while", lambda s, e: s.ends(e)),
    (rf"a lower rate would gain about {NUMBER}(?:, {NUMBER}% of the fall so far)?",
     lambda _s, gain, share: gain > 0 and (share is None or share > 0)),
    (rf"point against each other \(cosine {NUMBER}\)",
     lambda s, x: abs(s.late("update_cosine") - x) < 0.006 and x < 0),
    (rf"an update still moves the weights by {NUMBER} of themselves",
     lambda s, x: same(s.late("update_ratio"), x, 0.05)),
    (rf"val loss rose from {NUMBER} at step {NUMBER} to {NUMBER}(?: \(means of {NUMBER} evaluations\))?, {NUMBER}% of "
     rf"what the train loss came down, while the train loss fell on to {NUMBER}", _val_rose),
    (rf"train loss went {LOSSES}, below what a constant answer has \({NUMBER}\)",
     lambda s, a, e, c: s.starts(a) and s.ends(e) and s.is_constant(c) and e < c),
    (rf"the val loss was never better than such an answer's \({NUMBER}\)",
     lambda s, c: s.values("val/loss").min() >= c * 0.999 and same(s.trace.facts.val_constant_loss, c)),
    (rf"the val loss came to {NUMBER} at its lowest, hardly better than such an answer's \({NUMBER}\)",
     lambda s, v, c: same(s.values("val/loss").min(), v) and same(s.trace.facts.val_constant_loss, c) and v < c),
    (rf"the val loss came to {NUMBER}, below a constant answer's \({NUMBER}\) by no more than chance brings on "
     rf"{NUMBER} examples",
     lambda s, v, c, n: same(s.values("val/loss").min(), v) and v < c and s.trace.facts.val_examples == n),
    (rf"the val loss came to {NUMBER} at its lowest, no better than a constant answer's \({NUMBER}\): so much chance "
     rf"brings on {NUMBER} examples",
     lambda s, v, c, n: same(s.values("val/loss").min(), v) and s.is_val_constant(c) and v >= c * 0.999
     and s.trace.facts.val_examples == n),
    (rf"the val loss ended at {NUMBER}, no better than a constant answer's \({NUMBER}\)",
     lambda s, v, c: s.last("val/loss", v) and s.is_val_constant(c)),
    (rf"the val loss ended at {NUMBER}(?: and the accuracy at {NUMBER} \(largest class: {NUMBER}\))?, where such an "
     rf"answer has {NUMBER}",
     lambda s, v, acc, share, c: s.last("val/loss", v) and s.is_val_constant(c)
     and (acc is None or (s.last("val/acc", acc) and acc < share + 1e-3))),
    (rf"the val loss rises meanwhile: it was {NUMBER} at step {NUMBER}, now {NUMBER}",
     lambda s, low, step, last: low < last and step < s.steps and s.values("val/loss").min() <= low * 1.001),
    (rf"train loss levelled off at {NUMBER}, from {NUMBER}", lambda s, e, a: s.ends(e) and s.starts(a)),
    (rf"(?:{NUMBER}%|nothing) of the way that another member of the sweep came \(to {NUMBER}\)",
     lambda s, share, best: (share is None or 0 <= share < 100) and s.another_ends(best)),
    (rf"the gradient norm is {NUMBER} \({NUMBER} at the first step\), so there is a gradient to go by",
     lambda s, x, a: same(s.values("grad_norm")[0], a, 0.05) and same(s.values("grad_norm")[-1], x, 0.05)
     and x > 9e-4 * a),
    (rf"hardly a gradient is left: its norm is {NUMBER}, of {NUMBER} at the first step",
     lambda s, x, a: same(s.values("grad_norm")[-1], x, 0.05) and x < 2e-3 * a),
    (rf"train loss went {LOSSES} and no longer falls: (no|hardly) better than a constant answer \({NUMBER}\)",
     lambda s, a, e, word, c: s.starts(a) and s.ends(e) and s.is_constant(c) and _better(word, e, c)),
    (rf"train loss went {LOSSES}, (no|hardly) better than a constant answer \({NUMBER}\)",
     lambda s, a, e, word, c: s.starts(a) and s.ends(e) and s.is_constant(c) and _better(word, e, c)),
    (rf"train loss went {LOSSES} and still falls: {NUMBER} more steps at the same rates, on a copy, took it down to "
     rf"{NUMBER}(?:, by {NUMBER}% of the fall so far)?",
     lambda s, a, e, n, x, share: s.starts(a) and s.ends(e) and n == s.steps and s.last("ahead/again", x)
     and (x < e or same(x, e, 1e-3)) and _share_of_fall(a, e, e - x, share)),
    (rf"it had been at {NUMBER}", lambda s, x: same(np.nanmin(s.values("train/loss_eval")), x)),
    (rf"10% more steps at the same rate, on a copy, took it to {NUMBER}", lambda s, x: s.last("ahead/same_lr", x)),
    (rf"train loss went {LOSSES} in {NUMBER} steps: hardly at all",
     lambda s, a, e, n: s.starts(a) and s.ends(e) and n == s.steps and abs(a - e) < 0.2 * a),
    (rf"train loss went {LOSSES} and still falls: {NUMBER} more steps would take it down by about {NUMBER}"
     rf"(?:, {NUMBER}% of the fall so far)?",
     lambda s, a, e, n, gain, share: s.starts(a) and s.ends(e) and n == s.steps and 0 < gain <= e * 1.01
     and _share_of_fall(a, e, gain, share)),
    (rf"train loss fell {LOSSES} and levelled off", lambda s, a, e: s.starts(a) and s.ends(e) and e <= a),
    (rf"train loss went {LOSSES}(?: and levelled off)?", lambda s, a, e: s.starts(a) and s.ends(e)),
    (rf"(hardly|by loss no) better than a constant answer \({NUMBER}\)", lambda s, _word, c: s.is_constant(c)),
    (rf"{NUMBER} more steps, on a copy, took it (up )?(?:to {NUMBER}|beyond all bounds)",
     lambda s, n, _up, x: n == s.steps and (x is None or s.last("ahead/again", x))),
    (rf"as many steps again would bring about {NUMBER}% more of the fall", lambda _s, x: x > 0),
    (rf"accuracy {NUMBER}", lambda s, x: s.last("val/acc", x) or s.last("train/acc", x)),
    (rf"the rate was below {NUMBER}% of its peak {NUMBER} for {NUMBER}% of the {NUMBER} steps "
     rf"\(after step {NUMBER}; {NUMBER} at the end\)", _idle),
    (rf"the rate (?:did not change|changed by {NUMBER} of itself) in {NUMBER} steps \({NUMBER} to {NUMBER}\) although",
     lambda s, change, n, a, b: n == len(s.rates) and same(s.rates[0], a) and same(s.rates[-1], b)
     and same(s.rates.max() / s.rates.min() - 1, change or 0.0, 0.06)),
    (rf"schedule only climbed, from {NUMBER} to {NUMBER}, in all {NUMBER} steps: it never turned",
     lambda s, a, b, n: same(s.rates[0], a) and same(s.rates[-1], b) and n == s.steps
     and bool((np.diff(s.rates) >= 0).all())),
    (rf"decay_steps={NUMBER} (?:is {NUMBER}× the run|leaves {NUMBER} of the peak at the end)",
     lambda s, d, times, left: same(s.trace.facts.scheduler_arguments["decay_steps"], d)
     and (times is None or same(d / s.steps, times, 0.06))
     and (left is None or same(s.rates[-1] / s.rates.max(), left))),
    (rf"the gradient was clipped at {NUMBER} \((norm|value)\) in {NUMBER}% of the measured steps; at half of them it "
     rf"was at least {NUMBER}× as long", _clipped),
    (rf"weight decay {NUMBER} pulls the weights to 0 \(usual are 1e-4 to 1e-2\)",
     lambda s, x: same(s.trace.facts.weight_decay, x)),
    (rf"so no answer gets below {NUMBER}(?: \(a constant one has {NUMBER}\))?",
     lambda s, x, c: same(s.trace.facts.floor_loss, x) and (c is None or s.is_constant(c))),
    (rf"the targets lie between {NUMBER} and {NUMBER}",
     lambda s, a, b: same(s.trace.facts.target_range[0], a) and same(s.trace.facts.target_range[1], b)),
    (rf"the inputs reach {NUMBER}", lambda s, x: same(s.trace.facts.largest_input, x)),
    (rf"no rate of this sweep, from {NUMBER} to {NUMBER}, beats a constant answer", lambda _s, a, b: a < b),
)  # fmt: skip


def _named(name: str, constant: float) -> bool:
    return not name.startswith("ln ") or abs(math.log(int(name[3:])) / constant - 1) < 0.01


ADVICE: Sequence[tuple[str, Check]] = (
    (rf"lower [\w.]+ (?:at least )?{NUMBER}×, to {NUMBER}", lambda s, x, goal: same(s.set_rate / x, goal, 0.06)),
    (rf"raise [\w.]+ (?:at least|about) {NUMBER}×, to {NUMBER}", lambda s, x, goal: same(s.set_rate * x, goal, 0.06)),
    (rf"take the weights of the lowest val loss \(step {NUMBER}(?:, epoch {NUMBER})?\)",
     lambda s, n, epoch: s.trace.get("val/loss").steps[s.values("val/loss").argmin()] == n
     and (epoch is None or (epoch - 1) * s.trace.facts.steps_per_epoch <= n < epoch * s.trace.facts.steps_per_epoch)),
    (rf"use [\w.]+={NUMBER}, which did best in this sweep \((val/loss|train loss) {NUMBER}(?:, this one {NUMBER})?\)",
     lambda s, rate, metric, best, mine: (mine is None or best < mine * 1.001 or math.isinf(mine))
     and s.another_did(rate, metric, best)),
    (rf"[\w.]+={NUMBER} of this sweep is no better \(", lambda s, rate: s.another_at(rate)),
)  # fmt: skip


def false_sentences(diagnosis: Diagnosis, trace: Trace, others: Sequence[Trace] = ()) -> list[str]:
    """What the findings say that the curves do not, and the numbers that nothing checks. ``others``: of its sweep."""
    seen, wrong = Seen(trace, tuple(others)), []
    for finding in diagnosis.findings:
        left = finding.why
        for pattern, check in CLAIMS:
            for match in re.finditer(pattern, left):
                if not check(seen, *(_told(group) for group in match.groups())):
                    wrong.append(f"{finding.verdict.label}, false: {match.group(0)}")
            left = re.sub(pattern, "", left)
        for pattern, check in ADVICE:
            for match in re.finditer(pattern, finding.advice):
                if not check(seen, *(_told(group) for group in match.groups())):
                    wrong.append(f"{finding.verdict.label}, false advice: {match.group(0)}")
        if re.search(r"\d", left):
            wrong.append(f"{finding.verdict.label}, unchecked: {left}")
    return wrong


AT_ODDS: Sequence[tuple[str, str]] = (
    (r"still falls", r"no longer falls|levelled off"),
    (r"raise [\w.]+ (?:at least|about|to)", r"lower [\w.]*lr |keep this rate|no higher rate"),
    (r"it is not the rate", r"(?:raise|lower|use|try) (?:\w+\.)?(?:max_)?lr[ =]"),
    (r"keep this rate", r"learned nothing|no better than a constant|memorises|the updates bounce|lower [\w.]*lr "),
    (r"take the weights of the lowest val loss", r"train (?:about [\d,]+ more steps|longer)|keep this rate"),
    (r"not for want of a gradient|a gradient to go by", r"hardly a gradient is left"),
)
"""Pairs that no two sentences of one note may match."""


def contradictions(diagnosis: Diagnosis) -> list[str]:
    """The pairs of sentences that cannot both hold."""
    text = " | ".join(f"{finding.why}. {finding.advice}" for finding in diagnosis.findings)
    return [f"{one} // {other} in: {text}" for one, other in AT_ODDS if re.search(one, text) and re.search(other, text)]


def _told(group: str | None) -> float | str | None:
    if group is None:
        return None
    try:
        return float(group.replace(",", ""))
    except ValueError:
        return group
