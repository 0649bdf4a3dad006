"""Who started a run and from which code, in MLflow's own tags; gathered without MLflow, so that it works
offline too.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from lrscope.core.paths import checkout, project_root
from lrscope.tracking.liveness.process import this_process

ORIGIN = "lrscope.origin"
"""Tag: a hash of machine, user and project's root, which tells a checkout's runs from others' in a shared store."""


@lru_cache(maxsize=1)
def origin_tags() -> dict[str, str]:
    tags = {"mlflow.source.type": "LOCAL", "mlflow.source.name": Path(sys.argv[0] or sys.executable).name}
    with contextlib.suppress(KeyError, OSError):  # a user id without a name, as in some containers
        tags["mlflow.user"] = getpass.getuser()
    place = (this_process().machine, tags.get("mlflow.user", ""), str(project_root()))
    tags[ORIGIN] = hashlib.sha256("\0".join(place).encode()).hexdigest()[:16]
    if commit := _git("rev-parse", "HEAD"):
        tags["mlflow.source.git.commit"] = commit
        if (branch := _git("rev-parse", "--abbrev-ref", "HEAD")) not in ("", "HEAD"):
            tags["mlflow.source.git.branch"] = branch
    return tags


def _git(*arguments: str) -> str:
    try:
        command = ("git", "-C", str(checkout()), *arguments)
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=5, check=False
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
