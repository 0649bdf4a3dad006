"""Runs a command in this process group, and ends the group when whoever started it ends, by SIGKILL too.

A program of its own, without any of lrscope's: ``python -S ends_with_parent.py COMMAND …``. Its standard input is a
pipe of which the starter holds the other end, which the system closes with the starter.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

PATIENCE_S = 5.0


def _end_with_starter() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGTERM)
    time.sleep(PATIENCE_S)
    os.killpg(0, signal.SIGKILL)


def main() -> int:
    with subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL) as server:
        signal.signal(signal.SIGTERM, lambda *_: None)  # the group was told to end: the server does, and this after it
        threading.Thread(target=_end_with_starter, daemon=True).start()
        code = server.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
