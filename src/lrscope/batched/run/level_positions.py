"""Members of a stack that a kill has left a checkpoint apart from one another go on from where all of them stood."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from lrscope.batched.run.stack_key import Candidate, stack_key
from lrscope.training.checkpoint_folder import PREVIOUS, CheckpointFolder, read_checkpoint
from lrscope.training.checkpoint_state import BEGINNING, MEMBERS, Position


def level_positions(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, those that are one checkpoint ahead of the rest of their stack taken back by it.

    The members of a stack save one after the other. A kill in between would otherwise split the stack in two, which go
    on a rounding error away from what they would have come to together.
    """
    behind: dict[str, Position] = {}
    for candidate in candidates:
        if candidate.run.resumes and not candidate.has_ended:
            key = stack_key(candidate.run)
            behind[key] = min(candidate.position, behind.get(key, candidate.position))
    return [_taken_back(candidate, behind.get(stack_key(candidate.run), BEGINNING)) for candidate in candidates]


def _taken_back(candidate: Candidate, behind: Position) -> Candidate:
    in_a_stack = candidate.content is not None and candidate.content.get(MEMBERS)
    if candidate.has_ended or candidate.position <= behind or not in_a_stack:
        return candidate
    before = CheckpointFolder(candidate.run.checkpoint_folder).path / PREVIOUS
    if not before.is_file():
        return replace(candidate, position=BEGINNING, content=None) if behind == BEGINNING else candidate
    with suppress(Exception):  # torn: it goes on from the last one
        content = read_checkpoint(before)
        if Position.of(content) == behind:
            return replace(candidate, position=behind, content=content)
    return candidate
