"""What a run is recorded to have run in: Python and its packages, and the code that no commit has."""

from __future__ import annotations

import platform
import subprocess
import sys
from functools import cache
from importlib import metadata

from lrscope.core.paths import checkout


@cache
def environment() -> str:
    """Python, platform and the version of every installed package, one a line."""
    packages = sorted({f"{dist.name}=={dist.version}" for dist in metadata.distributions()}, key=str.lower)
    return "\n".join([f"# python {sys.version.split()[0]}, {platform.platform()}", *packages, ""])


_AS_GIT_APPLY_READS_IT = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-relative")
_PREFIXES = ("--src-prefix=a/", "--dst-prefix=b/")
"""Whatever form its user has chosen for differences that a person reads (diff.noprefix, color.ui, a program)."""


@cache
def uncommitted_changes() -> str:
    """What the working tree has that its last commit has not; empty where it is clean or no git repository.

    What is not UTF-8 in it, a file of another encoding, is shown as ``\\xe9``.
    """
    try:
        done = subprocess.run(
            ["git", "diff", *_AS_GIT_APPLY_READS_IT, *_PREFIXES, "HEAD"],
            cwd=checkout(),
            capture_output=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="backslashreplace")
