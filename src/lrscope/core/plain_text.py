"""Text for a terminal that shows only ASCII: signs that it lacks are exchanged for those that look alike."""

from __future__ import annotations

import codecs
import sys
import unicodedata

HANDLER = "lrscope.plain"

LOOK_ALIKE = {
    **dict.fromkeys("–—−─━╌═", "-"),
    **dict.fromkeys("│┃║", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╇╈┏┓┗┛┡┩┳┻╋╭╮╰╯╞╡╪✓", "+"),
    **dict.fromkeys("×✗", "x"),
    **dict.fromkeys("★•", "*"),
    **dict.fromkeys("“”", '"'),
    **dict.fromkeys("‘’", "'"),
    **dict(zip("…→≤≥±·≈µλ", ("...", "->", "<=", ">=", "+-", ".", "~", "u", "lambda"), strict=True)),
}


def keep_what_can_be_shown() -> None:
    """From now on no sign that this process's terminal cannot show costs the line that it stands in."""
    codecs.register_error(HANDLER, _exchanged)
    for stream in (sys.stdout, sys.stderr):
        encoding = getattr(stream, "encoding", None) or "utf-8"
        if hasattr(stream, "reconfigure") and codecs.lookup(encoding).name != "utf-8":
            stream.reconfigure(errors=HANDLER)


def _exchanged(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(sign: str) -> str:
    without_marks = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()  # é -> e
    return LOOK_ALIKE.get(sign) or without_marks or "?"
