"""Messages become the model's sentence: token ids, and which of them are targets. The one place where that happens.

Targets are every answer of weight 1: text, tool calls and the stop token. Where a conversation is longer than the
model's window, whole turns leave from the front, and that is counted. It does not know models, batches or losses; how
text is rendered and cut stands in `script`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from dialoop.conversation.record import FunctionCall, Message, Tool, ToolCall
from dialoop.errors import DataError
from dialoop.model.script import Piece, Script

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ONE_ANSWER = "the chat template rewrites earlier answers, so each answer has a sentence of its own"


@dataclass(frozen=True)
class Sentence:
    """Token ids of a conversation or of a part of it.

    `targets[i]` is True where token `ids[i]` must be predicted (it is the label, not the predictor), `calls[i]` where
    it belongs to an answer that calls a tool. `left_out` counts the turns at the front that are not shown because the
    window is full; a turn begins with a user's message. `lost` counts answers of weight 1 that no sentence of the same
    call teaches. `note` says what a person should know. A sentence without ids stands for a turn that does not fit into
    the window even alone.
    """

    ids: list[int]
    targets: list[bool]
    left_out: int = 0
    lost: int = 0
    note: str | None = None
    calls: list[bool] = field(default_factory=list)


@dataclass(frozen=True)
class Prompt:
    """What an engine feeds to a model: token ids up to where the answer begins; turns left out at the front."""

    ids: list[int]
    left_out: int = 0


def sentence(
    messages: Sequence[Message],
    tools: Sequence[Tool] | None,
    tokenizer: PreTrainedTokenizerBase,
    *,
    window: int | None = None,
    all_targets: bool = False,
) -> Sentence:
    """The sentence of `messages` up to the last answer, at most `window` tokens; turns leave at the front.

    The system message and the tools stay. With `all_targets` every token but the first is a target, whoever says it,
    and what follows the last answer is in. Where the template is not prefix-preserving (Qwen3) only the last answer of
    weight 1 is a target, and `note` says so. Raises DataError, ModelError.
    """
    script = Script(messages, tools, tokenizer)
    if script.is_blank:
        return _nothing(script, messages)
    wanted = [i for i in script.answers if messages[i].is_target]
    end = len(messages) if all_targets or not wanted else wanted[-1] + 1
    firsts = [first for first in script.turns if first < end] or [script.head]
    learn = bool(wanted) and not all_targets
    made = _shortest(partial(_build, script, end=end, learn=learn), firsts, window)
    if made is None:
        return Sentence([], [], len(firsts), len(wanted), f"the last turn alone is longer than {window} tokens")
    pieces, left_out = made
    taught = {piece.answer for piece in pieces if piece.answer in wanted}
    lost = 0 if all_targets else len(wanted) - len(taught)
    rewritten = lost and not left_out
    lost += 0 if all_targets else _unasked(script, messages)
    return _sentence(
        pieces, None if all_targets else taught, left_out=left_out, lost=lost, note=ONE_ANSWER if rewritten else None
    )


def sentences(
    messages: Sequence[Message],
    tools: Sequence[Tool] | None,
    tokenizer: PreTrainedTokenizerBase,
    *,
    window: int | None = None,
    all_targets: bool = False,
) -> list[Sentence]:
    """Sentences that together teach every answer of weight 1 once, each at most `window` tokens.

    One, where the conversation fits and the template is prefix-preserving. One for each answer, where the template
    rewrites earlier answers. Where the conversation is too long, as many as it takes: each goes on where the one before
    it ended, and shows again as many of the earlier turns as fit. What no sentence can hold is counted in `lost`.
    """
    script = Script(messages, tools, tokenizer)
    if script.is_blank:
        return [_nothing(script, messages)]
    made = _sentences(script, messages, window, all_targets)
    unasked = 0 if all_targets else _unasked(script, messages)
    return [replace(made[0], lost=made[0].lost + unasked), *made[1:]] if unasked and made else made


def _sentences(script: Script, messages: Sequence[Message], window: int | None, all_targets: bool) -> list[Sentence]:
    """Those of `sentences`, but for the answers that nothing asks for."""
    wanted = [i for i in script.answers if messages[i].is_target]
    end = len(messages) if all_targets or not wanted else wanted[-1] + 1
    learn = bool(wanted) and not all_targets
    pieces = script.whole(script.head, end, tail=not learn)
    if pieces is None and learn:
        return [_one_answer(script, i, script.turns[0], window, ONE_ANSWER) for i in wanted]
    if pieces is None:
        pieces = script.text(script.head, end)
    if window is None or _length(pieces) <= window:
        return [_sentence(pieces, None if all_targets else set(wanted))]
    return list(_windows(script, end, window, None if all_targets else wanted))


def prompt(
    messages: Sequence[Message],
    tools: Sequence[Tool] | None,
    tokenizer: PreTrainedTokenizerBase,
    *,
    call: str | None = None,
    window: int | None = None,
) -> Prompt:
    """The prompt that asks for the next answer, at most `window` tokens; whole turns leave at the front, counted.

    `call` ("any", or a tool's name) appends the beginning of a call, as far as its tokens do not depend on what is
    called with. Raises DataError, also where the last turn alone does not fit.
    """
    script = Script(messages, tools, tokenizer)
    begun = _begun_call(script, tools, call) if call is not None else []
    made = _shortest(script.prompt, script.turns or [script.head], None if window is None else window - len(begun))
    if made is None:
        raise DataError(
            f"the system message, the tools and the last turn are longer than {window} tokens",
            remedy="give a shorter last message, fewer tools, or a base with a larger window",
        )
    pieces, left_out = made
    return Prompt([*(id_ for piece in pieces for id_ in piece.ids), *begun], left_out)


def prompt_ids(
    messages: Sequence[Message],
    tools: Sequence[Tool] | None,
    tokenizer: PreTrainedTokenizerBase,
    *,
    call: str | None = None,
) -> list[int]:
    """The ids of `prompt` without a window: the beginning of the sentence in which the next answer is a target."""
    return prompt(messages, tools, tokenizer, call=call).ids


def _begun_call(script: Script, tools: Sequence[Tool] | None, call: str) -> list[int]:
    """The ids that all calls of `call` begin with, found by writing calls with unlike arguments."""
    names = [str(tool["function"]["name"]) for tool in tools or []] if call == "any" else [call]
    if not names:
        raise DataError("a call is forced, but there are no tools", remedy="give tools, or do not force a call")
    unlike = ["{}", '{"a": "b"}', '{"Z": 1}', '{"_": {"1": []}}', '{"名": true}']
    made = [ToolCall(id="call_1", function=FunctionCall(name=name, arguments=one)) for name in names for one in unlike]
    written = [script.begun(Message(role="assistant", tool_calls=[one])) for one in made]
    shortest = min(written, key=len)
    alike = [all(ids[n] == id_ for ids in written) for n, id_ in enumerate(shortest)]
    return shortest[: alike.index(False) if False in alike else len(alike)]


def _unasked(script: Script, messages: Sequence[Message]) -> int:
    """Answers of weight 1 that the template cannot ask for."""
    return sum(messages[i].is_target for i in script.unasked)


def _nothing(script: Script, messages: Sequence[Message]) -> Sentence:
    return Sentence([], [], 0, _unasked(script, messages), "the chat template cannot show an agent that speaks alone")


def _sentence(
    pieces: list[Piece], taught: Set[int | None] | None, *, left_out: int = 0, lost: int = 0, note: str | None = None
) -> Sentence:
    """`taught`: the answers that are targets; None: every token but the first is one."""
    ids: list[int] = []
    targets: list[bool] = []
    calls: list[bool] = []
    for piece in pieces:
        calls += [piece.calls] * len(piece.ids)
        ids += piece.ids
        targets += [taught is None or piece.answer in taught] * len(piece.ids)
    if taught is None and targets:
        targets[0] = False
    return Sentence(ids, targets, left_out, lost, note, calls)


def _length(pieces: list[Piece]) -> int:
    return sum(len(piece.ids) for piece in pieces)


def _build(script: Script, first: int, end: int, *, learn: bool) -> list[Piece]:
    """The pieces in one; where the template forbids it, with the last answer alone marked (`learn`), or uncut."""
    pieces = script.whole(first, end, tail=not learn)
    if pieces is not None:
        return pieces
    return script.answer(first, end - 1) if learn else script.text(first, end)


def _shortest(
    build: Callable[[int], list[Piece]], firsts: Sequence[int], window: int | None
) -> tuple[list[Piece], int] | None:
    """Build from the earliest of `firsts` that fits into `window`; say how many were passed over. None: none fits."""
    pieces = build(firsts[0])
    if window is None or _length(pieces) <= window:
        return pieces, 0
    fitting: tuple[list[Piece], int] | None = None
    low, high = 1, len(firsts) - 1
    while low <= high:
        middle = (low + high) // 2
        pieces = build(firsts[middle])
        if _length(pieces) <= window:
            fitting, high = (pieces, middle), middle - 1
        else:
            low = middle + 1
    return fitting


def _one_answer(script: Script, index: int, earliest: int, window: int | None, note: str | None) -> Sentence:
    firsts = [first for first in script.turns if earliest <= first <= index]
    made = _shortest(lambda first: script.answer(first, index), firsts, window)
    skipped = script.turns.index(firsts[0])
    if made is None:
        return Sentence([], [], len(firsts) + skipped, 1, f"message {index} ends a turn longer than {window} tokens")
    return _sentence(made[0], {index}, left_out=made[1] + skipped, note=note)


def _windows(script: Script, end: int, window: int, wanted: list[int] | None) -> Iterator[Sentence]:
    """Sentences of at most `window` tokens over the messages up to `end`; `wanted` None: all tokens are targets.

    All but the first take new turns up to half the window, so that what they teach has been preceded by something.
    """
    starts = [first for first in script.turns if first < end]
    ends = [*starts[1:], end]
    build = partial(_build, script, learn=wanted is not None)
    turn = 0
    while turn < len(starts):
        room = window if turn == 0 or wanted is None else window // 2
        last = turn
        pieces = build(starts[turn], end=ends[turn])
        while last + 1 < len(starts) and _length(pieces) <= room:
            more = build(starts[turn], end=ends[last + 1])
            if _length(more) > room:
                break
            pieces, last = more, last + 1
        new = None if wanted is None else {i for i in wanted if starts[turn] <= i < ends[last]}
        if _length(pieces) > window:
            yield from _too_long(script, starts[turn], ends[turn], window, new)
        elif new is None:
            yield _sentence(pieces, None, left_out=turn)
        elif new:
            made = _shortest(partial(build, end=ends[last]), starts[: turn + 1], window)
            shown, left_out = made if made is not None else (pieces, turn)
            yield _sentence(shown, new, left_out=left_out)
        turn = last + 1


def _too_long(script: Script, first: int, end: int, window: int, wanted: set[int] | None) -> Iterator[Sentence]:
    """A turn that does not fit even alone: what of it can be taught, and a count of the rest."""
    position = script.turns.index(first) + 1
    if wanted is None:
        yield Sentence([], [], position, 0, f"turn {position} alone is longer than {window} tokens")
    for index in sorted(wanted or ()):
        yield _one_answer(script, index, first, window, None)
