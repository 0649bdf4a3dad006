"""A stored sweep as plain data: what the report is made from, whoever recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lrscope.core.dataset_name import dataset_name
from lrscope.core.outcome import TRACEBACK
from lrscope.core.pruned import Pruned
from lrscope.core.trace import Trace
from lrscope.core.verdict import Finding, Verdict

PRUNED_WORDS = "stopped by the search"
"""What became of a member that was pruned."""

MOST_REASONS = 4
"""Crashes of so many kinds are told."""

CURVES = (
    "train/loss",
    "train/loss_epoch",
    "train/loss_eval",
    "train/acc",
    "val/loss",
    "val/acc",
    "lr",
    "train/loss_constant",
    "val/loss_constant",
)
"""The metrics that a report reads."""

OWN_UNIT = ("val/rmse", "val/mae", "train/rmse", "train/mae")
"""Those that say a loss in the user's own unit (``training/in_units.py``), which it reads where they are recorded."""

OBJECTIVE, DIRECTION = "sweep.objective", "sweep.direction"
"""Params of a member that say what its sweep is judged by."""


@dataclass(frozen=True)
class Member:
    """One run of a sweep.

    ``rate`` is the peak learning rate, ``settings`` the value of every swept axis as text (``{"lr": "0.01"}``),
    ``status`` MLflow's (``FINISHED``, ``FAILED``, ``KILLED``, ``RUNNING``), ``seconds`` its wall time (None while it
    runs), ``verdict`` None where nobody gave one.
    """

    run_id: str
    name: str
    rate: float | None
    seed: int | None
    settings: Mapping[str, str]
    status: str
    verdict: Verdict | None
    why: str
    seconds: float | None
    trace: Trace
    params: Mapping[str, str] = field(default_factory=dict)
    artifacts: str = ""
    """Where its files lie: a URI; empty where that is not known."""
    finding: Finding | None = None
    """What its verdict rests on and what to do, as it was found when all its curves were at hand; None where nobody
    kept it.
    """
    pruned: Pruned | None = None
    """That a search stopped it: its setting is not to be used, and has not failed."""
    begun: int = 0
    """When, in milliseconds since 1970; 0 where that is not known."""

    @property
    def ended(self) -> bool:
        """Whether the run came to an end of its own: trained, or failed; not interrupted, not still running."""
        return self.status in ("FINISHED", "FAILED")

    @property
    def tells(self) -> bool:
        """Whether it shows what its setting comes to: it has ended, and no search stopped it ahead of that."""
        return self.ended and self.pruned is None

    @property
    def failed(self) -> bool:
        """Whether nobody would use the model: the verdict says so, or the run broke off with an error."""
        if self.pruned is not None:
            return False
        return self.status == "FAILED" or (self.verdict is not None and self.verdict.failed)

    @property
    def crashed(self) -> bool:
        """Whether it broke off with an error: that says nothing of its rate."""
        return self.outcome == "crashed"

    @property
    def traceback(self) -> str:
        """Where the traceback of a crash is, as a person finds it."""
        if self.artifacts.startswith(("/", "file:")):
            return f"{self.artifacts.removeprefix('file://')}/{TRACEBACK}"
        return f"artifact {TRACEBACK} of run {self.run_id}"

    @property
    def fate(self) -> str:
        """As ``outcome``, with where a search stopped it."""
        return f"pruned at {self.pruned.where}" if self.pruned is not None else self.outcome

    @property
    def outcome(self) -> str:
        """What became of the run: that a search stopped it, its verdict, else ``crashed``, ``running``, ``stopped`` or
        ``unknown``.
        """
        if self.pruned is not None:
            return PRUNED_WORDS
        if self.verdict is not None and (self.status != "FAILED" or self.verdict.failed):
            return self.verdict.label
        return {"FAILED": "crashed", "RUNNING": "running", "SCHEDULED": "running", "KILLED": "stopped"}.get(
            self.status, Verdict.UNKNOWN.label
        )


