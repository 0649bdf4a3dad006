"""What an error of the store means: try again later, or never; and how long to wait in between."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from lrscope.core.errors import NotConfirmed

_PERMANENT_CODES = {
    "INVALID_PARAMETER_VALUE",
    "RESOURCE_DOES_NOT_EXIST",
    "RESOURCE_ALREADY_EXISTS",
    "BAD_REQUEST",
}
_STATUS = re.compile(r"failed with error code (\d{3})")
# Not the event's fault: log in again, wait, or look at the proxy.
_TRANSIENT_STATUSES = {401, 403, 404, 407, 408, 425, 429}


def is_refusal(error: Exception) -> bool:
    """Whether the store said no to this very content, so that sending it again is pointless.

    Everything else (no connection, a time-out, a password, a 500, a locked database) may pass.
    """
    from mlflow.exceptions import MlflowException

    if not isinstance(error, MlflowException):
        return False
    if status := _STATUS.search(str(error)):
        code = int(status[1])
        return 400 <= code < 500 and code not in _TRANSIENT_STATUSES
    return error.error_code in _PERMANENT_CODES


def is_disbelieved(error: BaseException | None) -> bool:
    """Whether the store answered something else than it was asked: what does not parse as an answer, too."""
    garbled = "not in a valid JSON format" in str(error) or type(error).__name__ in ("JSONDecodeError", "ParseError")
    return isinstance(error, NotConfirmed) or (error is not None and garbled)


@dataclass
class Backoff:
    """Seconds to wait after the n-th failure in a row: 0.5, 1, 2, 4 … ``longest``, each up to a quarter
    shorter by chance.
    """

    first: float = 0.5
    longest: float = 30.0
    failures: int = 0

    def failed(self) -> float:
        wait = min(self.longest, self.first * 2.0 ** min(self.failures, 20))
        self.failures += 1
        return wait * random.uniform(0.75, 1.0)

    def succeeded(self) -> None:
        self.failures = 0
