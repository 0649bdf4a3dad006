"""``--dry-run``: what a command would train, and how. Everything is checked; nothing is trained or recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrscope.cli.main import DRY_RUN
from lrscope.config.engine_options import LOCAL
from lrscope.core.errors import InputError, Problem

if TYPE_CHECKING:
    from lrscope.batched.run.preview import PlannedGroup

MOST_NAMES = 3
STACKS = "hydra_plugins.hydra_together_launcher."
"""What the target of the launcher begins with that trains members as one model."""


def tell_sweep(config: Any) -> None:
    """Check the jobs of a sweep and print how they would be trained.

    Raises:
        InputError: with the problems of all jobs, as without the flag; or its sweeper chooses them as it goes.
    """
    from lrscope.batched.run.preview import preview
    from lrscope.config.schema import HALVES
    from lrscope.core.job import Job, SweepTicket
    from lrscope.sweeps.lifecycle import checked_plan

    planned = checked_plan(config)
    if planned is None:
        rule = "this sweeper chooses its jobs as it goes, so that they are not known ahead"
        raise InputError(Problem(DRY_RUN, "", rule, "Leave it out."))
    ticket = SweepTicket("", None, planned.axes)
    jobs = [(job.cfg, Job(Path(), job.overrides, ticket)) for job in planned.jobs]
    if planned.searched and config.search.method in HALVES:
        print("a search: most of these members are stopped at its rungs; times are those of all to their end")
    mode = str(config.sweep.together)
    groups = preview(jobs, "always" if mode == "always" else "auto", _apart(config, mode))
    _show(len(jobs), groups)
    if config.sweep.engine != LOCAL:
        from lrscope.engines.dry_plan import lines_of_plan

        print(*lines_of_plan(groups, config.sweep), sep="\n")


def tell_run(cfg: Any, typed: Sequence[str]) -> None:
    """The same of a lone run, which has been checked."""
    from lrscope.batched.run.preview import preview
    from lrscope.core.job import Job

    if cfg.find.enabled:
        print(f"find=on: {cfg.find.copies} copies go ahead of it, each for at most 30% of its updates")
    _show(1, preview([(cfg, Job(Path(), tuple(typed)))], "never", "a run of its own"))


def _apart(config: Any, mode: str) -> str | None:
    """Why no two members of a sweep can train together, as far as the launcher says."""
    launcher = str(config.hydra.launcher.get("_target_"))
    if not launcher.startswith(STACKS):
        return f"hydra/launcher trains each by itself ({launcher.rsplit('.', 1)[-1]})"
    return "sweep.together=never" if mode == "never" else None


def _show(members: int, groups: Sequence[PlannedGroup]) -> None:
    print(f"dry run: {members} {'member' if members == 1 else 'members'}; nothing is trained or recorded")
    for group in groups:
        print(*_lines(group), sep="\n")
    left = members - sum(len(group.names) for group in groups)
    if left:
        print(f"{left} more could not be prepared: each would say why when its turn comes")


def _lines(group: PlannedGroup) -> Iterator[str]:
    count = len(group.names)
    how = "as one model" if group.together else "one by one" if count > 1 else "alone"
    if group.together and group.stacks > 1:
        how = f"as {group.stacks} models, one after the other"
    memory = f", {_size(group.bytes_each * _at_once(group))} of memory" if group.bytes_each is not None else ""
    if group.seconds is None:
        time = "how long a step takes is not known before"
    else:
        time = f"about {_time(group.seconds)} for the updates alone"
    yield f"  {count} {how}: {group.updates:,} updates each, {time}{memory}"
    yield f"    {group.why}"
    more = f", and {count - MOST_NAMES} more" if count > MOST_NAMES else ""
    yield f"    {', '.join(group.names[:MOST_NAMES])}{more}"


def _at_once(group: PlannedGroup) -> int:
    """Members that are in memory at one time."""
    return -(-len(group.names) // group.stacks) if group.together else 1


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.2g} min" if seconds < 6000 else f"{seconds / 3600:.2g} h"


def _size(count: int) -> str:
    return f"{count / 2**20:.3g} MiB" if count < 2**30 else f"{count / 2**30:.3g} GiB"