@dataclass(frozen=True)
class Sweep:
    """A parent run and its members, in the order of the swept axes as numbers.

    ``axes`` are the swept config keys, ``overrides`` the words of the command that started it, ``planned`` how many
    members it was to have (None: not recorded), ``deleted`` how many were deleted in MLflow since.
    """

    run_id: str
    experiment_id: str
    experiment: str
    name: str
    store: str
    status: str
    started: datetime | None
    axes: tuple[str, ...]
    overrides: tuple[str, ...]
    planned: int | None
    deleted: int
    members: tuple[Member, ...]
    searched: tuple[str, ...] = ()
    """The axes that were given as intervals, and searched."""
    ours: bool = True
    """Whether lrscope made it, so that its command line can be told."""
    has_view: bool = False
    """Whether MLflow's page has the saved view of it that links rest on."""
    user: str = ""
    """Who started it; empty where that was not recorded."""
    commit: str = ""
    """The git commit that it was made from."""

    @property
    def complete(self) -> bool:
        """Whether every member that was planned has come to an end of its own: nothing is left to go on with."""
        begun = len(self.members) + self.deleted
        return begun >= (self.planned or 0) and all(member.ended for member in self.members)

    @property
    def unfinished(self) -> bool:
        """Whether members are left to go on with, and lrscope can: nothing is to be advised ahead of that."""
        return self.ours and not self.complete

    @property
    def title(self) -> str:
        """Its axes, ``lr × 10``: the name without what an earlier report has added to it."""
        return self.name.partition(" · ")[0]

    @property
    def dataset(self) -> str:
        """Name of the data that the members were trained on; the experiment's name where it was not recorded."""
        names = (dataset_name(m.params.get("dataset._target_"), m.params.get("dataset.name")) for m in self.members)
        return next((name for name in names if name), self.experiment)


def gaps(sweep: Sweep) -> tuple[str, ...]:
    """Sentences that say what a report of this sweep lacks; empty where it lacks nothing."""
    found: list[str] = []
    if not sweep.members:
        found.append("No member of this sweep is recorded.")
    if sweep.planned is not None and (lacking := sweep.planned - len(sweep.members) - sweep.deleted) > 0:
        found.append(f"{lacking} of {sweep.planned} planned members {_be(lacking)} not recorded.")
    if sweep.deleted:
        found.append(
            f"{sweep.deleted} {_members(sweep.deleted)} {_be(sweep.deleted, 'was', 'were')} deleted in MLflow."
        )
    for one, many, chosen in (
        ("is still running", "are still running", [m for m in sweep.members if m.status in ("RUNNING", "SCHEDULED")]),
        ("was stopped early", "were stopped early", [m for m in sweep.members if m.status == "KILLED"]),
        ("has no curve", "have no curve", [m for m in sweep.members if not (m.trace.series or m.crashed)]),
    ):
        if chosen:
            found.append(f"{_listed(chosen)} {_be(len(chosen), one, many)}.")
    return (*found, *crashes(sweep))


def crashes(sweep: Sweep) -> tuple[str, ...]:
    """A sentence for each reason that members crashed for: who, why, and where the traceback is."""
    by_reason: dict[str, list[Member]] = {}
    for member in sweep.members:
        if member.crashed:
            by_reason.setdefault(member.why.rstrip(". "), []).append(member)
    found = [
        f"{_listed(members)} crashed{': ' + why if why else ''}{_traceback_of(members[0]) if sweep.ours else ''}."
        for why, members in by_reason.items()
    ]
    more = len(found) - MOST_REASONS
    return (*found[:MOST_REASONS], *([f"{more} more crashed for other reasons."] if more > 0 else []))


def _traceback_of(member: Member) -> str:
    return f"; traceback: {member.traceback}"


def _listed(members: list[Member]) -> str:
    names = ", ".join(m.name for m in members[:4])
    return f"{len(members)} {_members(len(members))} ({names}{', …' if len(members) > 4 else ''})"


def _members(count: int) -> str:
    return "member" if count == 1 else "members"


def _be(count: int, one: str = "is", many: str = "are") -> str:
    return one if count == 1 else many
