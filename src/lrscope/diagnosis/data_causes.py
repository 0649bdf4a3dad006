"""Causes that lie in the data: values that are not finite, targets that tell nothing, and their scale."""

from __future__ import annotations

import math

import numpy as np

from lrscope.core.run_facts import RunFacts
from lrscope.core.verdict import Cause, Finding
from lrscope.diagnosis.signals.learned import HOPELESS
from lrscope.diagnosis.signals.run_signals import RunSignals

NO_LOSS = 1e-9
"""Of a constant answer: it is right for every example."""
LARGE_INPUT = 10.0
"""Inputs are meant to be around 1."""
FAR_TARGETS = 100.0
"""Targets that lie so far from 0, or apart, that the last layer has a long way to go."""
FAR_SCALED = 100.0
"""A loss that is so many times another makes it the gradients too, and the rates a share of what they were."""

BOUNDLESS = 1e4
"""How many times what it was a loss falls below 0 that has no lowest value: a likelihood comes to some tens of it."""

SCALE_FREE = frozenset({"adam", "adamw", "nadam", "radam", "adamax", "rmsprop", "adagrad", "adadelta", "lion"})
"""Optimizers whose step does not grow with the gradient: a factor of it changes next to nothing."""


def scale_free(facts: RunFacts) -> bool:
    return (facts.optimizer or "").lower() in SCALE_FREE


def ran_away(finding: Finding) -> bool:
    return finding.verdict.failed and finding.verdict.meaning.final


def not_finite(finding: Finding, signals: RunSignals) -> Cause | None:
    """A loss that is not finite through no step of the optimizer."""
    facts = signals.facts
    if not ran_away(finding):
        return None
    if facts.broken_examples:
        of = f" of {facts.examples:,}" if facts.examples else ""
        return Cause(
            "examples that are not finite",
            f"{facts.broken_examples:,}{of} training examples hold an input or a target that is not finite",
            "look at the data: mend these examples or leave them out",
        )
    if not _finite_at_start(signals):
        return Cause(
            "not finite from the start",
            "it was so before the first update, at the weights that the network starts from",
            "look at the data (values that are not finite, or far too large) and at the initialisation",
        )
    return None


def one_target(signals: RunSignals) -> bool:
    """Whether one answer is right for every training example, as of labels that are all the same. Of a regression that
    may be meant so: what is left of an equation is to be 0.
    """
    constant = signals.constant_loss
    return constant is not None and abs(constant) < NO_LOSS and signals.facts.task != "regression"


def rewards_wrong(signals: RunSignals) -> bool:
    """Whether a loss of classes fell below 0 while the answers became wrong, as of one with the wrong sign."""
    accuracy, shares = signals.last("train/acc"), [share for share in signals.facts.class_shares if share > 0]
    if accuracy is None or not shares or signals.facts.loss is None:
        return False
    losses = signals.losses.values[np.isfinite(signals.losses.values)]
    return bool(len(losses)) and losses.min() < min(0.0, signals.first) and accuracy < min(shares)


def falls_without_bound(signals: RunSignals) -> bool:
    """Whether a loss that is not the task's own fell so far below 0 that nothing holds it from below."""
    if signals.facts.loss is None:
        return False
    losses = signals.losses.values[~np.isnan(signals.losses.values)]
    usual = max(abs(signals.first), abs(signals.constant_loss or 0.0), 1.0)
    return bool(len(losses)) and losses.min() < -BOUNDLESS * usual


def no_rate_helps(signals: RunSignals) -> bool:
    """Whether trials of other rates would show nothing."""
    wrong = rewards_wrong(signals) or falls_without_bound(signals)
    return bool(signals.facts.broken_examples) or one_target(signals) or wrong


def wrong_sign(_finding: Finding, signals: RunSignals) -> Cause | None:
    if not rewards_wrong(signals):
        if not falls_without_bound(signals):
            return None
        losses = signals.losses.values
        why = f"the loss fell without bound, to {np.nanmin(losses):.3g}: nothing holds it from below"
        return Cause("the sign of the loss", why, "look at the loss: its sign, and what its lowest value is to be")
    why = f"the loss fell below 0 while the accuracy went to {signals.last('train/acc'):.3f}: it rewards wrong answers"
    return Cause("the sign of the loss", why, "look at the loss: its sign, and the order of answers and targets")


def scale_of_loss(_finding: Finding, signals: RunSignals) -> Cause | None:
    """A loss of classes so many times an entropy that usual rates are far from what it wants."""
    facts, constant = signals.facts, signals.constant_loss
    entropy = -sum(share * math.log(share) for share in facts.class_shares if share > 0)
    if facts.loss is None or not constant or not entropy or scale_free(facts):
        return None
    times = constant / entropy
    if not times > 0 or 1 / FAR_SCALED < times < FAR_SCALED:
        return None
    why = f"the loss is about {times:.2g} times a cross entropy, and so are its gradients"
    mend = f"divide the loss by {times:.2g}" if times > 1 else f"multiply the loss by {1 / times:.2g}"
    return Cause("the scale of the loss", why, f"{mend} and take a usual rate", instead=False)


def nothing_to_learn(_finding: Finding, signals: RunSignals) -> Cause | None:
    if not one_target(signals):
        return None
    why = "all training examples have the same target, so that there is nothing to learn of the inputs"
    return Cause("one target for all examples", why, "give it examples of other classes")


def _finite_at_start(signals: RunSignals) -> bool:
    start, batches = signals.trace.get("train/loss_start").values, signals.trace.get("train/loss")
    if len(start) and not math.isfinite(start[0]):
        return False
    by_step = bool(len(start)) or signals.facts.steps_per_epoch is not None
    return not (by_step and len(batches) and batches.steps[0] == 0 and not math.isfinite(batches.values[0]))


def floor_reached(finding: Finding, signals: RunSignals) -> Cause | None:
    """Equal inputs with different targets, or a loss that is never 0: below that nothing is to be had."""
    floor, constant, labels = signals.facts.floor_loss or 0.0, signals.constant_loss, signals.facts.floor_of != "loss"
    if floor <= 0 or constant is None or constant <= 0 or ran_away(finding):
        return None
    what = "equal inputs have different targets" if labels else "the loss is never 0 (label smoothing)"
    why = f"{what}, so no answer gets below {floor:.4g}"
    if labels and floor >= HOPELESS * constant:
        return Cause(
            "labels that the inputs do not tell",
            f"{why} (a constant one has {constant:.4g})",
            "look at the inputs and the labels",
        )
    if signals.end > floor + 0.1 * (constant - floor):
        return None
    name = "labels that the inputs do not tell" if labels else "the floor of the loss"
    return Cause(name, why, f"take this for as good as the {'labels' if labels else 'loss'} can be", instead=False)


def scale_of_data(signals: RunSignals) -> Cause | None:
    """Inputs and targets far from the size that layers and rates are made for."""
    facts = signals.facts
    parts, what = [], []
    if facts.target_range is not None and max(abs(end) for end in facts.target_range) > FAR_TARGETS:
        parts.append(f"the targets lie between {facts.target_range[0]:.4g} and {facts.target_range[1]:.4g}")
        what.append("targets")
    if facts.largest_input is not None and LARGE_INPUT * 10 < facts.largest_input < math.inf:
        parts.append(f"the inputs reach {facts.largest_input:.3g}")
        what.append("inputs")
    remedy = f"scale the {' and the '.join(what)} to around 1"
    return Cause("the scale of the data", ", ".join(parts), remedy, instead=False) if parts else None
