"""What a tracking store says is data from outside: of a command that it holds, what changes the training is believed.

Everybody who can write to a shared store can write a command into it. So a stored word sets plain values of the
training's own keys; a class that it names is of the kind that its place asks for (:mod:`lrscope.config.trusted_kinds`);
it refers to other keys, and calls no resolver. Where runs are recorded, Hydra's own configuration, folders, and what
lies outside the project are for whoever types the command.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from lrscope.config.trusted_kinds import DOTTED, kind_at, refused
from lrscope.core.errors import InputError, Problem
from lrscope.core.paths import conf_folders, project_root

FILE = "trust.yaml"
"""Beside the other YAML files: ``packages`` of the user's own whose classes a stored command may name."""

LAUNCHERS = ("together", "basic", "joblib")
"""Those that train on this machine; their settings are Hydra's own."""

ENGINES_HERE = ("local", "joblib")
"""Engines that train on this machine."""

_ELSEWHERE = ("engine", "engine_options", "workers")
"""Keys of ``sweep`` that send jobs away, or start any number of processes: as they were typed here, or not at all."""

_NOT_ITS_OWN = {
    "tracking": "where and how runs are recorded, no store decides",
    "hydra": "it sets Hydra's own configuration",
    "resume": "what is gone on with, no store decides",
    "trust": "whom to trust, no store decides",
}
_FOLDER = re.compile(r"(^|_)(dir|dirs|dirpath|folder|folders|home)$")
_OUTSIDE = re.compile(r"^\s*([/\\~]|[A-Za-z]:[/\\]|[A-Za-z][\w+.-]*://)|(^|[/\\])\.\.([/\\]|$)")
"""An absolute path, one that climbs, or an address."""
_OPTION = re.compile(r"[\w-]+(/[\w-]+)*", re.ASCII)
_REFERENCE = re.compile(r"\$\{\.*[A-Za-z_]\w*(\.\w+)*\}", re.ASCII)


@dataclass(frozen=True)
class Believed:
    """``packages`` whose classes may be named; ``own`` words, which may name files outside of the project and folders
    of YAML files, give numbers to a launcher, and choose an engine.
    """

    packages: tuple[str, ...]
    own: frozenset[str]


def about_recording(stored: Sequence[str]) -> list[str]:
    """Those of the words that say where and how runs are recorded. Commands were often typed with some, and whoever
    goes on with one decides that anew: they are left out, and nobody has to type them.
    """
    return [word for word in stored if key_of(word).partition(".")[0] == "tracking"]


def command_again(
    stored: Sequence[str], typed: Sequence[str] = (), allowed: Iterable[str] = (), own: Collection[str] = ()
) -> list[str]:
    """The words of a stored command, and what the user adds to them; of a key that both set, what the user typed.

    Args:
        stored: overrides as a store has them.
        typed: overrides of this very command line: they are believed.
        allowed: see ``check_stored_overrides``.
        own: likewise.

    Raises:
        InputError: a stored word is not believed.
    """
    said = {key_of(word) for word in typed}
    left = [word for word in stored if key_of(word) not in said]
    check_stored_overrides(left, allowed, own)
    return [*left, *typed]


def check_stored_overrides(overrides: Sequence[str], allowed: Iterable[str] = (), own: Collection[str] = ()) -> None:
    """Let a stored command be run again only where it does nothing but set the training, with classes of known kinds.

    Args:
        overrides: words of a command as a store has them.
        allowed: packages that this command line trusts, beside those of this checkout's ``trust.yaml``.
        own: words that this machine's own record of the command has, too: they may name files outside of the project,
            and give numbers to a launcher.

    Raises:
        InputError: a word is no override, or sets more than the training.
    """
    believed = Believed((*trusted_packages(), *allowed), frozenset(own))
    problems = [problem for word in overrides for problem in islice(_problems_of(word, believed), 1)]
    if problems:
        raise InputError(tuple(dict.fromkeys(problems)))


def trusted_packages() -> tuple[str, ...]:
    """The packages that this project trusts, by the file ``trust.yaml`` among its YAML files.

    Raises:
        InputError: the file says something else.
    """
    return tuple(package for folder in conf_folders() for package in packages_of(folder / FILE))


