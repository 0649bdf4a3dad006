from __future__ import annotations

import threading
from functools import partial

from lrscope.tracking.mlflow_store.concurrent import AT_ONCE, side_by_side


def test_calls_wait_together_and_each_keeps_its_own_error() -> None:
    all_at_once = threading.Barrier(AT_ONCE, timeout=120)

    def call(number: int) -> None:
        all_at_once.wait()
        if number % 5 == 0:
            raise ValueError(number)

    errors = side_by_side([partial(call, number) for number in range(2 * AT_ONCE)])
    assert [str(error) if error else None for error in errors] == [
        str(n) if n % 5 == 0 else None for n in range(2 * AT_ONCE)
    ]


def test_one_at_a_time_keeps_to_the_thread_that_asked() -> None:
    seen: list[tuple[int, str]] = []
    calls = [partial(lambda n: seen.append((n, threading.current_thread().name)), number) for number in range(4)]
    assert side_by_side(calls, at_once=1) == [None] * 4
    assert seen == [(number, threading.current_thread().name) for number in range(4)]
    assert side_by_side([]) == []
