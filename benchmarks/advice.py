"""Whether advice that is followed literally helps: failed and slow runs of the corpus, each trained as its note says.

    python benchmarks/advice.py --cases 60              failed and too slow runs of the corpus' reporting half
    python benchmarks/advice.py --cases 60 --fresh      of fresh draws
    python benchmarks/advice.py --report                the tables of all that was kept so far

Every case is kept as it is done (outputs/corpus/advice.jsonl): a command that was cut off goes on where it stood. What
is followed are the ``changes`` of the finding, not its words. Whether the run then trains is said by the labels of
benchmarks/README.md, which rest on training on, not on anything that the advice has seen.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from corpus_parts.cases import Case, draw
from corpus_parts.observation import observe
from corpus_parts.trials_of_case import followed, start_of
from corpus_parts.truth import Facts, label

from lrscope.core.trace import Trace
from lrscope.core.verdict import Finding, Verdict
from lrscope.diagnosis import diagnose, diagnose_sweep
from lrscope.diagnosis.untried import untried
from lrscope.probe.clock import Clock, seconds_for
from lrscope.probe.rounds import trials

FOLDER = Path(__file__).resolve().parents[1] / "outputs" / "corpus"
SEEDS = {"corpus": 20, "fresh": 7_000}
ORDER = (1,)
"""The labels are those of another order of the data than the run's own."""
FAILED = {"diverged", "collapsed", "oscillating", "stalled"}


@dataclass(frozen=True)
class Followed:
    """One run, what its note said to do, and what came of it."""

    draw: str
    sweep: str
    lr: float
    verdict: str
    truth: str
    """Of the run itself."""
    where: str
    """``alone``, or ``in its sweep``."""
    advice: str
    changes: dict[str, Any]
    became: str
    """The label of the run that followed it; empty where the note named nothing to change."""
    loss: float
    best: float
    """The lowest loss that anything of this sweep came to."""
    seconds: float
    """That the trials took."""
    run_seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=60, help="failed or slow runs to follow in all")
    parser.add_argument("--fresh", action="store_true", help="data, networks and seeds that came after all tuning")
    parser.add_argument("--seed", type=int, default=None, help="another draw")
    parser.add_argument("--half", choices=["tune", "report"], default="report", help="of the corpus")
    parser.add_argument("--report", action="store_true", help="only print the tables")
    parser.add_argument("--seconds", type=float, default=None, help="for the trials of a run; by default as in a run")
    parser.add_argument("--out", type=Path, default=FOLDER / "advice.jsonl")
    parser.add_argument("--list", action="store_true", help="the notes that did not help, too")
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore")
    if not chosen.report:
        follow_all(chosen)
    print(report(kept(chosen.out), chosen.list))


def follow_all(chosen: argparse.Namespace) -> None:
    """Sweep by sweep until so many runs were followed; sweeps that are kept already count."""
    import torch

    torch.set_num_threads(1)
    kind = "fresh" if chosen.fresh else "corpus"
    seed = SEEDS[kind] if chosen.seed is None else chosen.seed
    name = f"{kind}{seed}"
    done = {own.sweep for own in kept(chosen.out) if own.draw == name}
    count = sum(own.draw == name for own in kept(chosen.out))
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    for sweep in sweeps_of(draw(60, 6, seed, chosen.fresh), chosen):
        if count >= chosen.cases:
            return
        if sweep[0].sweep in done:
            continue
        found = list(follow_sweep(sweep, name, chosen.seconds))
        with chosen.out.open("a") as file:
            file.writelines(json.dumps(own.__dict__) + "\n" for own in found)
        count += len(found)
        print(f"{sweep[0].sweep}: {len(found)} followed, {count} in all", flush=True)


def sweeps_of(cases: list[Case], chosen: argparse.Namespace) -> Iterator[list[Case]]:
    """The cases that share everything but rate and seed, together."""
    by_sweep: dict[str, list[Case]] = {}
    for case in cases:
        if chosen.fresh or case.half == chosen.half:
            by_sweep.setdefault(case.sweep, []).append(case)
    yield from by_sweep.values()


