"""When two texts or conversations count as the same: equal but for case, width, spaces and punctuation.

Hashes only; it knows nothing of files, splits or models.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from dialoop.conversation.record import Conversation

_NO_LETTER = re.compile(r"[\W_]+")


def normalised(text: str) -> str:
    """Letters and digits alone, in one width (NFKC) and case. Text of signs alone is kept but for spaces."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _NO_LETTER.sub("", plain) or "".join(plain.split())


def text_key(text: str) -> str:
    """Equal for texts that count as the same: 32 hex digits."""
    return _digest([normalised(text)])


def conversation_key(conversation: Conversation) -> str:
    """Equal for conversations in which the same is said and the same tools are called.

    System messages, arguments and results do not count: they follow from what is said, but for made-up numbers.
    """
    said: list[str] = []
    for message in conversation.messages:
        if message.role in ("user", "assistant"):
            said.append(message.role)
            said.append(normalised(message.content or ""))
            said.extend(call.function.name for call in message.tool_calls or [])
    return _digest(said)


def exact_key(conversation: Conversation) -> str:
    """Equal for conversations whose messages are the same, character for character."""
    parts: list[str] = []
    for message in conversation.messages:
        parts += (message.role, message.content or "", message.tool_call_id or "", message.name or "")
        parts += (part for call in message.tool_calls or [] for part in (call.function.name, call.function.arguments))
    return _digest(parts)


def _digest(parts: Iterable[str]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode("utf-8", errors="surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()
