"""The diagnosis as Markdown that a person reads."""

from __future__ import annotations

from lrscope.core.trace import Trace
from lrscope.core.verdict import Diagnosis, Evidence, Finding
from lrscope.diagnosis.causes import clipped
from lrscope.diagnosis.signals.run_signals import RunSignals


def note(diagnosis: Diagnosis, trace: Trace) -> str:
    """Verdict, what to do and why; then what else was found, and the numbers: the ``mlflow.note.content`` of a run.

    MLflow's page shows the first lines of it, and cuts off the rest: the advice stands before what it rests on.
    """
    primary = diagnosis.primary
    lines = [
        f"## {primary.verdict.label.capitalize()}",
        "",
        f"**What to do:** {primary.advice}.",
        "",
        _sentence(primary),
    ]
    if len(diagnosis.findings) > 1:
        lines += ["", "### Also"]
        lines += [f"- **{f.verdict.label}**: {_sentence(f)} *{f.advice}.*" for f in diagnosis.findings[1:]]
    evidence = [item for finding in diagnosis.findings for item in finding.evidence]
    if evidence:
        lines += ["", "### Evidence", "", "| what | measured | bound |", "|---|---|---|"]
        lines += [_row(item) for item in evidence]
    return "\n".join([*lines, "", _run(RunSignals.of(trace))])


def _sentence(finding: Finding) -> str:
    weak = " *The evidence is weak.*" if finding.certainty == "weak" else ""
    return f"{finding.why[:1].upper()}{finding.why[1:]}.{weak}"


def _row(item: Evidence) -> str:
    bound = "" if item.bound is None else f"{item.bound:.4g}{item.unit}"
    return f"| {item.name} | {item.value:.4g}{item.unit} | {bound} |"


def _run(signals: RunSignals) -> str:
    facts = signals.facts
    parts = [f"{signals.steps:,} steps"]
    if signals.epochs:
        parts.append(f"{signals.epochs:,} epoch{'s' if signals.epochs != 1 else ''}")
    if facts.optimizer:
        parts.append(facts.optimizer)
    if signals.peak_rate is not None:
        parts.append(f"peak rate {signals.peak_rate:.4g}")
    if facts.scheduler:
        parts.append(f"schedule {facts.scheduler}")
    if facts.weight_decay:
        parts.append(f"weight decay {facts.weight_decay:g}")
    if facts.clip_value:
        found = clipped(signals)
        share = f" in {found[0]:.0%} of the measured steps" if found is not None else ""
        parts.append(f"gradient clipped at {facts.clip_value:g} ({facts.clip_algorithm}){share}")
    if facts.dropout:
        parts.append(f"dropout {facts.dropout:g}")
    if facts.untrained:
        parts.append(f"the optimizer does not hold {facts.untrained}")
    return f"*{', '.join(parts)}.*"
