"""JSON that fits a schema, byte by byte: says of each next byte whether a valid text can still come of it.

A state is a tuple of frames: what is still to be read, the nearest first (a pushdown machine). States are plain values:
looking ahead costs no copy. Known keys only where a schema gives properties; numbers have no exponent and at most 24
characters; strings are valid UTF-8 without lone surrogates. It knows nothing of tokens, tools or models.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from dialoop.engine.schema import Shape, json_bytes
from dialoop.engine.source import Source

MAX_FRAMES = 96
_HEX = frozenset(b"0123456789abcdefABCDEF")
_WORDS = {"boolean": (b"true", b"false"), "null": (b"null",)}


class Frame(ABC):
    """One thing that is still to be read."""

    __slots__ = ()

    @abstractmethod
    def take(self, byte: int) -> Stack | None:
        """What is left of this frame after `byte`, or None if it cannot begin or go on so."""

    @property
    def skippable(self) -> bool:
        """Whether nothing more need be read of this frame."""
        return False

    def closing(self) -> bytes:
        """The shortest text that ends this frame."""
        return b""


Stack = tuple[Frame, ...]


def step(stack: Stack, byte: int) -> Stack | None:
    """The state after one byte, or None if no valid text goes on so."""
    while stack:
        taken = stack[0].take(byte)
        if taken is not None:
            left = taken + stack[1:]
            return left if len(left) <= MAX_FRAMES else None
        if not stack[0].skippable:
            return None
        stack = stack[1:]
    return None


def feed(stack: Stack, data: bytes) -> Stack | None:
    """The state after several bytes, or None if no valid text goes on so."""
    state: Stack | None = stack
    for byte in data:
        if state is None:
            return None
        top = state[0] if state else None
        if isinstance(top, Text) and top.is_plain and 0x20 <= byte < 0x80 and byte not in b'"\\':
            continue
        state = step(state, byte)
    return state


def is_complete(stack: Stack) -> bool:
    """Whether the text may end here."""
    return all(frame.skippable for frame in stack)


def closing(stack: Stack) -> bytes:
    """The shortest text that brings the state to its end."""
    return b"".join(frame.closing() for frame in stack)


@dataclass(frozen=True, slots=True)
class Choice(Frame):
    """One of several fixed texts, each with what follows it; the first `at` bytes have been read."""

    options: tuple[tuple[bytes, Stack], ...]
    at: int = 0

    def take(self, byte: int) -> Stack | None:
        """See Frame."""
        at = self.at
        left = tuple(option for option in self.options if len(option[0]) > at and option[0][at] == byte)
        if not left:
            return None
        if len(left) == 1 and len(left[0][0]) == at + 1:
            return left[0][1]
        return (Choice(left, at + 1),)

    @property
    def skippable(self) -> bool:
        """See Frame."""
        return any(len(text) == self.at and not after for text, after in self.options)

    def closing(self) -> bytes:
        """See Frame."""
        return min((text[self.at :] + closing(after) for text, after in self.options), key=len)


@dataclass(frozen=True, slots=True)
class Space(Frame):
    """A space or nothing."""

    def take(self, byte: int) -> Stack | None:
        """See Frame."""
        return () if byte == 0x20 else None

    @property
    def skippable(self) -> bool:
        """See Frame."""
        return True


@dataclass(frozen=True, slots=True)
class Value(Frame):
    """A whole value of a shape."""

    shape: Shape

    def take(self, byte: int) -> Stack | None:
        """See Frame."""
        for branch in self.shape.branches:
            taken = _begin(branch, byte)
            if taken is not None:
                return taken
        return None

    def closing(self) -> bytes:
        """See Frame."""
        return self.shape.shortest


def _begin(shape: Shape, byte: int) -> Stack | None:
    """The state after the first byte of a value."""
    if shape.options is not None:
        return Choice(tuple((text, ()) for text in shape.options)).take(byte)
    kinds = shape.kinds
    if byte == 0x22:
        if "string" not in kinds:
            return None
        return (Quoted(shape.quoted_from, shape.quoted_from.starts) if shape.quoted_from else Text(),)
    if byte == 0x7B:
        return (Members(shape, frozenset(), first=True),) if shape.can_be_object else None
    if byte == 0x5B:
        return (Items(shape.items, first=True),) if "array" in kinds else None
    if "number" in kinds or "integer" in kinds:
        taken = Number(whole="number" not in kinds).take(byte)
        if taken is not None:
            return taken
    words = tuple((word, ()) for kind, texts in _WORDS.items() if kind in kinds for word in texts)
    return Choice(words).take(byte) if words else None


def begun_sequence(byte: int) -> tuple[int, int, int] | None:
    """How UTF-8 goes on after the first byte of a character: how many bytes follow, and between which two the next is.

    None where no character begins so: overlong forms, surrogates and what is beyond Unicode (RFC 3629).
    """
    if byte < 0x80:
        return 0, 0x80, 0xBF
    if 0xC2 <= byte <= 0xDF:
        return 1, 0x80, 0xBF
    if 0xE0 <= byte <= 0xEF:
        return 2, 0xA0 if byte == 0xE0 else 0x80, 0x9F if byte == 0xED else 0xBF
    if 0xF0 <= byte <= 0xF4:
        return 3, 0x90 if byte == 0xF0 else 0x80, 0x8F if byte == 0xF4 else 0xBF
    return None


@dataclass(frozen=True, slots=True)
class Text(Frame):
    """The rest of a string, its closing quote included.

    `need` continuation bytes of a UTF-8 sequence are open, the next in [low, high]; `escape` is 0, 1 after a backslash,
    or 5 to 2 with so many hex digits left plus one; `high_d`: the escape's first digit was d.
    """

    need: int = 0
    low: int = 0x80
    high: int = 0xBF
    escape: int = 0
    high_d: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether no UTF-8 sequence and no escape is open."""
        return not (self.need or self.escape)

    def take(self, byte: int) -> Stack | None:
        """See Frame."""
        if self.need:
            return (Text(self.need - 1),) if self.low <= byte <= self.high else None
        if self.escape:
            return self._take_escape(byte)
        if byte == 0x22:
            return ()
        if byte == 0x5C:
            return (Text(escape=1),)
        if byte < 0x80:
            return (self,) if byte >= 0x20 else None
        begun = begun_sequence(byte)
        return (Text(*begun),) if begun else None

    def _take_escape(self, byte: int) -> Stack | None:
        if self.escape == 1:
            if byte == 0x75:
                return (Text(escape=5),)
            return (Text(),) if byte in b'"\\/bfnrt' else None
        if byte not in _HEX or (self.high_d and byte not in b"01234567"):
            return None
        return (Text(escape=self.escape - 1 if self.escape > 2 else 0, high_d=self.escape == 5 and byte in b"dD"),)

    def closing(self) -> bytes:
        """See Frame."""
        if self.need:
            return bytes([self.low]) + b"\x80" * (self.need - 1) + b'"'
        return (b"n" if self.escape == 1 else b"0" * (self.escape - 1) if self.escape else b"") + b'"'


