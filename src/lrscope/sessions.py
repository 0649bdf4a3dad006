"""The one tracking session of this process: shared by a sweep's members, opened and closed by a lone run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lrscope.paths import resolve
from lrscope.ranks import is_first
from lrscope.tracking import Session, TrackingSettings, open_session

_shared: dict[TrackingSettings, Session] = {}


def settings_of(cfg: Any) -> TrackingSettings:
    """Where a config records. Only the first process of a distributed run records anything."""
    tracking = cfg.tracking
    return TrackingSettings(
        mode=tracking.mode if is_first() else "off",
        uri=tracking.uri,
        spool=resolve(tracking.spool),
        finish_timeout_s=tracking.finish_timeout_s,
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
    session = open_session(settings)
    try:
        yield session
    finally:
        close(session)


def share(settings: TrackingSettings) -> Session:
    """Open the session that every run of this process records through, until ``unshare``."""
    session = open_session(settings)
    _shared[settings] = session
    return session


def unshare(settings: TrackingSettings) -> None:
    """Close the shared session."""
    session = _shared.pop(settings, None)
    if session is not None:
        close(session)


def close(session: Session) -> None:
    """Deliver what is left, and tell the user what could not be delivered or went wrong on the way."""
    delivery = session.close()
    for words in (*session.warnings(), delivery.words):
        if words:
            print(words, file=sys.stderr)
