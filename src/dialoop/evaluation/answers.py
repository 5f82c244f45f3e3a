"""Lets a base answer every target turn, greedily and on the true history, and holds each answer against the truth.

One generation a turn serves calls and texts alike. Knows nothing of figures or intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dialoop.conversation import Conversation, Message
from dialoop.engine import Guide, can_hold, generate_greedy
from dialoop.errors import DataError, RequestError, SettingsError
from dialoop.evaluation.calls import ToolsSeen, comparable, same_calls, same_names
from dialoop.evaluation.progress import Progress
from dialoop.evaluation.results import Answer
from dialoop.evaluation.settings import EvaluationSettings
from dialoop.evaluation.texts import chrf_score
from dialoop.model import Base, answers_at, parse_answer, prompt


@dataclass(frozen=True)
class Turn:
    """One target turn of a conversation and the prompt that leads to it."""

    conversation: Conversation
    number: int  # of the conversation among those measured
    index: int  # of the message in the conversation
    prompt: list[int]
    shortened: bool

    @property
    def true(self) -> Message:
        """What was truly said."""
        return self.conversation.messages[self.index]


@dataclass(frozen=True)
class Answered:
    """All answers, aligned with the numbers of their conversations, and what could not be answered as asked."""

    answers: list[Answer]
    numbers: list[int]
    shortened: int
    too_long: int
    held: int


def answer_turns(
    base: Base,
    conversations: Sequence[Conversation],
    languages: Sequence[str],
    settings: EvaluationSettings,
    seen: ToolsSeen | None,
    progress: Progress,
) -> Answered:
    """Answers every target turn of `conversations`.

    A history that does not fit the window beside `max_new_tokens` is shortened from the front by whole turns, system
    messages kept; where even the last turn alone does not fit, the turn is counted in `too_long` and not answered; so
    is an answer that opens a conversation where the base's template cannot ask for one.
    `held` counts the answers whose calls were held to the schemas of their tools.

    Raises:
        SettingsError: `max_new_tokens` leaves no room in the base's window.
    """
    room = base.window - settings.max_new_tokens
    if room <= 0:
        raise SettingsError(
            f"max_new_tokens is {settings.max_new_tokens}, the window of {base.name} only {base.window} tokens",
            remedy="give a smaller --max-new-tokens",
        )
    turns: list[Turn] = []
    too_long = 0
    for number, conversation in enumerate(conversations):
        for index, message in enumerate(conversation.messages):
            if message.is_target:
                turn = _turn(base, conversation, number, index, room)
                too_long += turn is None
                turns += [turn] if turn else []
    outputs: list[list[int]] = []
    holds = settings.held and any(turn.conversation.tools for turn in turns) and can_hold(base)
    held = 0
    stride = settings.batch_size * 8
    for start in range(0, len(turns), stride):
        progress("answering turns", start, len(turns))
        some = turns[start : start + stride]
        guides = [_guide(turn) if holds else None for turn in some]
        held += sum(guide is not None for guide in guides)
        prompts = [turn.prompt for turn in some]
        outputs += generate_greedy(base, prompts, settings.max_new_tokens, settings.batch_size, guides)
    answers = [
        _answer(base, turn, languages[turn.number], output, settings.max_new_tokens, seen)
        for turn, output in zip(turns, outputs, strict=True)
    ]
    shortened = sum(turn.shortened for turn in turns)
    return Answered(answers, [turn.number for turn in turns], shortened, too_long, held)


def _turn(base: Base, conversation: Conversation, number: int, index: int, room: int) -> Turn | None:
    """The turn with the longest history that fits `room` tokens; None where none fits, and for an answer that opens
    the conversation where the base's template cannot ask for one.
    """
    history = conversation.messages[:index]
    if not any(message.role == "user" for message in history):
        found = answers_at(conversation, index, [conversation.messages[index]], base.tokenizer)
        fits = found is not None and len(found.prompt) <= room
        return Turn(conversation, number, index, found.prompt, shortened=False) if found and fits else None
    made = prompt(history, conversation.tools, base.tokenizer)
    if len(made.ids) > room:
        try:
            made = prompt(history, conversation.tools, base.tokenizer, window=room)
        except DataError:  # rendered a moment ago, so the length alone is refused
            return None
    return Turn(conversation, number, index, made.ids, shortened=made.left_out > 0)


def _guide(turn: Turn) -> Guide | None:
    """What holds the answer to its tools; None where there are none, or where one of them cannot be called at all."""
    tools = turn.conversation.tools
    try:
        return Guide(tools, "auto", turn.conversation.messages[: turn.index]) if tools else None
    except RequestError:
        return None


def _answer(
    base: Base, turn: Turn, lang: str, output: Sequence[int], max_new_tokens: int, seen: ToolsSeen | None
) -> Answer:
    ids = list(output)
    capped = len(ids) >= max_new_tokens and ids[-1] not in base.eos_ids
    while ids and ids[-1] in base.eos_ids:
        ids.pop()
    parsed = parse_answer(str(base.tokenizer.decode(ids, skip_special_tokens=False)))
    said_calls = [comparable(call) for call in parsed.tool_calls]
    true_calls = [comparable(call) for call in turn.true.tool_calls or []]
    if true_calls:
        score = 1.0 if same_calls(said_calls, true_calls) else 0.5 * same_names(said_calls, true_calls)
    else:
        score = 0.0 if said_calls else chrf_score(parsed.content or "", turn.true.content or "")
    return Answer(
        conversation=turn.conversation.id,
        index=turn.index,
        lang=lang,
        kind="call" if true_calls else "text",
        seen=seen.has_seen(true_calls, turn.conversation.tools) if seen and true_calls else None,
        asked=_asked(turn),
        truth=turn.true.content,
        true_calls=true_calls,
        said=parsed.content,
        said_calls=said_calls,
        malformed=list(parsed.malformed),
        capped=capped,
        score=score,
    )


def _asked(turn: Turn) -> str:
    if turn.index == 0:
        return ""
    before = turn.conversation.messages[turn.index - 1]
    return f"{before.role}: {before.content or ''}"
