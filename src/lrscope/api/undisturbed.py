"""What a call changes in the process that makes it, put back when it ends: the process is the caller's, not ours."""

from __future__ import annotations

import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """On leaving, by whatever way, the process has what it had before: signal handlers, working folder, environment,
    ``sys.argv`` and ``sys.path``, outputs, logging, warnings, random numbers (Python's, numpy's, torch's), torch's
    defaults, and the state of a Hydra application that makes the call.
    """
    with ExitStack() as kept, warnings.catch_warnings():
        for keep in (_streams, _logging, _environment, _random, _torch, _hydra, _signals, _interpreter):
            kept.callback(keep())
        _warn_as_a_command()
        yield


def _warn_as_a_command() -> None:
    """As Python does of itself: a caller that makes errors of warnings, as tests do, means those of his own code."""
    warnings.resetwarnings()
    for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", kind)


def _interpreter() -> Callable[[], None]:
    folder, interval, form = os.getcwd(), sys.getswitchinterval(), warnings.formatwarning  # noqa: PTH109
    words, path = list(sys.argv), list(sys.path)

    def restore() -> None:
        os.chdir(folder)
        sys.setswitchinterval(interval)
        warnings.formatwarning = form
        sys.argv[:], sys.path[:] = words, path

    return restore


def _streams() -> Callable[[], None]:
    out, err = sys.stdout, sys.stderr

    def restore() -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = out, err

    return restore


def _environment() -> Callable[[], None]:
    before = dict(os.environ)

    def restore() -> None:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})

    return restore


def _signals() -> Callable[[], None]:
    """Only the main thread can set handlers, so only there can any have been changed."""
    from lrscope.core.stop_signals import STOP

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}

    def restore() -> None:
        STOP.forget()
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                if handler is not None:  # one that was not set from Python cannot be set again
                    signal.signal(number, handler)

    return restore


def _logging() -> Callable[[], None]:
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    before = [(log, log.level, list(log.handlers), log.propagate, log.disabled) for log in loggers]

    def restore() -> None:
        for log, level, handlers, propagates, disabled in before:
            for opened in set(log.handlers) - set(handlers):
                opened.close()
            log.setLevel(level)
            log.handlers[:] = handlers
            log.propagate, log.disabled = propagates, disabled

    return restore


def _random() -> Callable[[], None]:
    import numpy as np
    import torch

    python, numbers, tensors = random.getstate(), np.random.get_state(), torch.get_rng_state()
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else None

    def restore() -> None:
        random.setstate(python)
        np.random.set_state(numbers)
        torch.set_rng_state(tensors)
        if devices is not None:
            torch.cuda.set_rng_state_all(devices)

    return restore


def _torch() -> Callable[[], None]:
    import torch

    threads, kind, gradients = torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()
    deterministic = torch.are_deterministic_algorithms_enabled()
    only_warn = torch.is_deterministic_algorithms_warn_only_enabled()
    precision, cudnn = torch.get_float32_matmul_precision(), torch.backends.cudnn
    flags = (cudnn.benchmark, cudnn.deterministic)

    def restore() -> None:
        torch.set_num_threads(threads)
        torch.set_default_dtype(kind)
        torch.set_grad_enabled(gradients)
        torch.use_deterministic_algorithms(deterministic, warn_only=only_warn)
        torch.set_float32_matmul_precision(precision)
        cudnn.benchmark, cudnn.deterministic = flags

    return restore


def _hydra() -> Callable[[], None]:
    """A Hydra application may make the call: its own configuration is set aside meanwhile."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig

    application, config = GlobalHydra.instance(), HydraConfig.instance()
    before = (application.hydra, config.cfg)
    application.clear()

    def restore() -> None:
        application.hydra, config.cfg = before

    return restore
