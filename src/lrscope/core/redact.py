"""Passwords and tokens never reach a param, a tag, a log line or an artifact."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"

_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*\\?://)[^/?#\s'\"]*@")
"""Hydra writes a backslash before the colon where it quotes a sweep's overrides."""
_DATABASE = re.compile(
    r"(?P<scheme>\b(?:postgres(?:ql)?|psql|mysql|mariadb|mssql|oracle)(?:\+\w+)?\\?://)(?P<rest>[^\s'\"]*)@",
    re.IGNORECASE,
)
"""SQLAlchemy takes everything up to the ``@`` for the password, a slash or a question mark too."""
_WHOLE_DATABASE = re.compile(_DATABASE.pattern.replace(r"[^\s'\"]*", ".*"), re.IGNORECASE | re.DOTALL)
_QUERY = re.compile(r"(?P<name>[?&;][^=&;#\s'\"\\]*)(?P<is>\\?=)(?P<value>\{[^}]*\}|[^&;#\s'\"]+)")
_ODBC = re.compile(r"(?P<name>;\s*(?:pwd|password)\s*=\s*)(?:\{[^}]*\}|[^;\s'\"/]+)", re.IGNORECASE)
_PARAMETER = re.compile(r"token|passw|pwd|secret|key|signature|credential|auth|odbc_connect|^pass$|^pw$", re.IGNORECASE)
_GIVEN = re.compile(
    r"(?P<name>\b[A-Za-z_][\w.-]*)(?P<is>['\"]?\s*(?:\\?=|:)\s*)(?P<value>'[^']*'|\"[^\"]*\"|[^\s'\",;&]+)"
)
"""``PGPASSWORD=secret``, ``host=db password='a b'``, ``"password": "secret"``."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PASSWORD_WORD = re.compile(r".*(?:password|passwd|passphrase)|pwd")
_SECRET_WORD = re.compile(r"(?:auth|access|api)?tokens?|(?:api)?secrets?|credentials?|apikey")
_KEYS = ("api", "access", "private", "secret", "encryption", "signing")
"""What makes a key one that must not be shown."""
_SHORTEST = 8
_HYDRAS_SPECIAL = re.compile(r"([\\()\[\]{}:=, \t])")


def redact(text: str, assigned: bool = True) -> str:
    """``text`` without the user and password of any URI in it, without passwords and token-like values that are given
    a name in it, and without the value of any environment variable whose name says that it is a secret, or the password
    of an address in one.

    What is no text (lone surrogates) becomes ``?``.

    Args:
        assigned: also what is given a name in it (``password=…``); not in code, where that is a variable.
    """
    return redactor(assigned)(text)


def redact_uri(uri: str) -> str:
    """A URI without its user, password and tokens: the same in whatever environment, so that stores are told apart."""
    return redact_addresses(_WHOLE_DATABASE.sub(rf"\g<scheme>{HIDDEN}@", uri))


def redact_addresses(text: str) -> str:
    """A text without the users, passwords and tokens of the URIs in it."""
    if "://" in text:
        text = _DATABASE.sub(rf"\g<scheme>{HIDDEN}@", text)
        text = _USERINFO.sub(rf"\g<scheme>{HIDDEN}@", text)
        text = _QUERY.sub(_without_secret_parameter, text)
    if ";" in text:
        text = _ODBC.sub(rf"\g<name>{HIDDEN}", text)
    return text.encode(errors="replace").decode()


def _without_secret_parameter(found: re.Match[str]) -> str:
    is_secret = _PARAMETER.search(unquote_plus(found["name"][1:]))
    return f"{found['name']}{found['is']}{HIDDEN}" if is_secret else found[0]


def holds_a_password(uri: str) -> bool:
    """Whether what ``redact_uri`` hides is a password or a token, and not a user's name alone."""
    userinfo = _WHOLE_DATABASE.search(uri) or _USERINFO.search(uri)
    given = any(_without_secret_parameter(found) != found[0] for found in _QUERY.finditer(uri))
    return given or (userinfo is not None and ":" in userinfo[0].partition("://")[2])


