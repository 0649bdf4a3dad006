"""``--json``: a command's answer alone on standard output; what it prints beside goes to standard error."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from lrscope.cli.tell import tell
from lrscope.core.answer import Answer
from lrscope.core.errors import Interrupted, LrscopeError
from lrscope.core.redact import redact

JSON = "--json"


@contextmanager
def json_alone() -> Iterator[Callable[[Answer], None]]:
    """While it lasts everything printed to standard output goes to standard error, that of child processes too.

    Yields:
        What prints the answer to where standard output was.
    """
    out = sys.stdout
    out.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    answers: list[Answer] = []
    try:
        yield answers.append
    finally:
        sys.stdout = out
        with suppress(OSError):
            sys.stderr.flush()
        os.dup2(kept, 1)
        os.close(kept)
        for answer in answers:
            print(answer.to_json(), flush=True)


def answered(command: Answer, ask: Callable[[], Answer]) -> int:
    """Print what is found as JSON, also where it is an error.

    Args:
        command: the answer that says nothing yet.

    Returns:
        The command's exit code.
    """
    with json_alone() as print_answer:
        try:
            answer = ask()
        except (LrscopeError, Interrupted) as error:
            answer = replace(command, exit_code=tell(error), error=redact(str(error)))
        except KeyboardInterrupt:
            answer = replace(command, exit_code=128 + signal.SIGINT, error=f"stopped by signal {int(signal.SIGINT)}")
        print_answer(answer)
    return answer.exit_code
