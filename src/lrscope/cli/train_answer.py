"""What ``train --json`` answers."""

from __future__ import annotations

from dataclasses import replace

from lrscope.cli.ended import Ended
from lrscope.cli.tell import last_error
from lrscope.core.answer import Answer, find_answer, run_answer_of
from lrscope.core.errors import LrscopeError
from lrscope.core.redact import redact


def train_answer(ended: Ended, code: int) -> Answer:
    """Runs as their jobs left them; of a sweep that is in a store also what its report recommends."""
    error = ended.error or last_error()
    told = redact(str(error)) if error is not None else f"stopped by signal {code - 128}" if code > 128 else None
    answer = Answer("train", code, told, tuple(map(run_answer_of, ended.outcomes)))
    if ended.found is not None:
        answer = replace(answer, find=find_answer(ended.find_id or "", ended.found))
    if ended.report is not None:
        answer = replace(answer, report=str(ended.report))
    if ended.sweep_id is None:
        return answer
    try:
        return _with_sweep(answer, ended.sweep_id, ended.store)
    except LrscopeError as problem:  # the store went away; the runs are known all the same
        return replace(answer, error=told or redact(str(problem)))


def _with_sweep(answer: Answer, sweep_id: str, store: str | None) -> Answer:
    from lrscope.report import collect_sweep
    from lrscope.report.stored_answers import members_of, recommendations_of, sweep_answer

    sweep = collect_sweep(store, sweep_id)
    return replace(
        answer,
        runs=members_of([sweep]),
        sweeps=(sweep_answer(sweep),),
        recommendations=recommendations_of([sweep]),
    )
