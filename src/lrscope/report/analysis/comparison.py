"""Members grouped so that they can be compared: runs that differ in their seed only form a cell, cells a group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lrscope.core.run_facts import RATE_KEYS
from lrscope.report.analysis.estimates import Estimate, Share, loss_interval, share_of
from lrscope.report.analysis.judged_by import JudgedBy, judged_by, start_of
from lrscope.report.analysis.member_numbers import (
    Outcome,
    outcome_of,
    steps_to,
    target_loss,
)
from lrscope.report.data.axes import RATE, SEED, number
from lrscope.report.data.stored_sweep import Member, Sweep


@dataclass(frozen=True)
class Row:
    """A member with its numbers. ``best`` and ``final`` are what it is judged by, as costs: the lower the better; nan
    where it has none. See :class:`JudgedBy`.
    """

    member: Member
    outcome: Outcome
    group: str
    x: float | str | None
    best: float
    final: float
    arrival: int | None
    """Updates until the member had made 90% of the sweep's best improvement."""

    @property
    def score(self) -> float:
        """What decides: the mean of the loss at its best and at the end, inf where one is not finite.

        The best epoch alone is the luckiest of many, and a run that ends worse than that is one to look after; the end
        alone punishes one that was trained for too long, whose best weights were kept.
        """
        mean = (self.best + self.final) / 2
        return mean if math.isfinite(mean) else math.inf

    @property
    def trained(self) -> bool:
        """Whether it shows what its setting comes to, and somebody would use the model."""
        return self.member.tells and not self.member.failed and math.isfinite(self.score)


@dataclass(frozen=True)
class Cell:
    """The members that differ in their seed only. ``score``, ``best`` and ``final`` are over those that trained.

    None where none trained. A crash is no failure of the setting: ``failed`` leaves it out. Of a search over several
    numbers two cells may have one ``x``.
    """

    x: float | str | None
    rows: tuple[Row, ...]
    score: Estimate | None
    best: Estimate | None
    final: Estimate | None
    failed: Share

    @property
    def crashed(self) -> bool:
        """Whether all of them crashed: of the setting nothing is known."""
        return all(row.member.crashed for row in self.rows)

    @property
    def label(self) -> str:
        return f"{self.x:.4g}" if isinstance(self.x, float) else str(self.x)


@dataclass(frozen=True)
class Group:
    """Cells that differ along the x axis alone, in its order."""

    label: str
    settings: Mapping[str, str]
    sweep: Sweep
    cells: tuple[Cell, ...]
    rate_key: str = RATE
    """The config key that sets the rate of its members."""


@dataclass(frozen=True)
class Comparison:
    """Everything that the report shows, as numbers.

    ``x_axis`` is the swept key along which the figure runs (``lr`` wherever it was swept), ``judge`` what decides,
    ``start`` its cost before training (nan: not recorded).
    """

    sweeps: tuple[Sweep, ...]
    x_axis: str
    numeric: bool
    judge: JudgedBy
    start: float
    rows: tuple[Row, ...]
    groups: tuple[Group, ...]

    @property
    def loss(self) -> str:
        """The name of the loss or metric that decides."""
        return self.judge.metric

    @property
    def loss_start(self) -> float:
        """The training loss of the first batch, the median over members; nan where nobody recorded it."""
        return start_of([row.member for row in self.rows])

    @property
    def by_rate(self) -> bool:
        """Whether the x axis is one of rates, whichever key sets them."""
        return self.x_axis in RATE_KEYS

    @property
    def seeds(self) -> int:
        """The most seeds that any cell has."""
        return max((len(cell.rows) for group in self.groups for cell in group.cells), default=0)

    @property
    def means_over(self) -> str:
        """What a mean is taken over, in words: failed seeds are in none."""
        some_failed = any(cell.failed.count for group in self.groups for cell in group.cells)
        return "the seeds that trained" if some_failed else f"{self.seeds} seeds"


def compare(sweeps: Sequence[Sweep]) -> Comparison:
    """Group the members of one sweep, or of several side by side."""
    members = [(sweep, member) for sweep in sweeps for member in sweep.members]
    x_axis = _x_axis(sweeps)
    judge = judged_by([member for _, member in members])
    outcomes = {member.run_id: outcome_of(member) for _, member in members}
    start = judge.start([member for _, member in members])
    target = target_loss(start, _lowest([member for _, member in members], outcomes, judge))
    names = sweep_names(sweeps)
    rows = [
        _row(member, outcomes[member.run_id], x_axis, judge, target, _group_label(sweep, member, x_axis, names))
        for sweep, member in members
    ]
    numeric = any(isinstance(row.x, float) for row in rows) and not any(isinstance(row.x, str) for row in rows)
    return Comparison(
        sweeps=tuple(sweeps),
        x_axis=x_axis,
        numeric=numeric,
        judge=judge,
        start=start,
        rows=tuple(rows),
        groups=_groups(sweeps, rows, x_axis),
    )


