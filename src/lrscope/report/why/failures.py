"""Which settings failed or fell short, for how many of their seeds, and why: what stands under the recommendation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import Cell, Comparison, Group, Row
from lrscope.report.analysis.estimates import Share, share_of
from lrscope.report.why.evidence import Evidence, evidence_of
from lrscope.report.why.plain_words import because

MOST_TOLD = 6
"""Where more settings failed, neighbours with one verdict are told in one sentence; of fewer only those of which the
very same is to be said, and those that merely fell short."""


@dataclass(frozen=True)
class Failure:
    """One or several neighbouring settings with one verdict.

    ``label`` names them (``lr=0.3 to 1``), ``settings`` says how many there are, ``seeds`` how many of their members
    got the verdict; ``why`` is a sentence without its full stop, ``evidence`` the curves that show it, ``rows`` the
    members.
    """

    label: str
    settings: int
    verdict: Verdict
    seeds: Share
    why: str
    evidence: tuple[Evidence, ...]
    rows: tuple[Row, ...]

    @property
    def who(self) -> str:
        """``lr=0.01, 5 of 5 seeds``, ``lr=0.3 to 1, 9 members``; a single member is not counted."""
        if self.seeds.total == 1:
            return self.label
        if self.settings == 1:
            return f"{self.label}, {self.seeds} seeds"
        return f"{self.label}, {self.seeds if self.seeds.count < self.seeds.total else self.seeds.total} members"

    @property
    def failed(self) -> bool:
        return self.verdict.failed


@dataclass(frozen=True)
class _Part:
    """The members of one value of the x axis that got one verdict, in those groups where some did.

    ``place`` is the value's among all values, ``total`` counts the members of these groups at this value.
    """

    place: int
    x: str
    verdict: Verdict
    groups: tuple[Group, ...]
    rows: tuple[Row, ...]
    total: int


def heading(failures: Sequence[Failure]) -> str:
    """What stands above them: not each that was left behind has failed."""
    return "Why the others failed" if any(failure.failed for failure in failures) else "Where the others fell short"


def failures_of(comparison: Comparison, best: Row | None) -> tuple[Failure, ...]:
    """Those that failed first, then those that merely fell short; each in the order of the swept values.

    Args:
        comparison: whose members.
        best: the member that the recommendation rests on: it needs no excuse, and is what the others are held against.
    """
    parts = _parts(comparison, best)
    failed = [part for part in parts if part.verdict.failed]
    short = [part for part in parts if not part.verdict.failed]
    if not comparison.numeric:
        runs = [[part] for part in [*failed, *short]]
    elif len(failed) > MOST_TOLD:
        runs = [*_neighbours(failed), *_neighbours(short)]
    else:
        words = {id(part): because(part.verdict, [row.member for row in part.rows], None) for part in failed}
        runs = [*_neighbours(failed, lambda part: words[id(part)]), *_neighbours(short)]
    return tuple(_failure(comparison, run, best) for run in runs)


def _parts(comparison: Comparison, best: Row | None) -> list[_Part]:
    found: dict[tuple[str, Verdict], list[tuple[Group, Cell, Row]]] = {}
    for group in comparison.groups:
        for cell in group.cells:
            for row in cell.rows if not _needs_no_excuse(cell, best) else ():
                verdict = row.member.verdict
                if verdict is not None and verdict.meaning.shown_by and not (row.member.crashed or row.member.pruned):
                    found.setdefault((cell.label, verdict), []).append((group, cell, row))
    order = {cell.label: cell for group in comparison.groups for cell in group.cells}
    labels = sorted(order, key=lambda label: _size(order[label])) if comparison.numeric else list(order)
    parts = []
    for (label, verdict), of_part in found.items():
        groups = tuple({group.label: group for group, _, _ in of_part}.values())
        total = sum(len(cell.rows) for cell in {id(cell): cell for _, cell, _ in of_part}.values())
        rows = tuple(row for _, _, row in of_part)
        parts.append(_Part(labels.index(label), label, verdict, groups, rows, total))
    return sorted(parts, key=lambda part: (part.place, list(Verdict).index(part.verdict)))


def _needs_no_excuse(cell: Cell, best: Row | None) -> bool:
    return cell.x is None or (best is not None and best in cell.rows and not cell.failed.count)


def _size(cell: Cell) -> float:
    return cell.x if isinstance(cell.x, float) else float("inf")


def _neighbours(parts: Sequence[_Part], said: Callable[[_Part], object] = lambda _: None) -> list[list[_Part]]:
    """Runs of neighbouring values with the same verdict in the same groups, of which the same is ``said``."""
    runs: list[list[_Part]] = []
    for part in sorted(parts, key=lambda p: (list(Verdict).index(p.verdict), p.place)):
        last = runs[-1][-1] if runs else None
        alike = last is not None and (last.verdict, last.groups, said(last)) == (part.verdict, part.groups, said(part))
        if last is not None and alike and part.place == last.place + 1:
            runs[-1].append(part)
        else:
            runs.append([part])
    return sorted(runs, key=lambda run: run[0].place)


def _failure(comparison: Comparison, parts: Sequence[_Part], best: Row | None) -> Failure:
    rows = tuple(row for part in parts for row in part.rows)
    members = [row.member for row in rows]
    verdict = parts[0].verdict
    reference = best.member if best is not None and best not in rows else None
    return Failure(
        label=_label(comparison, parts),
        settings=sum(len(part.groups) for part in parts),
        verdict=verdict,
        seeds=share_of(len(rows), sum(part.total for part in parts)),
        why=because(verdict, members, reference),
        evidence=evidence_of(verdict, members, reference),
        rows=rows,
    )


def _label(comparison: Comparison, parts: Sequence[_Part]) -> str:
    values = f"{comparison.x_axis}={parts[0].x}" + (f" to {parts[-1].x}" if len(parts) > 1 else "")
    if len(comparison.groups) == 1:
        return values
    groups = parts[0].groups
    keys = list(dict.fromkeys(key for group in groups for key in group.settings))
    if len(groups) == len(comparison.groups) and len(comparison.sweeps) == 1:
        return f"{values} with every {' and '.join(keys)}"
    if len(keys) == 1:
        return f"{values} with {keys[0]}={','.join(group.settings[keys[0]] for group in groups)}"
    return f"{values} with {'; '.join(group.label for group in groups)}"
