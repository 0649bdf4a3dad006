"""Labels against verdicts: the confusion matrix."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from itertools import combinations

from corpus_parts.cases import Case
from corpus_parts.observation import ORDERS, Observation
from corpus_parts.sentences import contradictions, false_sentences
from corpus_parts.truth import Facts, Truth, label
from lrscope.core.trace import Trace
from lrscope.core.verdict import Diagnosis, Verdict
from lrscope.diagnosis import diagnose, diagnose_sweep
from lrscope.diagnosis.signals.probed import AGAIN, LOWER, SAME

LABELS = [v.label for v in Verdict]
HEALTHY = {"trained", "too slow"}


@dataclass(frozen=True)
class Labelled:
    """One run of the corpus and what really became of it, by each order of the data in which it was continued."""

    case: Case
    trace: Trace
    truths: tuple[Truth, ...]

    @property
    def truth(self) -> Truth:
        """The truth that counts: in another order of the data than the run's own, in which its copies went on for the
        verdict. Of a full batch there is but one.
        """
        return self.truths[1]

    @property
    def own(self) -> Truth:
        """What the order says in which the run would have gone on."""
        return self.truths[0]

    @property
    def usual(self) -> str:
        """What most of the orders say; the first of those that are said equally often."""
        return Counter(truth.label for truth in self.truths).most_common(1)[0][0]


def labelled(kept: list[tuple[Case, tuple[Trace, Observation]]]) -> list[Labelled]:
    """Every run with its label; a sweep's lowest finite loss is what its other runs are held against."""
    best: dict[str, float] = defaultdict(lambda: math.inf)
    known = [(case, trace, [Facts.of(seen, order) for order in range(ORDERS)]) for case, (trace, seen) in kept]
    for case, _, (facts, *_) in known:
        if math.isfinite(facts.end):
            best[case.sweep] = min(best[case.sweep], facts.end)
    return [
        Labelled(case, trace, tuple(label(facts, best[case.sweep]) for facts in orders))
        for case, trace, orders in known
    ]


def without_copies(run: Labelled) -> Labelled:
    """The run as it was recorded up to its last step, without what copies of it did and what they are held against."""
    left_out = {AGAIN, SAME, LOWER, "train/loss_late"}
    series = {name: curve for name, curve in run.trace.series.items() if name not in left_out}
    return replace(run, trace=Trace(series, run.trace.facts))


def verdicts(runs: list[Labelled], in_sweeps: bool) -> list[Diagnosis]:
    """The diagnosis of each run, seen alone or beside the others of its sweep."""
    if not in_sweeps:
        return [diagnose(run.trace) for run in runs]
    members: dict[str, list[int]] = defaultdict(list)
    for i, run in enumerate(runs):
        members[run.case.sweep].append(i)
    found: dict[int, Diagnosis] = {}
    for indices in members.values():
        found.update(zip(indices, diagnose_sweep([runs[i].trace for i in indices]), strict=True))
    return [found[i] for i in range(len(runs))]


def sentences(runs: list[Labelled]) -> str:
    """Every false sentence and every contradiction in the notes, alone and beside the others, and how many notes."""
    lines: list[str] = []
    for in_sweeps in (True, False):
        for run, diagnosis in zip(runs, verdicts(runs, in_sweeps), strict=True):
            others = [r.trace for r in runs if in_sweeps and r.case.sweep == run.case.sweep and r is not run]
            wrong = false_sentences(diagnosis, run.trace, others) + contradictions(diagnosis)
            lines += [f"- {run.case.sweep} lr={run.case.lr:g}: {words}" for words in wrong]
    return "\n".join([*lines, f"{len(lines)} false sentences or contradictions in {2 * len(runs)} notes."])


def report(runs: list[Labelled], wrong: bool) -> str:
    """The confusion matrices (in sweeps, and every run alone) as Markdown, with the two numbers that matter."""
    parts = [agreement(runs)]
    for in_sweeps in (True, False):
        diagnoses = verdicts(runs, in_sweeps)
        parts.append(f"### {'Beside the other members of the sweep' if in_sweeps else 'Each run alone'}\n")
        parts.append(summary(runs, diagnoses))
        parts.append(matrix([(r.truth.label, d.verdict.label) for r, d in zip(runs, diagnoses, strict=True)]))
        if wrong:
            parts.append(mistakes(runs, diagnoses))
    return "\n".join(parts)


def summary(runs: list[Labelled], diagnoses: list[Diagnosis]) -> str:
    """Share right, overall and away from the borders, and healthy runs that were called failed."""
    pairs = list(zip(runs, diagnoses, strict=True))
    right = sum(r.truth.label == d.verdict.label for r, d in pairs)
    clear = [(r, d) for r, d in pairs if not r.truth.borderline]
    clear_right = sum(r.truth.label == d.verdict.label for r, d in clear)
    own = sum(r.own.label == d.verdict.label for r, d in pairs)
    usually = sum(r.usual == d.verdict.label for r, d in pairs)
    ordered = [(r, d) for r, d in pairs if (r.trace.facts.batch_size or 0) < (r.trace.facts.examples or 0)]
    ordered_right = sum(r.truth.label == d.verdict.label for r, d in ordered)
    slandered = sum(r.truth.label in HEALTHY and d.verdict.failed for r, d in pairs)
    return (
        f"{right} of {len(runs)} right ({right / len(runs):.1%}); {len(runs) - len(clear)} labels are borderline, "
        f"of the other {len(clear)} {clear_right} are right ({clear_right / max(1, len(clear)):.1%}). "
        f"Healthy runs called failed: {slandered}. "
        f"By what most of {ORDERS} orders of the data say, {usually} are right ({usually / len(runs):.1%}); "
        f"by the order that the copies went on in, {own} ({own / len(runs):.1%}). "
        f"Without full batches, which have one order, {ordered_right} of {len(ordered)} are right "
        f"({ordered_right / max(1, len(ordered)):.1%}).\n"
    )


def agreement(runs: list[Labelled]) -> str:
    """How often two orders of the data give a run the same label; where they do not, chance decides."""
    pairs = [(one, other) for r in runs for one, other in combinations(r.truths, 2)]
    same = sum(one.label == other.label for one, other in pairs)
    return f"Two orders of the data give the same label in {same / len(pairs):.1%} of {len(pairs)} pairs.\n"


def matrix(pairs: list[tuple[str, str]]) -> str:
    """Rows: the truth; columns: the verdict."""
    counts = Counter(pairs)
    used = [name for name in LABELS if any(name in pair for pair in counts)]
    lines = ["| truth \\ verdict | " + " | ".join(used) + " |", "|---" * (len(used) + 1) + "|"]
    for truth in used:
        cells = (str(counts[truth, verdict] or "·") for verdict in used)
        lines.append(f"| **{truth}** | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def mistakes(runs: list[Labelled], diagnoses: list[Diagnosis]) -> str:
    """The runs whose verdict is not the label, one line each."""
    lines = []
    for r, d in zip(runs, diagnoses, strict=True):
        if r.truth.label != d.verdict.label:
            c = r.case
            network = f"{c.problem} {c.hidden} {c.activation} {c.init}"
            what = f"{network} {c.optimizer} {c.momentum} {c.schedule} b{c.batch_size}"
            edge = " (borderline)" if r.truth.borderline else ""
            lines.append(
                f"- {c.sweep} lr={c.lr:g} {what}: {r.truth.label}{edge}, called {d.verdict.label}: {d.primary.why}"
            )
    return "\n".join(lines) + "\n"
