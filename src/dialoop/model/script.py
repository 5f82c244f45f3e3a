"""A conversation as a script: its rendered text, cut where each answer begins and ends, and the ids of the parts.

A part is tokenised apart from its neighbours. Where a prompt is cut depends on the messages before it alone, so a
served prompt has the cuts, and the tokens, of the sentence that was trained on. It does not know windows or weights.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dialoop.conversation.record import Message, Tool
from dialoop.errors import DataError, ModelError
from dialoop.model.chat import OTHER_TEMPLATE, TemplateFacts, prepare, render_all, template_facts
from dialoop.model.tokens import Encoder, encoder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Part:
    """A segment of the text. `answer`: the index of the message that it says, with its stop token; else None."""

    text: str
    answer: int | None = None


@dataclass(frozen=True)
class Piece:
    """Token ids of one part, its `answer`, and whether that calls a tool."""

    ids: list[int]
    answer: int | None
    calls: bool = False


class Script:
    """The messages of one conversation, ready to be rendered in parts.

    `head`: how many messages stand at the front whatever leaves (system). `turns`: for each turn, the index of its
    first message; a turn begins with a user's message. `answers`: the indices of the assistant's messages that can be
    asked for. `unasked`: those that cannot: the agent opens the conversation, and the template cannot ask for that.
    They are context; where the template refuses even this, what comes before the first user's message is left out.
    """

    def __init__(
        self, messages: Sequence[Message], tools: Sequence[Tool] | None, tokenizer: PreTrainedTokenizerBase
    ) -> None:
        self.facts: TemplateFacts = template_facts(tokenizer)
        _check(messages, tools, self.facts)
        prepared = prepare(messages, tools, tokenizer, self.facts.form)
        self._rows = prepared.messages
        self._tools = prepared.tools
        self._tokenizer = tokenizer
        self._encoder: Encoder = encoder(tokenizer)
        self._opener = re.compile(re.escape(self.facts.opener))
        self._stop = re.compile("|".join(map(re.escape, self.facts.stops)))
        self.answers = [i for i, message in enumerate(messages) if message.role == "assistant"]
        self._calling = {i for i in self.answers if messages[i].tool_calls}
        self.head = next((i for i, message in enumerate(messages) if message.role != "system"), len(messages))
        self.turns = [
            i
            for i in range(self.head, len(messages))
            if i == self.head or (messages[i].role == "user" and messages[i - 1].role != "user")
        ]
        if self.turns and not any(message.role == "user" for message in messages[self.head : self.turns[0] + 1]):
            self.turns[:2] = self.turns[:1]  # what is said before the first user's message belongs to the first turn
        user = next((i for i, message in enumerate(messages) if message.role == "user"), len(messages))
        self.unasked = [i for i in self.answers if i < user and not self._asks_for(i)]
        self._begin = self.head
        if self.unasked and not self._renders(min(user + 1, len(messages))):
            self._begin, self.unasked = user, [i for i in self.answers if i < user]
        self.answers = [i for i in self.answers if i not in self.unasked]

    @property
    def is_blank(self) -> bool:
        """Whether nothing of the conversation can be shown, because nobody but the agent says anything."""
        return self._begin == len(self._rows) > self.head

    def whole(self, first: int, end: int, *, tail: bool) -> list[Piece] | None:
        """The text of the head and messages `first` to `end` in one; None where later messages rewrite earlier text.

        Without `tail` it ends with the last answer's stop token, if there is an answer.
        """
        if not self.facts.prefix_preserving:
            return None
        rows, origin = self._choose(first, end)
        text = self._render([rows], generate=False)[0]
        parts = self._cut(text, rows, origin)
        if parts is None:
            return None
        return self._pieces(parts if tail or len(parts) == 1 else parts[:-1])

    def answer(self, first: int, index: int) -> list[Piece]:
        """The text of the head and messages `first` to `index`; the last, an answer, is the only one marked as such."""
        rows, origin = self._choose(first, index + 1)
        text = self._render([rows], generate=False)[0]
        prompt = self._prompt_parts(rows[:-1], origin)
        length = sum(len(part.text) for part in prompt)
        if not text.startswith("".join(part.text for part in prompt)):
            raise ModelError(
                "the chat template asks for this answer with one text and writes it after another",
                remedy=OTHER_TEMPLATE,
            )
        stop = self._stop.search(text, length)
        if stop is None:
            raise _no_stop(origin + len(rows) - 1)
        return self._pieces([*prompt, Part(text[length : stop.end()], index)])

    def prompt(self, first: int) -> list[Piece]:
        """The text of the head and the messages from `first` on, up to where the next answer begins."""
        return self._pieces(self._prompt_parts(*self._choose(first, len(self._rows))))

    def text(self, first: int, end: int) -> list[Piece]:
        """The text of the head and messages `first` to `end`, cut nowhere."""
        return self._pieces([Part(self._render([self._choose(first, end)[0]], generate=False)[0])])

    def begun(self, answer: Message) -> list[int]:
        """The ids that `answer` would have as the next message, without its stop."""
        shown, _ = self._choose(0, len(self._rows))
        rows = [*shown, *prepare([answer], None, self._tokenizer, self.facts.form).messages]
        prompt = "".join(part.text for part in self._prompt_parts(*self._choose(0, len(self._rows))))
        text = self._render([rows], generate=False)[0]
        stop = self._stop.search(text, len(prompt))
        if stop is None or not text.startswith(prompt):
            raise _no_stop(len(self._rows))
        return self._encoder.encode([prompt, text[len(prompt) : stop.start()]])[1]

    def _choose(self, first: int, end: int) -> tuple[list[dict[str, Any]], int]:
        """The rows, and what to add to a row's position (past the head) to get its message's index."""
        first = max(first, self._begin)
        if first <= self.head:
            return self._rows[:end], 0
        return [*self._rows[: self.head], *self._rows[first:end]], first - self.head

    def _render(self, conversations: Sequence[list[dict[str, Any]]], *, generate: bool) -> list[str]:
        return render_all(conversations, self._tools, self._tokenizer, generate)

    def _asks_for(self, index: int) -> bool:
        """Whether the template asks for message `index`, an answer, with the words that it stands after."""
        try:
            prompt = self._render([self._rows[:index]], generate=True)[0]
            return self._render([self._rows[: index + 1]], generate=False)[0].startswith(prompt)
        except DataError:
            return False

    def _renders(self, end: int) -> bool:
        try:
            return bool(self._render([self._rows[:end]], generate=False))
        except DataError:
            return False

    def _prompt_parts(self, rows: list[dict[str, Any]], origin: int) -> list[Part]:
        text = self._render([rows], generate=True)[0]
        parts = self._cut(text, rows, origin) if self.facts.prefix_preserving else None
        return [Part(part.text) for part in parts] if parts else [Part(text)]

    def _cut(self, text: str, rows: list[dict[str, Any]], origin: int) -> list[Part] | None:
        """Cut `text`, that of `rows`, where each answer begins and stops; None where a prompt is no beginning of it."""
        answers = [i for i, row in enumerate(rows) if row["role"] == "assistant" and i + origin not in self.unasked]
        begins = self._begins(text, rows, answers)
        if begins is None:
            return None
        parts: list[Part] = []
        at = 0
        for position, begin in zip(answers, begins, strict=True):
            stop = self._stop.search(text, begin)
            if stop is None:
                raise _no_stop(origin + position)
            if begin < at:
                return None
            parts += [Part(text[at:begin]), Part(text[begin : stop.end()], origin + position)]
            at = stop.end()
        return [*parts, Part(text[at:])]

    def _begins(self, text: str, rows: list[dict[str, Any]], answers: list[int]) -> list[int] | None:
        """Where in `text` each of `answers` begins: where the text of the prompt that asks for it ends.

        Rendering every prompt takes a time that grows with the square of the conversation. So, where the template asks
        for each answer in the same words (which hold a control token, so nobody else can have written them) and these
        stand in `text` once for each answer, their places are taken, and only the middle and the last prompt rendered.
        """
        asked = [] if not self.facts.opener else [found.end() for found in self._opener.finditer(text)]
        if asked and asked[-1] == len(text):
            asked.pop()
        sampled = {len(answers) // 2, len(answers) - 1} if len(asked) == len(answers) > 2 else set(range(len(answers)))
        prompts = self._render([rows[: answers[n]] for n in sorted(sampled)], generate=True) if answers else []
        if not all(text.startswith(prompt) for prompt in prompts):
            return None
        ends = dict(zip(sorted(sampled), map(len, prompts), strict=True))
        if len(ends) == len(answers):
            return list(ends.values())
        return asked if all(asked[n] == end for n, end in ends.items()) else None

    def _pieces(self, parts: list[Part]) -> list[Piece]:
        encoded = self._encoder.encode([part.text for part in parts])
        return [Piece(ids, part.answer, part.answer in self._calling) for ids, part in zip(encoded, parts, strict=True)]


def _no_stop(index: int) -> DataError:
    return DataError(
        f"the chat template writes no end of turn after message {index}",
        remedy=OTHER_TEMPLATE,
    )


def _check(messages: Sequence[Message], tools: Sequence[Tool] | None, facts: TemplateFacts) -> None:
    """Refuse what the template would leave out without a word."""
    if not messages:
        raise DataError("a conversation without messages has no text")
    left_out = "the base's chat template leaves"
    calling = [message for message in messages if message.tool_calls]
    if facts.refusal and (tools or calling):
        raise ModelError(f"the base's chat template refuses calls of tools: {facts.refusal}", remedy=OTHER_TEMPLATE)
    if tools and not facts.tools:
        raise ModelError(f"{left_out} tools out", remedy=OTHER_TEMPLATE)
    if not facts.calls and calling:
        raise ModelError(f"{left_out} tool calls out", remedy=OTHER_TEMPLATE)
    if not facts.beside and any((message.content or "").strip() for message in calling):
        raise ModelError(f"{left_out} out what is said beside a call", remedy=OTHER_TEMPLATE)
    if not facts.results and any(message.role == "tool" for message in messages):
        raise ModelError(f"{left_out} the results of tools out", remedy=OTHER_TEMPLATE)
