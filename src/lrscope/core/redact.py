"""Passwords and tokens never reach a param, a tag, a log line or an artifact."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

HIDDEN = "***"

_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*\\?://)[^/?#\s'\"]*@")
"""Hydra writes a backslash before the colon where it quotes a sweep's overrides."""
_QUERY = re.compile(
    r"(?P<name>[?&;][^=&;#\s]*(?:token|passw|pwd|secret|key|signature|credential|auth)[^=&;#\s]*=)[^&;#\s'\"]+",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET_WORD = re.compile(
    r"(?:.*(?:password|passwd|passphrase)|(?:auth|access|api)?tokens?|pwd|(?:api)?secrets?|credentials?|apikey)"
)
_KEYS = ("api", "access", "private", "secret", "encryption", "signing")
"""What makes a key one that must not be shown."""
_SHORTEST = 8


def redact(text: str) -> str:
    """``text`` without the user and password of any URI in it, without token-like query values, and without
    the value of any environment variable whose name says that it is a secret.

    What is no text (lone surrogates) becomes ``?``.
    """
    return redactor()(text)


def redact_uri(uri: str) -> str:
    """A URI without its user, password and tokens: the same in whatever environment, so that stores are told apart."""
    shown = _QUERY.sub(rf"\g<name>{HIDDEN}", _USERINFO.sub(rf"\g<scheme>{HIDDEN}@", uri))
    return shown.encode(errors="replace").decode()


def holds_a_password(uri: str) -> bool:
    """Whether what ``redact_uri`` hides is a password or a token, and not a user's name alone."""
    userinfo = _USERINFO.match(uri)
    return bool(_QUERY.search(uri)) or (userinfo is not None and ":" in userinfo[0].partition("://")[2])


def redact_tree(value: Any) -> Any:
    """Plain nested data with every text in it redacted: written as YAML afterwards, it stays YAML."""
    if isinstance(value, Mapping):
        return {key: redact_tree(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact_tree(inner) for inner in value]
    return redact(value) if isinstance(value, str) else value


def redactor() -> Callable[[str], str]:
    """``redact`` for many texts in a row: the environment is looked through once."""
    secrets = _environment_secrets()

    def redacted(text: str) -> str:
        if "://" in text:
            text = redact_uri(text)
        for value in secrets:
            if value in text:
                text = text.replace(value, HIDDEN)
        return text.encode(errors="replace").decode()

    return redacted


def _environment_secrets() -> list[str]:
    """Values worth hiding, longest first; very short ones would blank out ordinary words."""
    found = {v for k, v in os.environ.items() if len(v) >= _SHORTEST and _names_a_secret(k) and not _is_a_place(v)}
    return sorted(found, key=len, reverse=True)


def _names_a_secret(name: str) -> bool:
    """By whole words: ``MYSQL_PWD`` and ``apiKey`` do, ``OLDPWD`` and ``TOKENIZERS_PARALLELISM`` do not."""
    if name == "PWD":
        return False  # every shell's name for the working folder
    words = [word.lower() for word in _WORD.findall(name)]
    return any(_SECRET_WORD.fullmatch(word) for word in words) or any(
        one in _KEYS and other == "key" for one, other in pairwise(words)
    )


def _is_a_place(value: str) -> bool:
    """Whether it is a path that exists, or a list of such: where a secret lies is none."""
    paths = [Path(part) for part in value.split(os.pathsep)]
    try:
        return all(path.expanduser().is_absolute() and path.expanduser().exists() for path in paths)
    except (OSError, RuntimeError, ValueError):  # too long for a name; ~somebody
        return False
