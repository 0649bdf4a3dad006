"""What a tracking store says is data from outside: the classes it names must be of packages that are trusted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lrscope.core.errors import InputError, Problem

TRUSTED_PACKAGES = ("torch", "pytorch_lightning", "lrscope")

_OVERRIDE = re.compile(r"[+~]{0,2}[A-Za-z_][\w./@:-]*(=.*)?", re.DOTALL)
_TARGET = re.compile(r"_target_['\"]?\s*[:=]\s*['\"]?([\w.]+)")


def check_stored_overrides(overrides: Sequence[str], allowed: Iterable[str] = ()) -> None:
    """Let a stored command be run again only where it does nothing but set the configuration, with known classes.

    Args:
        overrides: words of a command as a store has them.
        allowed: packages that the user trusts beside :data:`TRUSTED_PACKAGES`.

    Raises:
        InputError: a word is an option of the command line and no override, sets Hydra's own configuration, or names
            a class (``_target_``) of another package.
    """
    trusted = (*TRUSTED_PACKAGES, *allowed)
    problems = []
    for override in overrides:
        key = override.partition("=")[0].lstrip("+~")
        if not _OVERRIDE.fullmatch(override):
            problems.append(_problem(override, "is no override of the configuration"))
        elif key.startswith("hydra") and not key.startswith(("hydra/launcher", "hydra.launcher.")):
            problems.append(_problem(override, "sets Hydra's own configuration"))
        else:
            foreign = [name for name in _TARGET.findall(override) if name.split(".")[0] not in trusted]
            problems += [_problem(name, "is a class of a package that is not trusted") for name in foreign]
    if problems:
        raise InputError(problems)


def _problem(value: str, rule: str) -> Problem:
    remedy = "If you trust the store: name its package with --trust, or type the command yourself with resume=ID."
    return Problem("stored override", value, rule, remedy)