def names_a_password(name: str) -> bool:
    """By whole words: ``PGPASSWORD``, ``db.password``, ``MYSQL_PWD``; not every shell's ``PWD``."""
    return name not in ("PWD", "OLDPWD") and any(_PASSWORD_WORD.fullmatch(word) for word in _words(name))


def redact_tree(value: Any) -> Any:
    """Plain nested data with every text in it redacted: written as YAML afterwards, it stays YAML."""
    if isinstance(value, Mapping):
        return {key: redact_named(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact_tree(inner) for inner in value]
    return redact(value) if isinstance(value, str) else value


def redact_named(name: str, value: Any) -> Any:
    """The value of a key: nothing of it where the key says that it is a password."""
    return HIDDEN if isinstance(value, str) and value and names_a_password(name) else redact_tree(value)


def redactor(assigned: bool = True) -> Callable[[str], str]:
    """``redact`` for many texts in a row: the environment is looked through once."""
    secrets = _environment_secrets()

    def redacted(text: str) -> str:
        text = redact_addresses(text)
        for value in secrets:
            if value in text:
                text = text.replace(value, HIDDEN)
        if assigned and ("=" in text or ":" in text):
            text = _GIVEN.sub(_without_given_password, text)
        return text

    return redacted


def _without_given_password(found: re.Match[str]) -> str:
    if not names_a_password(found["name"]) or _is_a_place(found["value"]):
        return found[0]
    mark = found["value"][0] if found["value"][0] in "'\"" else ""
    return f"{found['name']}{found['is']}{mark}{HIDDEN}{mark}"


def redacted_traceback(error: BaseException) -> str:
    """The traceback as Python tells it, without the secrets that an error of a driver's may hold."""
    return redact("".join(traceback.format_exception(error)))


def keep_secrets_out_of_tracebacks() -> None:
    """From now on also what nobody catches, in whatever thread, is told without secrets."""
    sys.excepthook = lambda _kind, error, _trace: print(redacted_traceback(error), end="", file=sys.stderr)
    threading.excepthook = lambda told: print(
        redacted_traceback(told.exc_value) if told.exc_value is not None else told.exc_type, end="", file=sys.stderr
    )


def _environment_secrets() -> list[str]:
    """Values worth hiding in every spelling, longest first; very short ones would blank out ordinary words."""
    named = {value for name, value in os.environ.items() if _names_a_secret(name) and not _is_a_place(value)}
    within = {password for value in os.environ.values() if "://" in value for password in _passwords_of(value)}
    spelt = {one for value in named | within if len(value) >= _SHORTEST for one in _spellings(value)}
    return sorted(spelt, key=len, reverse=True)


def _passwords_of(uri: str) -> Iterator[str]:
    userinfo = _WHOLE_DATABASE.search(uri) or _USERINFO.search(uri)
    user, _, password = userinfo[0].partition("://")[2][:-1].partition(":") if userinfo is not None else ("", "", "")
    if password != user:
        yield from (password, unquote(password))
    for found in _QUERY.finditer(uri):
        if _without_secret_parameter(found) != found[0]:
            yield from (found["value"], unquote_plus(found["value"]))


def _spellings(value: str) -> set[str]:
    escaped = _HYDRAS_SPECIAL.sub(r"\\\1", value)
    return {value, quote(value), quote(value, safe=""), quote_plus(value), escaped, json.dumps(value)[1:-1]}


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _names_a_secret(name: str) -> bool:
    """By whole words: ``MYSQL_PWD`` and ``apiKey`` do, ``OLDPWD`` and ``TOKENIZERS_PARALLELISM`` do not."""
    words = _words(name)
    return (
        names_a_password(name)
        or any(_SECRET_WORD.fullmatch(word) for word in words)
        or any(one in _KEYS and other == "key" for one, other in pairwise(words))
    )


def _is_a_place(value: str) -> bool:
    """Whether it is a path that exists, or a list of such: where a secret lies is none."""
    paths = [Path(part) for part in value.split(os.pathsep)]
    try:
        return all(path.expanduser().is_absolute() and path.expanduser().exists() for path in paths)
    except (OSError, RuntimeError, ValueError):  # too long for a name; ~somebody
        return False