@dataclass(frozen=True, slots=True)
class Quoted(Frame):
    """The rest of a string that is quoted from `source`, its closing quote included; read up to one of `places`."""

    source: Source
    places: tuple[int, ...]
    begun: bool = False

    def take(self, byte: int) -> Stack | None:
        """See Frame. A quote in the source stands behind a backslash, so a bare one ends the string."""
        if byte == 0x22 and self.begun and any(place in self.source.ends for place in self.places):
            return ()
        left = tuple(place + 1 for place in self.places if self.source.written[place] == byte)
        return (Quoted(self.source, left, begun=True),) if left and byte >= 0x20 else None

    def closing(self) -> bytes:
        """See Frame."""
        if not self.begun:
            return self.source.shortest[1:]
        return min((self.source.rest_of_word(place) for place in self.places), key=len) + b'"'


@dataclass(frozen=True, slots=True)
class Number(Frame):
    """The rest of a number. `part`: start, sign, zero, whole, point or fraction."""

    part: str = "start"
    whole: bool = False
    length: int = 0

    def take(self, byte: int) -> Stack | None:
        """See Frame."""
        part = self._after(byte)
        return (Number(part, self.whole, self.length + 1),) if part and self.length < 24 else None

    def _after(self, byte: int) -> str | None:
        digit = 0x30 <= byte <= 0x39
        if self.part in ("start", "sign"):
            if digit:
                return "zero" if byte == 0x30 else "whole"
            return "sign" if byte == 0x2D and self.part == "start" else None
        if self.part == "whole" and digit and self.length < 18:
            return "whole"
        if self.part in ("zero", "whole"):
            return "point" if byte == 0x2E and not self.whole else None
        return "fraction" if digit else None

    @property
    def skippable(self) -> bool:
        """See Frame."""
        return self.part in ("zero", "whole", "fraction")

    def closing(self) -> bytes:
        """See Frame."""
        return b"" if self.skippable else b"0"