def _x_axis(sweeps: Sequence[Sweep]) -> str:
    swept = {axis for sweep in sweeps for axis in sweep.axes}
    for key in RATE_KEYS:
        if key in swept:
            return key
    others = [axis for sweep in sweeps for axis in sweep.axes if axis != SEED]
    for axis in others:
        if all(number(m.settings.get(axis, "")) is not None for sweep in sweeps for m in sweep.members):
            return axis
    return others[0] if others else RATE


def sweep_names(sweeps: Sequence[Sweep]) -> dict[str, str]:
    """A short name of each sweep by run id: the params that tell the sweeps apart, else the run's name."""
    if len(sweeps) == 1:
        return {sweeps[0].run_id: ""}
    constant = [_constant_params(sweep) for sweep in sweeps]
    shared = set.intersection(*(set(params) for params in constant)) if constant else set()
    differing = sorted(key for key in shared if len({params[key] for params in constant}) > 1)
    telling = [key for key in differing if key.endswith((".name", "._target_"))] or differing[:2]
    names = [", ".join(_short(key, params[key]) for key in telling[:2]) for params in constant]
    if len(set(names)) < len(names):
        names = [f"{sweep.name} {sweep.run_id[:6]}" for sweep in sweeps]
    return {sweep.run_id: name for sweep, name in zip(sweeps, names, strict=True)}


def _constant_params(sweep: Sweep) -> dict[str, str]:
    first, *rest = [member.params for member in sweep.members] or [{}]
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in rest)}


def _short(key: str, value: str) -> str:
    if key.endswith("._target_"):
        return value.rsplit(".", 1)[-1]
    return value if key.endswith(".name") else f"{key}={value}"


def _group_label(sweep: Sweep, member: Member, x_axis: str, names: Mapping[str, str]) -> str:
    parts = [names[sweep.run_id]] if names[sweep.run_id] else []
    parts += [
        value if number(value) is None else f"{axis}={value}"
        for axis, value in member.settings.items()
        if axis not in (x_axis, SEED) and axis not in sweep.searched
    ]
    return ", ".join(parts)


def _row(member: Member, outcome: Outcome, x_axis: str, judge: JudgedBy, target: float, group: str) -> Row:
    if x_axis == RATE:
        typed = number(member.params.get(RATE, ""))
        x: float | str | None = typed if typed is not None else member.rate
    else:
        text = member.settings.get(x_axis, "")
        value = number(text)
        x = value if value is not None else text
    best, final = judge.of(member, outcome)
    return Row(member, outcome, group, x, best, final, steps_to(judge.curve(member), target))


def _lowest(members: Sequence[Member], outcomes: Mapping[str, Outcome], judge: JudgedBy) -> float:
    costs = [judge.of(m, outcomes[m.run_id])[0] for m in members if not m.failed]
    return min((value for value in costs if math.isfinite(value)), default=math.inf)


def _groups(sweeps: Sequence[Sweep], rows: Sequence[Row], x_axis: str) -> tuple[Group, ...]:
    sweep_of = {member.run_id: sweep for sweep in sweeps for member in sweep.members}
    by_group: dict[str, dict[tuple[float | str | None, tuple[str, ...]], list[Row]]] = {}
    for row in rows:
        searched = [axis for axis in sweep_of[row.member.run_id].searched if axis not in (x_axis, SEED)]
        setting = (row.x, tuple(row.member.settings.get(axis, "") for axis in searched))
        by_group.setdefault(row.group, {}).setdefault(setting, []).append(row)
    groups = []
    for label, cells in by_group.items():
        first = next(iter(cells.values()))[0].member
        own = sweep_of[first.run_id]
        beside = (x_axis, SEED, *own.searched)
        settings = {axis: value for axis, value in first.settings.items() if axis not in beside}
        ordered = sorted(cells.items(), key=lambda item: _order(item[0][0]))
        groups.append(
            Group(
                label,
                settings,
                own,
                tuple(_cell(x, tuple(own_rows)) for (x, _), own_rows in ordered),
                x_axis if x_axis in RATE_KEYS else first.trace.facts.rate_key,
            )
        )
    return tuple(groups)


def _order(x: float | str | None) -> tuple[int, float, str]:
    if isinstance(x, float):
        return (0, x, "")
    return (1, 0.0, x) if isinstance(x, str) else (2, 0.0, "")


def _cell(x: float | str | None, rows: tuple[Row, ...]) -> Cell:
    trained = [row for row in rows if row.trained]
    ended = [row for row in rows if row.member.tells and not row.member.crashed]
    return Cell(
        x=x,
        rows=rows,
        score=loss_interval([row.score for row in trained]) if trained else None,
        best=loss_interval([row.best for row in trained]) if trained else None,
        final=loss_interval([row.final for row in trained]) if trained else None,
        failed=share_of(sum(row.member.failed for row in ended), len(ended)),
    )
