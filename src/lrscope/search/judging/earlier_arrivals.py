"""What the store has of the members that commands before this one trained: MLflow knows all that a search knows."""

from __future__ import annotations

from lrscope.core.errors import LrscopeError
from lrscope.core.job import split_override
from lrscope.runs.prepare import PreparedRun
from lrscope.search.asynchronous import Arrival
from lrscope.search.judging.judged_curve import TRAIN_LOSS, bracket_of, curve_in, trial_of
from lrscope.training.live_run import LOSS_START


def of_earlier_commands(run: PreparedRun) -> list[Arrival]:
    """The other members of a resumed sweep, and this one, with their curves; none where the store is away: those that
    come to a rung from now on are held against each other then.
    """
    ticket = run.job.ticket
    if ticket is None or not ticket.known or ticket.run_id is None:
        return []
    from lrscope.report.data.member_curves import member_curves

    names = (run.cfg.sweep.objective, TRAIN_LOSS, LOSS_START)
    try:
        stored = member_curves(run.settings.uri, ticket.run_id, names)
    except LrscopeError:
        return []
    found = []
    for known in ticket.known.values():
        if (member := stored.get(known.run_id)) is not None:
            settings = dict(split_override(word) for word in member.name.split(" "))
            words = trial_of(settings), bracket_of(settings, ticket.searched)
            curve = curve_in(member.trace, run)
            found.append(Arrival(known.local_id, *words, curve.start, tuple(curve.losses)))
    return found