def follow_sweep(cases: list[Case], name: str, seconds: float | None) -> Iterator[Followed]:
    """Every failed or slow run of a sweep, as it is advised alone and beside the others."""
    seen, took, known = [], [], dict[str, tuple[str, float]]()
    for case in cases:
        begun = time.process_time()
        seen.append(observe(case, ORDER))
        took.append((time.process_time() - begun) / 3)  # with what it is continued by, it took some three times as long
    facts = [Facts.of(own) for _, own in seen]
    best = min((own.end for own in facts if math.isfinite(own.end)), default=math.inf)
    truths = [label(own, best).label for own in facts]
    traces = [trace for trace, _ in seen]
    together = [d.primary for d in diagnose_sweep(with_trials(cases, traces, sum(took), seconds))]
    for number, (case, trace) in enumerate(zip(cases, traces, strict=True)):
        verdict = diagnose(trace).verdict
        if not (verdict.failed or verdict is Verdict.TOO_SLOW):
            continue
        begun = time.process_time()
        (tried,) = with_trials([case], [trace], took[number], seconds)
        spent = time.process_time() - begun
        for where, finding in (("alone", diagnose(tried).primary), ("in its sweep", together[number])):
            what = json.dumps([case.lr, dict(finding.changes)])
            became, loss = known[what] = known.get(what) or outcome(case, finding, best)
            about = (name, case.sweep, case.lr, verdict.label, truths[number], where, finding.advice)
            more = (became, loss, best, spent, took[number])
            yield Followed(*about, dict(finding.changes), *more)


def with_trials(cases: list[Case], traces: list[Trace], took: float, seconds: float | None) -> list[Trace]:
    """The runs with what was tried for them, as lrscope does it at the end of a run or a sweep."""
    wanted = untried(traces)
    if wanted is None:
        return traces
    clock = Clock(seconds_for(took, seconds), lambda: False, time.process_time)
    found = trials(start_of(cases[wanted.number], traces[wanted.number].facts), wanted, clock)
    with_them = list(traces)
    for number in wanted.members:
        with_them[number] = replace(traces[number], facts=replace(traces[number].facts, trials=found))
    return with_them


def outcome(case: Case, finding: Finding, best: float) -> tuple[str, float]:
    """The label and the loss of the run that follows the advice."""
    if not finding.changes:
        return "", math.nan
    _, seen = observe(followed(case, finding.changes), ORDER)
    facts = Facts.of(seen)
    return label(facts, min(best, facts.end) if math.isfinite(facts.end) else best).label, facts.end


def kept(path: Path) -> list[Followed]:
    """What was kept so far."""
    if not path.exists():
        return []
    return [Followed(**json.loads(line)) for line in path.read_text().splitlines() if line.strip()]


def report(runs: list[Followed], listed: bool) -> str:
    """Of each verdict how often its advice helped, alone and in sweeps, as Markdown."""
    if not runs:
        return "nothing was followed yet"
    lines = ["| verdict | seen | followed | no longer fails | no longer too slow either | names nothing to change |"]
    lines.append("|---|---|---|---|---|---|")
    for where in ("alone", "in its sweep"):
        own = [run for run in runs if run.where == where]
        failed = [run for run in own if run.verdict in FAILED]
        groups = {verdict: [r for r in failed if r.verdict == verdict] for verdict in sorted(FAILED)}
        groups |= {"**all failed**": failed, "too slow": [run for run in own if run.verdict == "too slow"]}
        lines += [_row(verdict, where, group) for verdict, group in groups.items() if group]
    spent = sorted(run.seconds for run in runs if run.where == "alone")
    text = "\n".join(lines)
    text += f"\n\nTrials took {spent[len(spent) // 2]:.2f} s (median), {spent[-1]:.2f} s at most."
    if listed:
        text += "\n\n" + "\n".join(_miss(run) for run in runs if _misses(run))
    return text


def _row(verdict: str, where: str, runs: list[Followed]) -> str:
    named = [run for run in runs if run.changes]
    works = sum(run.became not in FAILED for run in named)
    settled = sum(run.became not in FAILED | {"too slow"} for run in named)
    return (
        f"| {verdict} | {where} | {len(named)} | {_share(works, len(named))} | {_share(settled, len(named))} | "
        f"{len(runs) - len(named)} |"
    )


def _misses(run: Followed) -> bool:
    return not run.changes or run.became in FAILED or (run.verdict == "too slow" and run.became == "too slow")


def _miss(run: Followed) -> str:
    return (
        f"- {run.draw} {run.sweep} lr={run.lr:g} {run.where}: {run.verdict} (truth {run.truth}), told '{run.advice}' "
        f"{run.changes} -> {run.became or 'nothing'} {run.loss:.4g} (best {run.best:.4g})"
    )


def _share(count: int, of: int) -> str:
    """``41 of 45 (91%, 79% to 96%)``: with the 95% Wilson interval."""
    if not of:
        return "-"
    z, share = 1.96, count / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return f"{count} of {of} ({share:.0%}, {middle - half:.0%} to {middle + half:.0%})"


if __name__ == "__main__":
    main()