@dataclass(frozen=True, slots=True)
class Members(Frame):
    """The rest of an object, its closing brace included; `seen` keys stand before."""

    shape: Shape
    seen: frozenset[str]
    first: bool = False

    def take(self, byte: int) -> Stack | None:
        """See Frame."""
        if byte == 0x7D:
            return () if all(key in self.seen for key in self.shape.required) else None
        if self.first:
            return Key(self.shape, self.seen).take(byte)
        more = not self.shape.is_closed or len(self.seen) < len(self.shape.properties)
        return (Space(), Key(self.shape, self.seen)) if byte == 0x2C and more else None

    def closing(self) -> bytes:
        """See Frame."""
        shapes = self.shape.properties
        missing = [key for key in self.shape.required if key not in self.seen]
        members = [json_bytes(key) + b": " + shapes[key].shortest for key in missing]
        return (b"" if self.first or not members else b", ") + b", ".join(members) + b"}"


@dataclass(frozen=True, slots=True)
class Key(Frame):
    """A key, its colon and its value, then the rest of the object."""

    shape: Shape
    seen: frozenset[str]

    def _options(self) -> tuple[tuple[bytes, Stack], ...]:
        shapes = self.shape.properties
        return tuple(
            (json_bytes(key) + b":", (Space(), Value(shapes[key]), Members(self.shape, self.seen | {key})))
            for key in shapes
            if key not in self.seen
        )

    def take(self, byte: int) -> Stack | None:
        """See Frame."""
        if self.shape.is_closed:
            options = self._options()
            return Choice(options).take(byte) if options else None
        if byte != 0x22:
            return None
        colon = Choice(((b":", ()),))
        return (Text(), colon, Space(), Value(Shape({}, depth=self.shape.depth + 1)), Members(self.shape, self.seen))

    def closing(self) -> bytes:
        """See Frame."""
        if not self.shape.is_closed:
            return b'"": 0}'
        missing = [key for key in self.shape.required if key not in self.seen]
        options = self._options()
        wanted = [option for option in options if not missing or option[0] == json_bytes(missing[0]) + b":"]
        return Choice(tuple(wanted)).closing()


@dataclass(frozen=True, slots=True)
class Items(Frame):
    """The rest of an array, its closing bracket included."""

    shape: Shape
    first: bool = False

    def take(self, byte: int) -> Stack | None:
        """See Frame."""
        if byte == 0x5D:
            return ()
        if self.first:
            taken = Value(self.shape).take(byte)
            return None if taken is None else (*taken, Items(self.shape))
        return (Space(), Value(self.shape), Items(self.shape)) if byte == 0x2C else None

    def closing(self) -> bytes:
        """See Frame."""
        return b"]"
