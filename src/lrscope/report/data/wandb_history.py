"""The history in the file of a W&B offline run, ``run-ID.wandb``.

wandb's Python package has the messages, and no reader of the file any more: it is a log of LevelDB's format behind a
header of seven bytes. Blocks of 32 KiB hold pieces, each with a header of seven bytes: checksum, length, and whether it
is a whole record (1), its first (2), a middle (3) or its last part (4).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lrscope.core.files import plain_opener
from lrscope.core.from_store import parsed

BLOCK = 32 * 1024
FILE_HEADER = struct.Struct("<4sHB")
MAGIC = b":W&B"
PIECE_HEADER = struct.Struct("<IHB")
WHOLE, FIRST, _, LAST = 1, 2, 3, 4


def wandb_rows(path: Path) -> list[dict[str, Any]]:
    """What ``wandb.log`` was given, a row a call, with its ``_step``; numbers of nested mappings by dotted names.

    Raises:
        ImportError: wandb is not installed.
        ValueError: it is no file of wandb's.
        OSError: it cannot be read.
    """
    from wandb.proto import wandb_internal_pb2

    messages: Any = wandb_internal_pb2  # its classes are made when it is imported: no type checker sees them
    with open(path, "rb", opener=plain_opener) as file:
        data = file.read()
    rows: list[dict[str, Any]] = []
    for content in records(data):
        record = messages.Record()
        try:
            record.ParseFromString(content)
        except Exception:  # google.protobuf's own, which is not a dependency here: a torn record at the end
            break
        if record.WhichOneof("record_type") == "history":
            row = {item.key or ".".join(item.nested_key): parsed(item.value_json) for item in record.history.item}
            rows.append({"_step": record.history.step.num, **row})
    return rows


def records(data: bytes) -> Iterator[bytes]:
    """The records of a log, as far as it is whole: a run that still writes has half a record at its end.

    Raises:
        ValueError: it does not begin as wandb's files do.
    """
    if len(data) < FILE_HEADER.size or FILE_HEADER.unpack_from(data)[0] != MAGIC:
        raise ValueError("it is no file of wandb's")
    place, parts = FILE_HEADER.size, b""
    while place + PIECE_HEADER.size <= len(data):
        if (left := BLOCK - place % BLOCK) < PIECE_HEADER.size:
            place += left  # too little room for a header: the block is filled up
            continue
        _, length, kind = PIECE_HEADER.unpack_from(data, place)
        piece = data[place + PIECE_HEADER.size : place + PIECE_HEADER.size + length]
        if len(piece) < length or not WHOLE <= kind <= LAST:
            return
        place += PIECE_HEADER.size + length
        parts = piece if kind in (WHOLE, FIRST) else parts + piece
        if kind in (WHOLE, LAST):
            yield parts
