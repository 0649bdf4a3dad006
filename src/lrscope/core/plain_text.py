"""Text that a terminal shows as it is meant: what would steer it is written out, what it lacks is exchanged for signs
that look alike.
"""

from __future__ import annotations

import codecs
import re
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

_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, escape sequences; a tab and a line's end stay
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # what turns the direction, or is not seen
    "\u2028\u2029\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)


def written_out(text: str) -> str:
    """The text with every sign that would steer a terminal, or that nobody sees, written as ``\\x1b``."""
    return _STEERING.sub(lambda found: _as_escape(ord(found[0])), text)


def _as_escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


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
