"""Passwords and tokens never reach a param, a tag, a log line or an artifact."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

HIDDEN = "***"

_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)[^/?#\s'\"]*@")
_QUERY = re.compile(
    r"(?P<name>[?&;][^=&;#\s]*(?:token|passw|pwd|secret|key|signature|credential|auth)[^=&;#\s]*=)[^&;#\s'\"]+",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(r"token|passw|pwd|secret|api_?key|access_?key|private_?key|credential", re.IGNORECASE)
_SHORTEST = 8


def redact(text: str) -> str:
    """``text`` without the user and password of any URI in it, without token-like query values, and without
    the value of any environment variable whose name says that it is a secret.

    What is no text (lone surrogates) becomes ``?``.
    """
    return redactor()(text)


def redactor() -> Callable[[str], str]:
    """``redact`` for many texts in a row: the environment is looked through once."""
    secrets = _environment_secrets()

    def redacted(text: str) -> str:
        if "://" in text:
            text = _QUERY.sub(rf"\g<name>{HIDDEN}", _USERINFO.sub(rf"\g<scheme>{HIDDEN}@", text))
        for value in secrets:
            if value in text:
                text = text.replace(value, HIDDEN)
        return text.encode(errors="replace").decode()

    return redacted


def _environment_secrets() -> list[str]:
    """Values worth hiding, longest first; very short ones would blank out ordinary words."""
    found = {v for k, v in os.environ.items() if _SECRET_NAME.search(k) and len(v) >= _SHORTEST}
    return sorted(found, key=len, reverse=True)
