"""What the other tools say of files: run by the Python of their own environment, which has no lrscope.

    python ask_rivals.py FILE.csv …      prints JSON: tool -> file -> whether it calls the run failed

Each at the level that it calls an error: gradsnitch ``error``, runmedic ``critical``, trainproof ``FAIL``.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable


def gradsnitch(file: str) -> bool:
    from gradsnitch import lint_csv

    return any(finding.severity == "error" for finding in lint_csv(file))


def runmedic(file: str) -> bool:
    from runmedic.cli import main

    return main(["diagnose", file, "--fail-on", "critical"]) == 1


def trainproof(file: str) -> bool:
    from trainproof.cli import main

    sys.argv = ["trainproof", "epoch", file]
    try:
        code = main()
    except SystemExit as ended:
        code = ended.code
    return code == 1


TOOLS: dict[str, Callable[[str], bool]] = {
    "gradsnitch": gradsnitch,
    "runmedic": runmedic,
    "trainproof": trainproof,
}


def said(tool: Callable[[str], bool], file: str) -> bool | str:
    """The answer; in words what broke where the tool did."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            return tool(file)
        except BaseException as error:
            return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    files = sys.argv[1:]
    print(json.dumps({name: {file: said(tool, file) for file in files} for name, tool in TOOLS.items()}))
