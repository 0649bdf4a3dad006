"""How long trials last: by what the processor worked, within what may pass."""

from __future__ import annotations

import time

from lrscope.probe.clock import Clock, clock_for, seconds_for


def never() -> None: ...


def test_a_share_of_what_the_run_took_within_bounds() -> None:
    assert seconds_for(1.0, None) == 3.0
    assert seconds_for(60.0, None) == 9.0
    assert seconds_for(3600.0, None) == 20.0
    assert seconds_for(3600.0, 45.0) == 45.0


def test_while_the_processor_is_elsewhere_no_time_is_lost_until_patience_ends() -> None:
    """Asleep the thread works nothing: only the bound on what may pass comes nearer, 9 s for the 3 s of a short run."""
    clock = clock_for(1.0, None, on_cpu=True, stop=never)
    assert (clock.seconds, clock.longest) == (3.0, 9.0)
    short = Clock(3.0, never, time.thread_time, longest=0.2)
    time.sleep(0.1)
    assert 0 < short.left <= 0.1
    time.sleep(0.15)
    assert short.left < 0


def test_what_was_asked_for_and_another_device_are_measured_by_the_clock_on_the_wall() -> None:
    for clock in (clock_for(1.0, 60.0, on_cpu=True, stop=never), clock_for(1.0, None, on_cpu=False, stop=never)):
        assert clock.now is time.monotonic
    assert clock_for(900.0, None, on_cpu=True, stop=never).longest == 20.0
