"""Together or one by one: what is faster on the real network and device."""

from __future__ import annotations

from dataclasses import dataclass

from lrscope.group.trial import Trial

WORTH_TIMING_S = 5.0
"""A stack whose members would take less than this altogether is trained together without timing the other way."""


@dataclass(frozen=True)
class Choice:
    """``alone_ms`` and ``together_ms``: a step of all members, one after the other and as a stack; None if not timed.

    ``threads``: of the CPU, for the stack; None leaves them as they are.
    """

    together: bool
    words: str
    threads: int | None = None
    alone_ms: float | None = None
    together_ms: float | None = None


def choose(trial: Trial, members: int, steps: int, mode: str) -> Choice:
    """Decide for one stack.

    Args:
        steps: updates that each member has still to make.
        mode: ``sweep.together``: ``always`` is not asked; ``auto`` takes what is faster.
    """
    stacked = trial.together(members)
    if mode == "always":
        return Choice(True, f"{members} members train together", stacked.threads)
    alone = trial.seconds_alone() * members
    if alone * steps < WORTH_TIMING_S:
        return Choice(True, f"{members} members train together: the sweep takes seconds either way", stacked.threads)
    faster = stacked.seconds < alone
    words = (
        f"{members} members train {'together' if faster else 'one by one'}: "
        f"a step of all takes {_ms(stacked.seconds)} together and {_ms(alone)} one by one"
    )
    return Choice(faster, words, stacked.threads, 1000 * alone, 1000 * stacked.seconds)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"
