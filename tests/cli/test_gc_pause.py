"""Python's garbage collector waits while the libraries load, and only then."""

from __future__ import annotations

import gc

from lrscope.core import gc_pause


def test_it_is_back_when_the_training_begins():
    assert gc.isenabled()
    gc_pause.pause()
    try:
        assert not gc.isenabled()
        before = gc.get_freeze_count()
        gc_pause.go_on()
        assert gc.isenabled() and gc.get_freeze_count() > before
    finally:
        gc.enable()
        gc.unfreeze()


def test_whoever_had_it_off_keeps_it_off():
    gc.disable()
    try:
        gc_pause.pause()
        gc_pause.go_on()
        assert not gc.isenabled()
    finally:
        gc.enable()
