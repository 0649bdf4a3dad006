"""The training of a stored run once more, in a process of its own; on demand in the code of its commit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lrscope.core.errors import InputError, LrscopeError, Problem
from lrscope.core.paths import checkout, is_checkout, resolve
from lrscope.lifecycle.recorded import Recorded

_RUN = re.compile(r"MLflow run ([0-9a-f]{32})")
"""What a lone run tells the terminal at its end."""


def train_again(program: Sequence[str], words: Sequence[str], store: str, more: Mapping[str, str]) -> str:
    """Train a run, its output shown as it comes.

    Args:
        program: what is run by this Python.
        words: overrides; each has been checked, or typed by the user.
        store: its address, which goes by the environment: it may hold a password.
        more: variables of its environment.

    Returns:
        MLflow's id of the new run.

    Raises:
        LrscopeError: it did not come to its end, or is not in the store; what it said was shown.
    """
    environment = {**os.environ, "MLFLOW_TRACKING_URI": store, **more}
    command = [sys.executable, *program, *words]
    found = None
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            found = _RUN.search(line) or found
    if found is None:
        raise LrscopeError(f"the training ended with {process.returncode} and left no run to compare")
    return found[1]


@contextmanager
def code_of(run: Recorded, with_difference: bool) -> Iterator[Path]:
    """A working tree of the run's commit, for as long as this lasts.

    Args:
        with_difference: also what was not committed. It is code that the store gives: the user has asked for it.

    Raises:
        InputError: this is no git checkout, or does not have the commit; the difference does not fit it.
    """
    if not is_checkout():
        raise _refused(run, "lrscope is installed here, and not run from a checkout", "Leave --code out.")
    if not run.commit or _git("cat-file", "-e", f"{run.commit}^{{commit}}"):
        rule = f"this repository has no commit {run.commit[:12] or 'of it'}"
        raise _refused(run, rule, "Fetch it (git fetch), or leave --code out.")
    with tempfile.TemporaryDirectory(prefix="lrscope-code-") as folder:
        tree = Path(folder) / "tree"
        if why := _git("worktree", "add", "--detach", str(tree), run.commit):
            raise _refused(run, f"git cannot make a working tree of it ({why})", "Leave --code out.")
        try:
            if with_difference and run.difference:
                patch = Path(folder) / "git.diff"
                patch.write_text(run.difference)
                if why := _git("apply", str(patch), at=tree):
                    raise _refused(run, f"its git.diff does not fit its commit ({why})", "Leave --diff out.")
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def environment_of(tree: Path) -> dict[str, str]:
    """Variables with which a Python finds the code and the YAML files of a working tree, and not those here."""
    path = os.pathsep.join(part for part in (str(tree / "src"), os.environ.get("PYTHONPATH", "")) if part)
    return {"PYTHONPATH": path, "LRSCOPE_ROOT": str(tree)}


def words_in(config: Mapping[str, object], spool: str = "outputs/spool") -> list[str]:
    """Words that have a training in another folder find the data and the journals of this one.

    Args:
        config: of the run, as data: relative paths of its data set are meant from here.
    """
    dataset = config.get("dataset")
    paths = dataset if isinstance(dataset, Mapping) else {}
    data = [
        f"dataset.{key}='{resolve(value)}'"
        for key in ("path", "val_path", "targets_path")
        if isinstance(value := paths.get(key), str) and not Path(value).is_absolute()
    ]
    return [*data, f"tracking.spool='{resolve(spool)}'"]


def _git(*arguments: str, at: Path | None = None) -> str:
    """Empty where it went well, else the first line of why not."""
    command = ["git", "-C", str(at or checkout()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return (done.stderr.strip() or "git failed").splitlines()[0] if done.returncode else ""


def _refused(run: Recorded, rule: str, remedy: str) -> InputError:
    return InputError(Problem("reproduce", run.run_id, rule, remedy))
