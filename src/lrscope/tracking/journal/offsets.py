"""How far delivery came, as this process knows it and as the disk says."""

from __future__ import annotations

from dataclasses import replace

from lrscope.tracking.journal.journal import Cursor, Spool


class Cursors:
    """The cursor of each spool. The disk may be full, so that what is known here is further than what stands there."""

    def __init__(self) -> None:
        self._known: dict[str, Cursor] = {}

    def of(self, spool: Spool) -> Cursor:
        """The further one of what is on disk and what is known here."""
        known = self._known.get(spool.local_id, Cursor())
        on_disk = spool.cursor()
        if known.offset > spool.size():
            # The spool was delivered, removed, and begun anew for something that came later.
            return replace(known, offset=on_disk.offset)
        return on_disk if (on_disk.offset, on_disk.run_id or "") > (known.offset, known.run_id or "") else known

    def note(self, spool: Spool, cursor: Cursor) -> None:
        self._known[spool.local_id] = cursor

    def known_complete(self, spool: Spool) -> bool:
        """Whether all of it is delivered as far as is known here, without a look at what another process delivered."""
        known = self._known.get(spool.local_id)
        return known is not None and known.offset == spool.size()
