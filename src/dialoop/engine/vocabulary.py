"""The bytes that each token stands for, and the tokens that begin with a byte.

Read from the tokenizer's own decoder: byte-level BPE (GPT-2, Llama 3, Qwen) or SentencePiece with byte fallback
(Llama 2, Mistral, Gemma). Joined, the bytes of an answer's tokens are the answer: no token need be decoded twice. It
knows nothing of models or grammars.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from dialoop.errors import ModelError

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_SPACE = "\u2581"


class Vocabulary:
    """The tokens of one tokenizer. `texts[id]`: its bytes; empty for a token that must not be said in an answer."""

    def __init__(self, tokenizer: Any, ends: Iterable[int]) -> None:
        """`ends`: the ids that end an answer. Raises ModelError for a tokenizer that is of neither kind."""
        self.ends = frozenset(ends)
        kinds = _decoders(json.loads(tokenizer.backend_tokenizer.to_str()).get("decoder"))
        if "ByteLevel" in kinds:
            self._decode = _byte_level
        elif "ByteFallback" in kinds or "Metaspace" in kinds:
            self._decode = _sentence_piece
        else:
            raise ModelError(
                f"tokens of a tokenizer that decodes by {kinds or 'nothing'} cannot be served",
                remedy="use a base with a byte-level BPE or a SentencePiece tokenizer",
            )
        self.strips_first_space = "ByteLevel" not in kinds
        added = tokenizer.added_tokens_decoder
        special = [str(token.content) for token in added.values() if token.special]
        table: dict[str, int] = tokenizer.get_vocab()
        self.texts: list[bytes] = [b""] * (max([*table.values(), *added], default=-1) + 1)
        for piece, token in table.items():
            self.texts[token] = b"" if token in added else self._decode(piece)
        for token, entry in added.items():
            steers = entry.special or any(text in entry.content for text in special)
            self.texts[token] = b"" if steers and not _belongs_to_calls(entry.content) else entry.content.encode()

    @cached_property
    def by_bytes(self) -> dict[bytes, int]:
        """For each text the first token that stands for it."""
        found: dict[bytes, int] = {}
        for token, text in enumerate(self.texts):
            if text and token not in self.ends:
                found.setdefault(text, token)
        return found

    @cached_property
    def by_first_byte(self) -> list[list[int]]:
        """For each byte the tokens that begin with it."""
        found: list[list[int]] = [[] for _ in range(256)]
        for token, text in enumerate(self.texts):
            if text and token not in self.ends:
                found[text[0]].append(token)
        return found

    @cached_property
    def longest(self) -> int:
        """The length of the longest token, in bytes."""
        return max(map(len, self.texts), default=0)

    def spelling(self, data: bytes) -> list[int]:
        """Tokens that together are `data`, each as long as can be. Raises ModelError if a byte has no token."""
        tokens, at = [], 0
        while at < len(data):
            for length in range(min(self.longest, len(data) - at), 0, -1):
                token = self.by_bytes.get(data[at : at + length])
                if token is not None:
                    tokens.append(token)
                    at += length
                    break
            else:
                raise ModelError(f"the tokenizer has no token for the byte {data[at]:#04x}")
        return tokens


def _decoders(decoder: Any) -> list[str]:
    """The names of a decoder and of those that it is made of."""
    if not isinstance(decoder, dict):
        return []
    return [str(decoder.get("type")), *(name for part in decoder.get("decoders", []) for name in _decoders(part))]


def _byte_symbols() -> dict[str, int]:
    """GPT-2's printable stand-in for each byte, the other way round."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    return {chr(byte) if byte in printable else chr(next(spare)): byte for byte in range(256)}


_SYMBOLS = _byte_symbols()


def _byte_level(piece: str) -> bytes:
    return bytes(_SYMBOLS[letter] for letter in piece) if all(letter in _SYMBOLS for letter in piece) else b""


def _sentence_piece(piece: str) -> bytes:
    byte = _BYTE.fullmatch(piece)
    return bytes([int(byte[1], 16)]) if byte else piece.replace(_SPACE, " ").encode()


def _belongs_to_calls(text: str) -> bool:
    """Whether a control token is part of the form of calls or of reasoning, which is read from the answer's text."""
    return text.startswith(("<tool_call>", "</tool_call>", "<think>", "</think>"))
