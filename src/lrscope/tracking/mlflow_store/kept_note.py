"""The note of a run on MLflow's page: lrscope's part, and around it what a person has written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from lrscope.core.from_store import text
from lrscope.core.tag_length import TAG_LENGTH
from lrscope.core.verdict import Verdict
from lrscope.tracking.mlflow_store.state_tag import STATE

NOTE = "mlflow.note.content"
"""MLflow's page shows this tag as the description of a run or an experiment."""

_END = "<!-- lrscope {digest}: from the heading above to here; write before it or behind this, that stays -->"
"""The mark behind lrscope's part: a comment, which the page does not show. It names the line that the part begins with
by its digest: a mark ahead of it would be all that MLflow's table of runs shows of a note. Stored notes hold it: it
stays as it is.
"""

_MARK = re.compile(re.escape(_END).replace(re.escape("{digest}"), "([0-9a-f]{8})"))
"""A whole one: half of a mark and a comment of a person's would have what is between them for lrscope's."""

_OLDER = re.compile(rf"## ({'|'.join(v.label.capitalize() for v in Verdict)})\n|\*\*(crashed|stopped)\*\*: ")
_OLDER_PARENT = "report/report.html"
"""How the notes of older versions begin, which had no marks, and what those of a sweep's parent hold."""


def is_of_older(tags: Mapping[str, str]) -> bool:
    """Whether a note without a mark is lrscope's. The versions that wrote no marks kept no state; of a run that has one
    a person removed the mark, and may have written anything beside it.
    """
    note = tags.get(NOTE, "")
    return STATE not in tags and (_OLDER.match(note) is not None or _OLDER_PARENT in note)


def kept_note(ours: str, stored: str | None, is_ours: bool = False) -> str:
    """The note with a new part of lrscope's, and all of what a person has added to the stored one. Where a person has
    removed or changed the mark, the part of before stays with it: nobody can tell any more what is whose.

    Where the two are too long together, lrscope's part is cut; where a person's words leave no room for it, the stored
    note stays.

    Args:
        ours: Markdown.
        stored: the note as it is; None where there is none.
        is_ours: whether a note without a mark is lrscope's, see ``is_of_older``.
    """
    before, after = _around(stored or "", is_ours)
    ours = ours.strip()
    end = f"\n\n{_END.format(digest=_digest(ours.partition(chr(10))[0]))}{after}"
    room = TAG_LENGTH - len(before) - len(end)
    if stored and room < 2:
        return stored
    if len(ours) > room:
        ours = f"{ours[: max(room - 2, 0)].rstrip()}\n…"
    return f"{before}{ours}{end}"


def _around(stored: str, is_ours: bool) -> tuple[str, str]:
    marks = [(found, _beginning(stored, found)) for found in _MARK.finditer(stored)]
    # A mark whose part does not begin above it stands in a person's words, or a person has changed the first line.
    found, begins = next((one for one in marks if one[1] is not None), marks[0] if marks else (None, None))
    if found is not None:
        return stored[: found.start() if begins is None else begins], stored[found.end() :]
    if is_ours or not stored.strip():
        return "", ""
    return "", f"\n\n{stored.strip()}"


def _beginning(stored: str, mark: re.Match[str]) -> int | None:
    """Where the part begins that a mark ends; None where its first line is not above it."""
    lines = stored[: mark.start()].splitlines(keepends=True)
    begins = [number for number, line in enumerate(lines) if _digest(line) == mark[1]]
    return sum(map(len, lines[: begins[-1]])) if begins else None


def _digest(line: str) -> str:
    return hashlib.sha256(text(line).strip().encode()).hexdigest()[:8]
