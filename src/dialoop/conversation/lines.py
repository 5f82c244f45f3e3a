"""From a file to its lines, one at a time, in bounded memory: plain or gzip, UTF-8 or an encoding that was stated.

Every way in which bytes can fail to be lines of text ends here as a Fault with its place. It knows nothing of what the
lines mean. Lines end with LF or CRLF.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from dialoop.conversation.faults import Fault, Refusal
from dialoop.errors import Place, SettingsError

DEFAULT_MAX_LINE_BYTES = 16_000_000
"""Longest line that is read, in bytes: real conversations have some ten kilobytes, and memory grows with the line."""

_SKIP = 1024 * 1024
_SHIFTING = ("iso2022", "hz", "utf-7")
"""Encodings in which a byte may change what the following ones mean."""


class Line(NamedTuple):
    """A line of text without its end; `number` counts from 1."""

    number: int
    text: str


def check_encoding(encoding: str) -> str:
    """The encoding's usual name. Raises SettingsError where it is unknown or its lines cannot be found by LF."""
    try:
        name = codecs.lookup(encoding).name
        sound = "\n{".encode(name) == b"\n{"
    except (LookupError, UnicodeError):
        name, sound = encoding, False
    if not sound:
        raise SettingsError(
            f"encoding {encoding!r} cannot be read line by line",
            remedy="name one that extends ASCII, e.g. utf-8, gb18030, big5, shift_jis, latin-1; "
            "bring other files to UTF-8 first: iconv -f UTF-16 -t UTF-8 FILE",
        )
    return "utf-8" if name in ("utf-8", "utf-8-sig") else name


def read_lines(
    path: str | Path, *, encoding: str = "utf-8", max_line_bytes: int = DEFAULT_MAX_LINE_BYTES
) -> Iterator[Line | Fault]:
    """Each line, or a Fault in its place. After a fault that spoils the rest of the file (`ends`) nothing follows."""
    encoding = check_encoding(encoding)
    number = 0
    try:
        with _open(Path(path)) as stream:
            decode = _Decoder(str(path), encoding)
            while raw := stream.readline(max_line_bytes + 1):
                number += 1
                if len(raw) > max_line_bytes and not raw.endswith(b"\n"):
                    length = len(raw) + _skip_rest(stream)
                    yield _too_long(Place(str(path), number), length, max_line_bytes)
                    continue
                yield from decode(raw, number)
                if decode.spoilt:
                    return
            if number == 0:
                yield Fault(Place(str(path)), "the file is empty", "give a file with records", kind="empty")
    except Refusal as refusal:
        yield refusal.at(Place(str(path)))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        yield Fault(
            Place(str(path), number + 1),
            f"the gzip file is damaged or cut off after line {number}: {error}",
            "make or fetch the file again; the lines before are sound",
            kind="gzip",
            ends=True,
        )
    except OSError as error:
        reason = f"the file cannot be read: {error.strerror or error}"
        yield Fault(Place(str(path)), reason, "check the file", kind="file", ends=True)


def _open(path: Path) -> IO[bytes] | gzip.GzipFile:
    if path.is_dir():
        raise Refusal("this is a folder, not a file", "name the files in it, e.g. FOLDER/*.jsonl", "file")
    if path.exists() and not path.is_file():
        raise Refusal("this is a pipe or device, which can be read only once", "write it to a file first", "file")
    try:
        plain = path.open("rb")
    except FileNotFoundError:
        raise Refusal("there is no such file", "check the path", "file") from None
    magic = plain.read(16)
    plain.seek(0)
    packed = magic.startswith(b"\x1f\x8b")
    foreign = next((told for begin, told in _FOREIGN.items() if magic.startswith(begin)), None)
    if not packed and foreign is None:
        return plain
    plain.close()
    if foreign is not None:
        raise Refusal(f"this is no text but {foreign[0]}", foreign[1], "file")
    return gzip.open(path, "rb")


_SHEET = "save the sheet as 'CSV UTF-8'"
_FOREIGN = {
    b"PK\x03\x04": ("an Excel workbook (.xlsx) or a zip archive", f"{_SHEET}, or unpack the archive"),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an old Excel workbook (.xls)", _SHEET),
    b"PAR1\x15": (
        "a Parquet file",
        "write its rows as JSON lines (pandas: to_json(orient='records', lines=True))",
    ),
    b"%PDF-": ("a PDF", "fetch the data in a form that is for programs, e.g. JSON or CSV"),
    b"SQLite format 3\x00": ("an SQLite database", "write its rows as JSON lines"),
    b"BZh91AY&SY": ("compressed with bzip2", "unpack it (bunzip2), or compress it with gzip"),
    b"\xfd7zXZ\x00": ("compressed with xz", "unpack it (unxz), or compress it with gzip"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "unpack it (unzstd), or compress it with gzip"),
}
"""How files begin that people take for dialogue data, what they are, and what to do."""


