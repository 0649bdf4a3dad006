"""Who may come in: names and passwords from a file, kept by MLflow's own plugin for basic authentication.

The file has a line ``name:password`` for each user; the first is the administrator. MLflow keeps hashes of them in
``accounts.db`` of the server's folder, so the file is needed at a start only where somebody is new or a password
changed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import requests

from lrscope.core.errors import InputError, LrscopeError, Problem
from lrscope.server.team_folder import ServerSettings, TeamFolder, write_privately

SHORTEST_PASSWORD = 12
"""Characters: MLflow's own rule."""
REMEMBERED_S = 60
"""For how long a worker takes a password that was right for right, without computing its hash again."""


@dataclass(frozen=True)
class Account:
    name: str
    password: str

    def __repr__(self) -> str:
        return f"Account({self.name!r})"  # a password is never shown


def read_accounts(file: Path) -> tuple[Account, ...]:
    """The users of a file, the administrator first.

    Raises:
        InputError: it cannot be read, others may read it, or a line is none.
    """
    key = "--users"
    try:
        mode, lines = file.stat().st_mode, file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(key, str(file), "cannot be read", "Name a file of lines NAME:PASSWORD.")) from error
    if mode & 0o077:
        raise InputError(Problem(key, str(file), "others on this machine may read it", f"chmod 600 {file}"))
    found: list[Account] = []
    for number, text in enumerate(lines, 1):
        if not text.strip() or text.startswith("#"):
            continue
        name, colon, password = text.partition(":")
        rule = None
        if not colon or not name.strip():
            rule = "must be NAME:PASSWORD"
        elif len(password) < SHORTEST_PASSWORD:
            rule = f"the password of {name.strip()} has fewer than {SHORTEST_PASSWORD} characters"
        elif name.strip() in {account.name for account in found}:
            rule = f"{name.strip()} stands there twice"
        if rule is not None:
            raise InputError(Problem(key, f"{file}, line {number}", rule, "Change that line."))
        found.append(Account(name.strip(), password))
    if not found:
        raise InputError(Problem(key, str(file), "holds nobody", "Write a line NAME:PASSWORD, the administrator's."))
    return tuple(found)


def sign_in_settings(folder: TeamFolder, settings: ServerSettings, users: tuple[Account, ...]) -> dict[str, str]:
    """Variables for MLflow's server by which everybody has to sign in; empty where nobody has to.

    Raises:
        InputError: nobody is known yet, and no file of users is given; or the plugin is not installed.
    """
    if not settings.accounts:
        return {}
    _need_plugin()
    if not users and not folder.accounts.is_file():
        remedy = "Name the file of lines NAME:PASSWORD again: --users FILE."
        raise InputError(Problem("--users", "", "nobody is known to this server yet", remedy))
    if not folder.secret.is_file():
        write_privately(folder.secret, secrets.token_hex(32))
    plugin = "mlflow.server.auth:authenticate_request_basic_auth"
    write_privately(
        folder.accounts_settings,
        f"[mlflow]\ndefault_permission = {settings.permission}\ndatabase_uri = sqlite:///{folder.accounts}\n"
        f"authorization_function = {plugin}\nauth_cache_ttl_seconds = {REMEMBERED_S}\n",
    )
    # The plugin asks for an administrator at each start, and keeps to the one that it knows already.
    admin = users[0] if users else Account("known already", secrets.token_hex(16))
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder.accounts_settings),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": folder.secret.read_text(),
        "MLFLOW_AUTH_ADMIN_USERNAME": admin.name,
        "MLFLOW_AUTH_ADMIN_PASSWORD": admin.password,
    }


def tell_users(settings: ServerSettings, users: tuple[Account, ...]) -> list[str]:
    """Make those who are new known to the running server, and give all of them the passwords of the file.

    Returns:
        the names of the new ones, without the administrator's.

    Raises:
        InputError: the administrator's password is not the one that the server knows.
        LrscopeError: the server refuses a user.
    """
    new: list[str] = []
    if not users:
        return new
    admin = users[0]
    sign_in, base = (admin.name, admin.password), f"{settings.url}/api/2.0/mlflow/users"
    for user in users:
        found = requests.get(f"{base}/get?username={quote(user.name)}", auth=sign_in, timeout=30)
        if found.status_code in (401, 403):
            rule = f"is not the administrator's whom this server knows ({admin.name})"
            remedy = "Sign in as the one of the first start, and change the password in MLflow's page."
            raise InputError(Problem("--users", "the first line", rule, remedy))
        told = {"username": user.name, "password": user.password}
        if found.status_code == 404:
            _accepted(requests.post(f"{base}/create", json=told, auth=sign_in, timeout=30), user.name)
            new.append(user.name)
        elif user is not admin:
            _accepted(requests.patch(f"{base}/update-password", json=told, auth=sign_in, timeout=30), user.name)
    return new


def _accepted(answer: requests.Response, name: str) -> None:
    if not answer.ok:
        raise LrscopeError(f"MLflow's server refused the user {name}: {answer.text[:300]}")


def _need_plugin() -> None:
    from importlib.util import find_spec

    if find_spec("flask_wtf") is None:
        remedy = "Install it: pip install 'lrscope[server]'."
        raise InputError(Problem("--users", "", "MLflow's plugin for signing in needs Flask-WTF", remedy))
