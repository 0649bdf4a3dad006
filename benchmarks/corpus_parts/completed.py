"""Trainings that an older version kept, with what today's would record of them."""

from __future__ import annotations

from dataclasses import replace

from corpus_parts.cases import Case
from corpus_parts.networks import network
from corpus_parts.observation import Observation
from corpus_parts.problems import Problem, problem
from corpus_parts.training import trained
from corpus_parts.truth import Facts
from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Trace
from lrscope.diagnosis.signals.probed import LOWER, LOWER_OTHER, SAME, SAME_OTHER
from lrscope.probe.budget import Effort, ProbeBudget
from lrscope.probe.probes import further_probes, probes, with_points

OTHER = 2
"""The order of the data that stands for the copies' other one: neither the run's own nor the label's."""


def completed(case: Case, trace: Trace, seen: Observation) -> Trace:
    """With the facts of its network and its validation part; and, of runs above 200 updates, with what copies came to:
    they trained on as the observation did, from the same state in the same order.
    """
    data = problem(case.problem, case.data_seed)
    data = data.with_one_logit() if case.kind == "one_logit" else data
    size = sum(weights.numel() for weights in trained(network(case, data)))
    trace = replace(trace, facts=replace(with_validation(trace.facts, data), parameters=size))
    if not seen.finite or SAME in trace.series:
        return trace
    facts = trace.facts
    budget = ProbeBudget.of(len(seen.rates), facts.steps_per_epoch or 1, Effort(0.0, 0.0))
    own, other = Facts.of(seen, 0), Facts.of(seen, OTHER)
    known = {SAME: own.same, LOWER: own.lower, SAME_OTHER: other.same, LOWER_OTHER: other.lower}
    found = {probe.name: known[probe.name] for probe in probes(trace, budget) if probe.name in known}
    more = {probe.name: known[probe.name] for probe in further_probes(trace, found)}
    return with_points(trace, {**found, **more})


def with_validation(facts: RunFacts, data: Problem) -> RunFacts:
    """What a constant answer has on the validation part, and how large that is."""
    if data.val_targets is None:
        return facts
    return replace(facts, val_constant_loss=data.val_constant_loss, val_examples=len(data.val_targets))
