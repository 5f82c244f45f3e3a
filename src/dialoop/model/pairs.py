"""Answers to one prompt as token ids: the answer that stands in the record, and one that it is held against.

Both follow the very same prompt, so that their likelihoods compare. It does not know models, losses or figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dialoop.conversation.record import Conversation, Message
from dialoop.errors import DataError
from dialoop.model.answer import parse_answer
from dialoop.model.script import Script
from dialoop.model.sentence import prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Answers:
    """Several answers to one prompt, as ids, each with its stop token.

    `index`: of the message in the conversation. `left_out`: turns at the front that the window has no room for.
    """

    index: int
    prompt: list[int]
    answers: list[list[int]]
    left_out: int = 0


def is_pair(message: Message) -> bool:
    """Whether a person put this answer in another's place, and it is a target."""
    return message.is_target and bool((message.rejected or "").strip())


def rejected_message(message: Message) -> Message:
    """The answer that `message` replaced: the text of its `rejected`, taken apart as a model's own answer is.

    So a call in `rejected` is one in the Hermes and Qwen form, `<tool_call>{"name", "arguments"}</tool_call>`.
    """
    found = parse_answer(message.rejected or "")
    if found.malformed or (found.content is None and not found.tool_calls):
        return Message(role="assistant", content=message.rejected)
    return Message(role="assistant", content=found.content, tool_calls=found.tool_calls or None)


def answer_pairs(
    conversation: Conversation, tokenizer: PreTrainedTokenizerBase, *, window: int | None = None
) -> tuple[list[Answers], int]:
    """All pairs of a conversation (`answers`: the chosen one, the rejected one), and how many do not fit the window.

    Raises DataError, ModelError where the base's template cannot write them.
    """
    made = [
        answers_at(conversation, index, [message, rejected_message(message)], tokenizer, window=window)
        for index, message in enumerate(conversation.messages)
        if is_pair(message)
    ]
    pairs = [one for one in made if one is not None]
    return pairs, len(made) - len(pairs)


def answers_at(
    conversation: Conversation,
    index: int,
    said: Sequence[Message],
    tokenizer: PreTrainedTokenizerBase,
    *,
    window: int | None = None,
) -> Answers | None:
    """The prompt that asks for message `index`, and each of `said` as the answer to it; None where it does not fit,
    and where the agent opens the conversation and the base's template cannot ask for that.

    Whole turns leave at the front until the prompt and the longest answer are at most `window` tokens.
    """
    history, tools = conversation.messages[:index], conversation.tools
    scripts = [Script([*history, one], tools, tokenizer) for one in said]
    if any(index in script.unasked for script in scripts):
        return None
    parts = [script.answer(script.head, index) for script in scripts]
    answers = [one[-1].ids for one in parts]
    room = None if window is None else window - max(map(len, answers))
    if room is not None and room < 1:
        return None
    if not history:
        opening = [id_ for piece in parts[0][:-1] for id_ in piece.ids]
        return Answers(index, opening, answers) if room is None or len(opening) <= room else None
    asked = prompt(history, tools, tokenizer)
    if room is not None and len(asked.ids) > room:
        try:
            asked = prompt(history, tools, tokenizer, window=room)
        except DataError:  # rendered a moment ago, so the length alone is refused
            return None
    return Answers(index, asked.ids, answers, asked.left_out)
