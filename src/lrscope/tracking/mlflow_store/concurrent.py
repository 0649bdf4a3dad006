"""Calls that wait for a network, several at a time: a server that takes seconds for each is waited for once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

AT_ONCE = 8
"""Fewer than the connections that MLflow's client keeps open to one server."""


def side_by_side(calls: Sequence[Callable[[], object]], at_once: int = AT_ONCE) -> list[Exception | None]:
    """Make every call; what each raised, in their order.

    The threads are daemons: a process that ends does not wait for a server that hangs.
    """
    errors: list[Exception | None] = [None] * len(calls)
    left = deque(enumerate(calls))

    def work() -> None:
        while left:
            try:
                place, call = left.popleft()
            except IndexError:
                return
            try:
                call()
            except Exception as error:
                errors[place] = error

    threads = [
        threading.Thread(target=work, daemon=True, name="lrscope-call") for _ in range(min(at_once, len(calls)) - 1)
    ]
    for thread in threads:
        thread.start()
    work()
    for thread in threads:
        thread.join()
    return errors
