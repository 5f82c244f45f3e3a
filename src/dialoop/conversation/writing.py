"""Writing files so that nothing half-written is ever seen: beside, flushed to the disk, renamed.

It knows files and lines of text, and nothing of forms.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from dialoop.conversation.json_text import dump_line
from dialoop.conversation.record import Conversation
from dialoop.errors import DataError


def write_lines(path: str | Path, lines: Iterable[str], *, private: bool = False) -> int:
    """Writes lines as UTF-8, compressed if the name ends with .gz; gives their number.

    A file of that name is replaced only when all is on the disk; on any failure it stays as it was. Equal lines give
    equal bytes. A private file can be read by its owner alone. Raises DataError.
    """
    target = Path(path)
    if target.is_dir():
        raise DataError("this is a folder, not a file", where=target, remedy="name a file in it")
    if not target.parent.is_dir():
        raise DataError("the folder of this file does not exist", where=target, remedy=f"mkdir -p {target.parent}")
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o666)
        with os.fdopen(handle, "wb") as raw:
            count = _write(raw, lines, compressed=target.suffix == ".gz")
            raw.flush()
            os.fsync(raw.fileno())
        beside.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        remedy = "make room on the disk, or write elsewhere; nothing was changed"
        raise DataError(f"the file cannot be written: {error.strerror or error}", where=target, remedy=remedy) from None
    finally:
        beside.unlink(missing_ok=True)
    return count


def write_conversations(path: str | Path, conversations: Iterable[Conversation]) -> int:
    """Writes records in dialoop's own form, one a line; gives their number.

    Raises DataError, and then nothing is written.
    """
    return write_lines(path, (dump_line(conversation.to_json()) for conversation in conversations))


def _write(raw: IO[bytes], lines: Iterable[str], *, compressed: bool) -> int:
    if not compressed:
        return _write_all(raw, lines)
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        return _write_all(packed, lines)


def _write_all(stream: IO[bytes] | gzip.GzipFile, lines: Iterable[str]) -> int:
    count = 0
    for count, line in enumerate(lines, start=1):
        try:
            stream.write((line + "\n").encode("utf-8"))
        except UnicodeEncodeError:
            raise DataError(
                f"record {count} holds half of a surrogate pair", remedy="write the whole character"
            ) from None
    return count


def _sync_folder(folder: Path) -> None:
    """Makes the new name itself last, where the system can do that."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
