"""A package that not everybody has, imported where it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lrscope.core.errors import InputError, Problem
from lrscope.core.pretrained_name import in_brief


@contextmanager
def needed_package(name: str, key: str, value: str, extra: str) -> Iterator[None]:
    """The package is imported inside.

    Args:
        key, value: what was typed that needs it.
        extra: of lrscope's, which installs it.

    Raises:
        InputError: it is not installed, or cannot be imported here.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        rule = f"needs the package {name} ({error})"
        raise InputError(Problem(key, value, rule, f"Install it: pip install 'lrscope[{extra}]'.")) from error
    except Exception as error:  # a library that was built for another torch raises RuntimeError
        rule = f"needs the package {name}, which cannot be imported here ({type(error).__name__}: {in_brief(error)})"
        remedy = "Its libraries have to fit this torch: pip install -c constraints.txt keeps the torch that is there."
        raise InputError(Problem(key, value, rule, remedy)) from error
