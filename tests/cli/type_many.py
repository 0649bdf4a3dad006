"""Types many commands into one process, so that torch is imported once: ``python type_many.py COMMANDS``.

COMMANDS is a file of JSON: a list of lists of words. Prints a JSON list of ``{"code", "err"}``.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import traceback
from pathlib import Path

from lrscope.cli.main import main


def typed(words: list[str]) -> dict[str, object]:
    sys.argv = ["train.py", *words]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code: object = main()
        except BaseException:
            code = "raised"
            traceback.print_exc()
    return {"code": code, "err": err.getvalue(), "out": out.getvalue()}


if __name__ == "__main__":
    commands = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps([typed(words) for words in commands]))
