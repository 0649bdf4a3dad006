"""``lrscope.train`` and ``lrscope.sweep``: the command line, called from Python in the caller's own process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from typing import Any

from lrscope.api.call_words import sweep_words, train_words
from lrscope.api.found import Find
from lrscope.api.results import Run, Sweep, load_sweep
from lrscope.api.undisturbed import undisturbed
from lrscope.core.command_words import called_from_python
from lrscope.core.errors import InputError, LrscopeError, Problem

_one_at_a_time = threading.Lock()
"""A call sets what there is only one of in a process, as the environment and the seeds."""


def train(*overrides: str, **values: Any) -> Run:
    """Train one run, as ``python train.py`` does with the same words.

    Args:
        overrides: as on the command line: ``"model=cnn"``, ``"optimizer.weight_decay=0.01"``.
        values: by key; ``optimizer__weight_decay=0.01`` and ``optimizer={"weight_decay": 0.01}`` set a key of a
            group. A class or function that stands at the top of a module is taken for a part:
            ``model=MyNet, dataset=my_data``.

    Returns:
        The run as it is recorded.

    Raises:
        InputError: something is wrong with what was asked for; nothing was recorded.
        LrscopeError: the run crashed, or it is not recorded in a store (``tracking=off``, a store that went away).
        KeyboardInterrupt: Ctrl-C stopped it at the end of a step; ``resume=`` goes on with it.
    """
    words = train_words(overrides, values)
    _refuse_find(words)
    ended = _command(words)
    if ended.run_id is None:
        raise LrscopeError("the run is in no store, so there is nothing to give back; see what was printed")
    with undisturbed():  # opening a store sets what MLflow reads from the environment
        return Run.load(ended.run_id, ended.store)


def _refuse_find(words: Sequence[str]) -> None:
    """Raises:
    InputError: a rate would be found, and no run trained that could be given back.
    """
    asked = [word for word in words if word in ("find=on", "find.enabled=true")]
    if asked and "find.then=train" not in words:
        call = ", ".join(f'"{word}"' for word in words if word not in asked)
        key, _, value = asked[0].partition("=")
        rule, remedy = "looks for a rate, and trains no run to give back", f"Call lrscope.find({call})."
        raise InputError(Problem(key, value, rule, remedy))


def find(*overrides: str, **values: Any) -> Find:
    """Find the rate for a run, as ``python train.py find=on`` does with the same words.

        >>> found = lrscope.find("model=cnn", epochs=20)           # doctest: +SKIP
        >>> found.lr, found.low, found.high                        # doctest: +SKIP
        (0.0024, 0.0013, 0.0042)
        >>> run = lrscope.train("model=cnn", epochs=20, lr=found.lr)    # doctest: +SKIP

    Args:
        overrides: as for :func:`train`; ``"find.then=train"`` trains at the rate as well.
        values: as for :func:`train`.

    Returns:
        The finding; ``lr`` is None where the rate cannot be told.

    Raises:
        InputError: something is wrong with what was asked for; nothing was recorded.
        LrscopeError: with ``find.then=train``, the rate cannot be told; or the run crashed.
        KeyboardInterrupt: Ctrl-C stopped it.
    """
    ended = _command(["find=on", *train_words(overrides, values)])
    assert ended.found is not None
    return Find.of(ended.found, ended.find_id, ended.run_id, ended.store)


def sweep(*overrides: str, **values: Any) -> Sweep:
    """Train a sweep, as ``python train.py -m`` does with the same words.

    Args:
        overrides: as on the command line: ``"epochs=20"``, ``"lr=1,0.01"``.
        values: as for :func:`train`, but the items of a list are the values of an axis: ``lr=[1, 0.01, 0.0001]``, and
            a pair is an interval that is searched: ``lr=(1e-5, 10)``.

    Returns:
        The sweep as it is recorded; members that crashed are in it.

    Raises:
        InputError: something is wrong with what was asked for, all of it in one message; nothing was recorded.
        LrscopeError: the sweep is not recorded in a store.
        KeyboardInterrupt: Ctrl-C stopped it; ``resume="latest"`` goes on with it.
    """
    ended = _command(sweep_words(overrides, values))
    if ended.sweep_id is None:
        raise LrscopeError("the sweep is in no store, so there is nothing to give back; see what was printed")
    with undisturbed():
        return load_sweep(ended.sweep_id, ended.store)


def _command(words: Sequence[str]) -> Any:
    """Run a command in this process.

    Returns:
        How it ended, a :class:`lrscope.cli.main.Ended`.
    """
    with _one_at_a_time, undisturbed(), called_from_python():
        from lrscope.cli.main import run_command

        ended = run_command(list(words), told=False)
    if ended.code == 128 + signal.SIGINT:
        raise KeyboardInterrupt
    if ended.error is not None:
        raise ended.error
    return ended
