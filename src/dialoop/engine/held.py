"""An answer held to its guide, token by token: which tokens may come next, and which of them is taken.

It knows tokens, templates and the grammar of answers, not budgets, rows or pieces.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from torch import Tensor

from dialoop.conversation import Message, Tool
from dialoop.engine.grammar import Stack, step
from dialoop.engine.guide import Guide
from dialoop.engine.sample import Sampler
from dialoop.engine.vocabulary import Vocabulary
from dialoop.errors import ModelError
from dialoop.model import prompt_ids, template_facts

if TYPE_CHECKING:
    from dialoop.model import Base

_GREEDY = Sampler(0.0, 1.0, 0)
_PROBE: Tool = {"type": "function", "function": {"name": "probe", "parameters": {"type": "object", "properties": {}}}}


def can_hold(base: Base) -> bool:
    """Whether answers can be held to schemas: tokens are bytes, and calls have the form that is read here."""
    try:
        return knows_tools(base.tokenizer, Vocabulary(base.tokenizer, base.eos_ids))
    except ModelError:
        return False


def knows_tools(tokenizer: Any, vocabulary: Vocabulary) -> bool:
    """Whether a chat template shows tools and writes calls in the form that is read here."""
    if not template_facts(tokenizer).tools:
        return False
    messages, tools = [Message(role="user", content="probe")], [_PROBE]
    forced = prompt_ids(messages, tools, tokenizer, call="probe")[len(prompt_ids(messages, tools, tokenizer)) :]
    text = b"".join(vocabulary.texts[token] for token in forced).rpartition(b"</think>")[2].lstrip()
    return bool(text) and Guide(tools, "required").after(text) is not None


class Held:
    """One answer in the making. `guide` follows what `take` is told."""

    def __init__(self, guide: Guide, vocabulary: Vocabulary) -> None:
        self.guide, self.vocabulary = guide, vocabulary

    def after(self, token: int) -> Stack | None:
        """The guide's state after a token that ends no answer; None where it may not come next."""
        data = self.vocabulary.texts[token] if token < len(self.vocabulary.texts) else b""
        return self.guide.after(data) if data else None

    def allows(self, token: int) -> bool:
        """Whether a token may come next."""
        return self.guide.may_end if token in self.vocabulary.ends else self.after(token) is not None

    def possible(self) -> Iterable[int]:
        """The tokens whose first byte may come next."""
        yield from self.vocabulary.ends
        for byte in range(256):
            if step(self.guide.stack, byte) is not None:
                yield from self.vocabulary.by_first_byte[byte]

    def take(self, token: int) -> bytes:
        """The answer goes on with a token that is allowed; gives its bytes."""
        data = self.vocabulary.texts[token]
        self.guide.stack = self.guide.after(data) or ()
        return data

    def greedy(self, logits: Tensor) -> int | None:
        """Takes the likeliest token that is allowed, for `logits` (V,); None where the answer ends."""
        token = None if self.guide.must_end else _GREEDY.choose(logits, self.allows, self.possible)
        if token is None or token in self.vocabulary.ends:
            return None
        self.take(token)
        return token