def packages_of(file: Path) -> tuple[str, ...]:
    """See ``trusted_packages``; none where there is no such file."""
    try:
        said = yaml.safe_load(file.read_text("utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, yaml.YAMLError):
        said = {"packages": "unreadable"}
    listed = said.get("packages") if isinstance(said, dict) else said
    if listed is None:
        return ()
    wrong = not isinstance(said, dict) or not isinstance(listed, list)
    if wrong or not all(isinstance(name, str) and _is_package(name) for name in listed):
        raise InputError(Problem(str(file), "", "must hold a list of packages", "Write e.g. packages: [mine]."))
    return tuple(listed)


def key_of(word: str) -> str:
    """``+model.width=3`` -> ``model.width``."""
    return word.partition("=")[0].lstrip("+~")


def _is_package(name: str) -> bool:
    return DOTTED.fullmatch(f"{name}.x") is not None


def _problems_of(word: str, believed: Believed) -> Iterator[Problem]:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        if word.startswith("--config-") and word in believed.own:
            return
        if word.startswith("--config-"):
            rule = "names YAML files, which no store decides, and this machine has no record of the command"
            yield Problem("stored override", word, rule, f"Where they are yours, type it: {word}")
            return
        if word.startswith("-"):
            raise ValueError
        override = OverridesParser.create().parse_override(word)
    except (HydraException, ValueError, RecursionError):
        remedy = "Type the command yourself, with resume=ID."
        yield Problem("stored override", word, "is no override of the configuration", remedy)
        return
    key = override.key_or_group
    root = re.split(r"[./]", key)[0]
    if override.package is not None:
        yield _problem(word, "names a place of its own in the configuration")
    elif key == "hydra/launcher" and override.value() in LAUNCHERS:
        return
    elif key.startswith("hydra.launcher.") and word in believed.own and isinstance(override.value(), int):
        return  # how many workers there are, as it was typed here
    elif root in _NOT_ITS_OWN:
        yield _problem(word, _NOT_ITS_OWN[root])
    else:
        for place, value in _leaves(key.split("."), _plain(override.value())):
            yield from _problems_of_leaf(word, place, value, believed)


def _plain(value: Any) -> Any:
    """The value of an override, or all that a sweep of Hydra's takes it through."""
    from hydra.core.override_parser.types import Glob, IntervalSweep, QuotedString, RangeSweep, Sweep

    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, Glob | IntervalSweep | RangeSweep):
        return None  # options of a group, or numbers
    if isinstance(value, Sweep):
        return [_plain(item) for item in getattr(value, "list", ())]
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _leaves(place: Sequence[str], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each plain value with the keys that lead to it; the items of a list stand where the list does."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves([*place, *str(key).split(".")], item)
        if not value:
            yield tuple(place), None
    elif isinstance(value, list):
        for item in value or [None]:
            yield from _leaves(place, item)
    else:
        yield tuple(part for part in place if not part.isdecimal()), value


def _problems_of_leaf(word: str, place: tuple[str, ...], value: Any, believed: Believed) -> Iterator[Problem]:
    last = place[-1] if place else ""
    if place[:1] == ("sweep",) and "".join(place[1:2]) in _ELSEWHERE and word not in believed.own:
        if place[1:] != ("engine",) or value not in ENGINES_HERE:
            yield _problem(word, "says where members train, which no store may")
        return
    if any(part.startswith("_") and part != "_target_" for part in place) or "_target_" in place[:-1]:
        yield _problem(word, "says how something is made, which no store may")
    elif last == "_target_":
        if value is not None:
            yield from _problems_of_target(word, place[:-1], str(value), believed.packages)
    elif _FOLDER.search(last):
        yield _problem(word, "names a folder, which no store may")
    elif isinstance(value, str):
        if ("${" in value and "${" in _REFERENCE.sub("", value)) or re.search(r"\$\{\.*(hydra|tracking)\b", value):
            yield _problem(word, "refers to more than other keys of the training")
        elif _OUTSIDE.search(value) and not (word in believed.own or _is_below_the_root(value)):
            yield _problem(word, "leads out of this project")
        elif len(place) == 1 and place[0] == "experiment" and not _OPTION.fullmatch(value):
            yield _problem(word, "is no option of conf/experiment")


def _problems_of_target(word: str, place: Sequence[str], target: str, packages: Sequence[str]) -> Iterator[Problem]:
    kind = kind_at(place)
    if kind is None:
        yield _problem(word, "names a class where plain values are taken")
    elif why := refused(target, kind, packages):
        if not why.to_trust:
            yield _problem(word, f"{target} {why.rule}")
            return
        line = f"packages: [{', '.join(dict.fromkeys([*packages, why.to_trust]))}]"
        remedy = f"If you trust it: write {line} into conf/{FILE}, or give --trust {why.to_trust}."
        yield Problem("stored override", word, f"{target} {why.rule}", remedy)


def _is_below_the_root(value: str) -> bool:
    """Whether it is a whole path into this project: lrscope itself writes those down for relative ones."""
    if not value.startswith("/") or ".." in Path(value).parts:
        return False
    return Path(os.path.realpath(value)).is_relative_to(os.path.realpath(project_root()))


def _problem(word: str, rule: str) -> Problem:
    remedy = f"If it is right, type it yourself, behind the command: {shlex.quote(word)}"
    return Problem("stored override", word, rule, remedy)
