"""Train a stored run again, as a new run, and compare every recorded number and the final weights with it.

Config, code, packages and data are taken from the store alone; what differs here is told, key by key. The exit code is
3 where the numbers differ by more than rounding explains. What a store says is not believed blindly: see docs/trust.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Any

from lrscope.cli.commands.command_parser import CommandParser, config_search
from lrscope.cli.tell import print_aside
from lrscope.core.errors import InputError, Problem

if TYPE_CHECKING:
    from lrscope.lifecycle.recorded import Recorded
    from lrscope.lifecycle.same_numbers import First, Sameness

DIFFERS = 3
MOST = 20


def main(words: Sequence[str], prog: str | None) -> int:
    """0 where the numbers are the same, or within rounding; 3 where they are not; 2 where it cannot be tried."""
    parser = CommandParser(prog=prog, description=__doc__)
    parser.add_argument("given", nargs="+", metavar="RUN", help="id of a run or of a member; and KEY=VALUE …")
    parser.add_argument("--code", action="store_true", help="train in a working tree of the run's commit")
    parser.add_argument(
        "--diff", action="store_true", help="with --code: and with its git.diff, which is code: read it"
    )
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    parser.add_argument("--trust", action="append", default=[], metavar="PACKAGE", help="its classes may be named too")
    parser.add_config_search()
    arguments = parser.parse_args(words)
    typed = [word for word in arguments.given if "=" in word or word.startswith("~")]
    wanted = [word for word in arguments.given if word not in typed]
    typed = [*config_search(arguments), *typed]
    if len(wanted) != 1:
        raise InputError(Problem("reproduce", " ".join(wanted), "one run at a time", "Give the id of one."))
    if arguments.diff and not arguments.code:
        rule = "puts the run's git.diff into a working tree of its commit, which only --code makes"
        raise InputError(Problem("--diff", "", rule, "Type --code --diff."))
    from lrscope.core.paths import find_the_users_modules
    from lrscope.lifecycle.recorded import REPRODUCES, recorded
    from lrscope.report.data.connect import connect

    find_the_users_modules()
    client = connect(arguments.uri)
    run = recorded(client, wanted[0])
    _tell_differences("packages and code that differ here", _surroundings(run))
    if run.difference and arguments.code and not arguments.diff:
        print_aside("it had changes that were not committed: its artifact git.diff. Read it, then --code --diff.")
    new = _trained(client, run, _words(run, typed, arguments.trust, not arguments.code), arguments)
    client.set_tag(new, REPRODUCES, run.run_id)
    return _compared(client, run, new)


def _words(run: Recorded, typed: list[str], trusted: list[str], adjust: bool) -> list[str]:
    """The words of the new command.

    Args:
        adjust: set what composes to something else here to what the run had.

    Raises:
        InputError: a word is not believed, or the data here is another.
    """
    from lrscope.config.trust import about_recording, check_stored_overrides, command_again
    from lrscope.core.from_store import whole
    from lrscope.core.paths import resolve
    from lrscope.lifecycle.differences import config_differences, words_for
    from lrscope.tracking.typed_here import typed_here
    from lrscope.training import build

    left_out = about_recording(run.overrides)
    stored = [word for word in run.overrides if word not in left_out and not word.startswith("resume=")]
    own = typed_here(resolve("outputs/spool"), run.local_id, run.sweep)
    again = command_again(stored, typed, trusted, own)
    if adjust:  # in the code of its commit there is nothing to adjust, and its words need not compose here
        cfg = _composed(again)
        said = {word.partition("=")[0].lstrip("+~") for word in typed}
        differ = [found for found in config_differences(run, build.resolved(cfg)) if found[0] not in said]
        changes = words_for(differ)
        check_stored_overrides(changes, trusted, own)
        _tell_differences("keys that compose to something else here; set to what the run had", (d for *_, d in differ))
        again = [*again, *changes]
        _check_data(run, build.source(_composed(again) if changes else cfg).digest)
    every = whole((run.config.get("tracking") or {}).get("every_n_steps"), low=1)
    return [*again, *([f"tracking.every_n_steps={every}"] if every is not None else [])]


def _composed(words: list[str]) -> Any:
    """The config of a lone run by these words.

    Raises:
        InputError: they do not compose here.
    """
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    from lrscope.cli.conf_search import search_of
    from lrscope.config import schema
    from lrscope.config.explain import REFUSALS, first_line
    from lrscope.config.overrides import run_config

    schema.register()
    GlobalHydra.instance().clear()
    folder, name, overrides = search_of(words)
    try:
        with initialize_config_dir(config_dir=folder, version_base="1.3"):
            return run_config(compose(name, overrides), overrides)
    except REFUSALS as error:
        rule = f"its command does not compose here ({first_line(error)})"
        raise InputError(Problem("reproduce", "", rule, "Set the key yourself, or use --code.")) from None


def _check_data(run: Recorded, digest: str) -> None:
    if run.data and digest != run.data:
        rule = f"the data here is another: digest {digest}, the run's {run.data}"
        raise InputError(Problem("dataset", "", rule, "Bring back what it was, or say where it lies: dataset.path=…"))


def _trained(client: Any, run: Recorded, words: list[str], arguments: argparse.Namespace) -> str:
    from lrscope.lifecycle.train_again import code_of, environment_of, train_again, words_in

    words = [*words, f"experiment_name='{run.experiment}'"]
    with code_of(run, arguments.diff) if arguments.code else nullcontext() as tree:
        if tree is None:
            return train_again(["-m", "lrscope.cli"], words, client.tracking_uri, {})
        own = [
            word for word in words_in(run.config) if word.partition("=")[0] not in {w.partition("=")[0] for w in words}
        ]
        return train_again([str(tree / "train.py")], [*words, *own], client.tracking_uri, environment_of(tree))


def _compared(client: Any, run: Recorded, new: str) -> int:
    """Print what came of it; the exit code."""
    from lrscope.lifecycle.same_numbers import over_seeds, same_numbers

    found = same_numbers(client, run.run_id, new)
    print(f"\n{run.name} again: {new} beside {run.run_id}")
    if found.equal:
        print(f"all {found.losses:,} losses{_and_weights(found)} equal, bit for bit ({found.points:,} points in all)")
        return 0
    first = found.first
    if first is not None:
        print(f"first differs: {_at(first)}")
    if found.weights is not None:
        print(f"final weights: {found.weights:.2g} of their norm apart" if found.weights else "final weights: equal")
    if found.within_rounding:
        batched = "; it was trained in one model with others, which rounds otherwise" if run.batched else ""
        print(f"{found.losses:,} losses within rounding, 4 units in the last place a step{batched}")
        return 0
    if found.beyond is not None:
        print(f"beyond rounding: {_at(found.beyond)}")
    print(over_seeds(client, run.run_id, new) or "no other seeds to compare the difference with")
    return DIFFERS


def _and_weights(found: Sameness) -> str:
    return " and the final weights" if found.weights is not None else " (a run left no weights)"


def _at(first: First) -> str:
    return f"{first.metric} at step {first.step}: {first.then!r}, now {first.now!r} ({abs(first.now - first.then):.2g})"


def _surroundings(run: Recorded) -> Iterable[object]:
    from lrscope.lifecycle.differences import code_differences, environment_differences

    yield from code_differences(run)
    yield from environment_differences(run)


def _tell_differences(heading: str, differences: Iterable[object]) -> None:
    found = list(differences)
    if found:
        print(f"{heading}:", *(f"  {one}" for one in islice(found, MOST)), sep="\n")
        if len(found) > MOST:
            print(f"  … {len(found) - MOST} more")
