"""The one tracking session of this process: shared by a sweep's members, opened and closed by a lone run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from lrscope.core.paths import resolve
from lrscope.tracking import Session, TrackingSettings, open_session
from lrscope.tracking.environment import not_followed
from lrscope.training.distributed import is_first

_shared: dict[TrackingSettings, Session] = {}
_ahead: dict[TrackingSettings, Session] = {}
_failed = False


@contextmanager
def opened_ahead(cfg: Any) -> Iterator[Session | None]:
    """While a command is checked, before anything heavy is imported: a session is opened for what it will record, so
    that the process that delivers loads its libraries while this one loads its own. Where the check fails it is closed.

    Yields:
        The session; None where nothing is recorded online.
    """
    session = None
    with suppress(Exception):  # what is wrong with the settings or the store, the check says
        settings = settings_of(cfg)
        if settings.mode == "online":
            _ahead[settings] = session = open_session(settings)
    try:
        yield session
    except BaseException:
        while _ahead:
            close(_ahead.popitem()[1])
        raise
    if cfg.tracking.mode != "off":
        for words in not_followed(cfg.tracking.system_metrics):
            print(words, file=sys.stderr)


def settings_of(cfg: Any) -> TrackingSettings:
    """Where a config records. Only the first process of a distributed run records anything."""
    tracking = cfg.tracking
    return TrackingSettings(
        mode=tracking.mode if is_first() else "off",
        uri=tracking.uri,
        spool=resolve(tracking.spool),
        finish_timeout_s=tracking.finish_timeout_s,
        system_metrics=tracking.system_metrics,
    )


@contextmanager
def recording_session(settings: TrackingSettings) -> Iterator[Session]:
    """The session of this process where one is shared; else one for as long as this lasts.

    Raises:
        StoreUnreachable: the store does not answer.
    """
    if settings in _shared:
        yield _shared[settings]
        return
    session = _ahead.pop(settings, None) or open_session(settings)
    try:
        yield session
    finally:
        close(session)


def share(settings: TrackingSettings) -> Session:
    """Open the session that every run of this process records through, until ``unshare``."""
    session = _ahead.pop(settings, None) or open_session(settings)
    _shared[settings] = session
    return session


def unshare(settings: TrackingSettings) -> None:
    """Close the shared session."""
    session = _shared.pop(settings, None)
    if session is not None:
        close(session)


def failed_to_record() -> bool:
    """Whether a session of this process lost something of what it was to record, or had a store that tells lies."""
    return _failed


def close(session: Session) -> None:
    """Deliver what is left, and tell the user what could not be delivered or went wrong on the way."""
    global _failed
    delivery = session.close()
    _failed = _failed or bool(delivery.lost) or delivery.disbelieved
    for words in (*session.warnings(), delivery.words):
        if words:
            print(words, file=sys.stderr)