def _skip_rest(stream: IO[bytes] | gzip.GzipFile) -> int:
    """Reads to the line's end in small pieces; gives the bytes left out."""
    skipped = 0
    while piece := stream.readline(_SKIP):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped


def _too_long(place: Place, length: int, limit: int) -> Fault:
    return Fault(
        place,
        f"the line has {length / 1e6:,.1f} MB, more than the limit of {limit / 1e6:,.1f} MB",
        f"put one record on a line; dialoop convert reads it with --max-line-mb {-(-length // 1_000_000)}",
        kind="long_line",
    )


class _Decoder:
    """Bytes of a line to text; remembers whether the rest of the file can be read (`spoilt`)."""

    def __init__(self, path: str, encoding: str) -> None:
        self.path = path
        self.encoding = encoding
        self.spoilt = False
        self.is_utf8 = False  # known by a line beyond ASCII

    def __call__(self, raw: bytes, number: int) -> Iterator[Line | Fault]:
        place = Place(self.path, number)
        if number == 1 and raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            self.spoilt = True
            remedy = "bring it to UTF-8: iconv -f UTF-16 -t UTF-8"
            yield Fault(place, "the file is UTF-16", remedy, kind="encoding", ends=True)
            return
        if raw.startswith(codecs.BOM_UTF8) and self.encoding == "utf-8":
            raw = raw[len(codecs.BOM_UTF8) :]
            yield Fault(
                place,
                "the line begins with a byte order mark; it was left out",
                "save the file as UTF-8 without BOM to be rid of this note",
                "warning",
                kind="bom",
            )
        if b"\x00" in raw:
            remedy = "remove it: tr -d '\\000' < FILE"
            yield Fault(place, "the line holds a NUL byte", remedy, kind="nul", seen=self._seen(raw))
            return
        try:
            text = raw.decode(self.encoding)
        except UnicodeDecodeError as error:
            yield self._undecodable(raw, error, place)
            return
        self.is_utf8 = self.is_utf8 or (self.encoding == "utf-8" and not text.isascii())
        yield Line(number, _without_end(text))

    def _seen(self, raw: bytes) -> str | None:
        """The line with lone surrogates for what is no text; None where one such byte changes how others are read."""
        if self.encoding.startswith(_SHIFTING):
            return None
        try:
            return _without_end(raw.decode(self.encoding, errors="surrogateescape"))
        except UnicodeDecodeError:
            return None

    def _undecodable(self, raw: bytes, error: UnicodeDecodeError, place: Place) -> Fault:
        if self.encoding == "utf-8" and not self.is_utf8 and _reads_as_gb18030(raw):
            self.spoilt = True
            return Fault(
                place,
                "the file is not UTF-8; it reads as GB18030 (the Chinese encoding, also called GBK)",
                f"bring it to UTF-8: dialoop convert {self.path} NEW.jsonl --encoding gb18030",
                kind="encoding",
            ).and_no_more()
        byte = f"byte {error.start + 1} of the line (0x{raw[error.start]:02x})"
        return Fault(
            place,
            f"the line is not {self.encoding.upper()}: {byte} cannot be read",
            "correct the character; if the file has another encoding: dialoop convert FILE NEW.jsonl --encoding NAME",
            kind="encoding",
            seen=self._seen(raw),
        )


def _without_end(text: str) -> str:
    return text.rstrip("\n").removesuffix("\r")


def _reads_as_gb18030(raw: bytes) -> bool:
    """Whether most of the line beyond ASCII fails as UTF-8 and is Chinese as GB18030."""
    as_utf8 = [char for char in raw.decode("utf-8", errors="replace") if ord(char) > 127]
    if as_utf8.count("�") * 3 < len(as_utf8):
        return False
    try:
        beyond = [char for char in raw.decode("gb18030") if ord(char) > 127]
    except UnicodeDecodeError:
        return False
    chinese = sum("\u3000" <= char <= "\u9fff" or "\uff00" <= char <= "\uffef" for char in beyond)
    return chinese >= 2 and chinese * 10 >= len(beyond) * 8
