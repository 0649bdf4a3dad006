from __future__ import annotations

import threading
import time
from functools import partial

from lrscope.tracking.mlflow_store.concurrent import side_by_side


def test_calls_wait_together_and_each_keeps_its_own_error() -> None:
    def call(number: int) -> None:
        time.sleep(0.2)
        if number % 5 == 0:
            raise ValueError(number)

    began = time.monotonic()
    errors = side_by_side([partial(call, number) for number in range(16)])
    assert time.monotonic() - began < 1.0
    assert [str(error) if error else None for error in errors] == [str(n) if n % 5 == 0 else None for n in range(16)]


def test_one_at_a_time_keeps_to_the_thread_that_asked() -> None:
    seen: list[tuple[int, str]] = []
    calls = [partial(lambda n: seen.append((n, threading.current_thread().name)), number) for number in range(4)]
    assert side_by_side(calls, at_once=1) == [None] * 4
    assert seen == [(number, threading.current_thread().name) for number in range(4)]
    assert side_by_side([]) == []
