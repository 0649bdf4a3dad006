"""Python's garbage collector waits while the libraries load, and only then."""

from __future__ import annotations

import gc

from lrscope import collector


def test_it_is_back_when_the_training_begins():
    assert gc.isenabled()
    collector.pause()
    try:
        assert not gc.isenabled()
        before = gc.get_freeze_count()
        collector.go_on()
        assert gc.isenabled() and gc.get_freeze_count() > before
    finally:
        gc.enable()
        gc.unfreeze()


def test_whoever_had_it_off_keeps_it_off():
    gc.disable()
    try:
        collector.pause()
        collector.go_on()
        assert not gc.isenabled()
    finally:
        gc.enable()
