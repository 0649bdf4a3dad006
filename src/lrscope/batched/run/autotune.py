"""Together or one by one, compiled or not: what is faster on the real network and device."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from lrscope.batched.model.stack_trial import StackTrial
from lrscope.core.failpoint import failpoint

WORTH_TIMING_S = 0.5
"""Members that take less than this altogether train together without timing: it would take as long itself. Above, a
wrong guess costs more: together can be several times slower."""

PIECE = 64
"""A larger stack is also timed in pieces of so many: where what a step touches outgrows the caches, they are faster."""

WORTH_CUTTING = 0.8
"""Pieces must take less than this share of the whole's time: each has the trainer's loop around it, untimed here."""

LONG_STEP_S = 0.5
"""Where a step of the whole would take longer than this by the pieces' time, only the pieces are timed."""


WORTH_COMPILING_S = 600.0
"""A stack that trains for less than this is not compiled. Compiling takes up to two minutes and saves half of the time
at most, and whether it saves anything is known only once it has been tried.
"""


@dataclass(frozen=True)
class Autotune:
    """``alone_ms`` and ``together_ms``: a step of all members, one after the other and as a stack; None if not timed.

    ``threads``: of the CPU, for the stack; None leaves them as they are. ``most``: members of one stack; None for all.
    """

    together: bool
    words: str
    threads: int | None = None
    alone_ms: float | None = None
    together_ms: float | None = None
    most: int | None = None
    compile_from: int | None = None
    """A stack with at least so many updates to come has its pass compiled; None for never."""


def choose(
    trial: StackTrial, members: int, steps: int, mode: str, fit: int | None = None, compiling: bool = False
) -> Autotune:
    """Decide for one stack.

    Args:
        steps: updates that each member has still to make.
        mode: ``sweep.together``: ``always`` is not asked; ``auto`` takes what is faster.
        fit: members that the memory holds at once; None for all.
        compiling: whether it may be compiled, which takes half a minute or more to find out.
    """
    if mode == "always":
        return Autotune(True, f"{members} members train together", trial.threads(members))
    with failpoint("timing"):
        alone = trial.seconds_alone() * members
        if alone * steps < WORTH_TIMING_S:
            words = f"{members} members train together: too few updates to be worth timing both ways"
            return Autotune(True, words, trial.threads(members))
        stacked, most = _stacked(trial, members, min(fit or members, members))
    faster = stacked < alone
    how = f"together in {-(-members // most)} stacks" if most is not None else "together"
    words = (
        f"{members} members train {how if faster else 'one by one'}: "
        f"a step of all takes {_ms(stacked)} together and {_ms(alone)} one by one"
    )
    choice = Autotune(faster, words, trial.threads(most or members), 1000 * alone, 1000 * stacked, most)
    return _compiled(choice, trial, members, steps) if faster and compiling else choice


def _compiled(choice: Autotune, trial: StackTrial, members: int, steps: int) -> Autotune:
    """The choice, with its stacks compiled where they train so long that it pays."""
    assert choice.together_ms is not None
    stacks = -(-members // (choice.most or members))
    plain_s = choice.together_ms / 1000 / stacks
    if plain_s * steps < WORTH_COMPILING_S:
        return choice
    made = trial.compiled(-(-members // stacks))
    if isinstance(made, str):
        return replace(choice, words=f"{choice.words}; not compiled: {made}")
    saved_s = made.plain_s - made.seconds
    found = f"compiled in {made.compiling_s:.0f} s: {_ms(made.seconds)} in place of {_ms(made.plain_s)}"
    words = f"{choice.words}; {found}"
    if saved_s * steps <= made.compiling_s:
        return replace(choice, words=f"{words}, not worth it")
    return replace(choice, words=words, compile_from=math.ceil(made.compiling_s / saved_s))


def _stacked(trial: StackTrial, members: int, fit: int) -> tuple[float, int | None]:
    """Seconds of a step of all members, in one stack or in the pieces that are faster; none larger than fits."""
    piece = min(PIECE, fit)
    if members <= piece:
        return trial.together(members), None
    count = -(-members // piece)
    pieces = count * trial.together(-(-members // count))
    if pieces > LONG_STEP_S or fit < members:
        return pieces, piece
    whole = trial.together(members)
    return (pieces, piece) if pieces < WORTH_CUTTING * whole else (whole, None)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
