"""Messages become text here, and only here: what a tokenizer's chat template does, and what is known of it.

`render` is the one place that calls `apply_chat_template`. Control tokens that stand in somebody's words (a customer
writes `<|im_end|>`) are marked before rendering, so that they are tokenised as words and steer nothing. It does not
know token ids, targets or windows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError

from dialoop.conversation import parse_tool_arguments
from dialoop.conversation.record import Conversation, FunctionCall, Message, Tool, ToolCall
from dialoop.errors import DataError, ModelError
from dialoop.model.answer import parse_answer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MARK = "\ufdd0"
"""Stands inside a control token that is somebody's words. A Unicode noncharacter, kept for use inside a program."""

_BY_NAME = ("properties", "$defs", "definitions")
OTHER_TEMPLATE = "tune with a packaged chat template: --template chatml (in Python: load_base(…, template='chatml'))"
"""What helps where a base's own template cannot write something."""


@dataclass(frozen=True)
class RowForm:
    """What a template wants where OpenAI's form leaves it open.

    `empty`: an answer that only calls has the `content` "", not none at all (Qwen3 of April 2025). `nine`: the id of a
    call is nine letters and digits (Mistral).
    """

    empty: bool = False
    nine: bool = False


_AS_GIVEN = RowForm()
_MOST = RowForm(empty=True, nine=True)
_FORMS = [RowForm(empty, nine) for nine in (False, True) for empty in (False, True)]


@dataclass(frozen=True)
class TemplateFacts:
    """What was seen when a tokenizer's chat template rendered a short probe.

    `stops` are the control tokens that end an assistant's turn. `prefix_preserving`: the text of a conversation begins
    with the text of each of its beginnings. `tools`, `calls`, `results`: these reach the text; so do words `beside` a
    call. `opener`: the words that ask for an answer, from their last control token on; empty where they are not the
    same for every answer. `form`: the rows in which calls reach the text. `readable`: `parse_answer` reads the calls
    that it writes. `refusal`: what the template says against calls, where it refuses them in every form.
    """

    stops: tuple[str, ...]
    opener: str
    prefix_preserving: bool
    tools: bool
    calls: bool
    results: bool
    beside: bool
    readable: bool
    form: RowForm
    refusal: str


def control_tokens(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """The tokens of `tokenizer` that steer a model, with their ids: its special added tokens."""
    return {added.content: id_ for id_, added in tokenizer.added_tokens_decoder.items() if added.special}


@lru_cache(maxsize=64)
def control_pattern(tokens: tuple[str, ...]) -> re.Pattern[str]:
    """Matches any of `tokens`, the longest first, as a group."""
    longest_first = sorted(tokens, key=len, reverse=True)
    return re.compile("(" + ("|".join(map(re.escape, longest_first)) or "(?!)") + ")")


def render(
    messages: Sequence[Message],
    tools: Sequence[Tool] | None,
    tokenizer: PreTrainedTokenizerBase,
    add_generation_prompt: bool = False,
) -> str:
    """The text of `messages` in the tokenizer's chat template.

    Raises DataError where the template refuses the order of roles, or where a call's arguments are no JSON object.
    """
    calls = any(message.tool_calls for message in messages)
    form = template_facts(tokenizer).form if calls else _AS_GIVEN
    return _written(messages, tools, tokenizer, add_generation_prompt, form)


def _written(
    messages: Sequence[Message],
    tools: Sequence[Tool] | None,
    tokenizer: PreTrainedTokenizerBase,
    generate: bool = False,
    form: RowForm = _AS_GIVEN,
) -> str:
    prepared = prepare(messages, tools, tokenizer, form)
    return render_all([prepared.messages], prepared.tools, tokenizer, generate)[0].replace(MARK, "")


@dataclass(frozen=True)
class Prepared:
    """Messages and tools as a chat template wants them; control tokens in anybody's words are marked."""

    messages: list[dict[str, Any]]
    tools: list[Any] | None


def prepare(
    messages: Sequence[Message], tools: Sequence[Tool] | None, tokenizer: PreTrainedTokenizerBase, form: RowForm
) -> Prepared:
    """Give `messages` and `tools` the form that the chat template expects (`TemplateFacts.form`).

    Raises DataError for arguments that are no JSON object.
    """
    pattern = control_pattern(tuple(control_tokens(tokenizer)))
    rows = [_row(message, form) for message in messages]
    return Prepared(_marked(rows, pattern), _marked([_shown(tool) for tool in tools], pattern) if tools else None)


def render_all(
    conversations: Sequence[list[dict[str, Any]]],
    tools: list[Any] | None,
    tokenizer: PreTrainedTokenizerBase,
    add_generation_prompt: bool,
) -> list[str]:
    """The text of each of `conversations` (prepared rows), with marks still in it. Raises ModelError, DataError."""
    if not tokenizer.chat_template:
        raise ModelError(
            "the tokenizer has no chat template", remedy="load the base with load_base, which gives it one"
        )
    try:
        texts = tokenizer.apply_chat_template(
            list(conversations), tools=tools, add_generation_prompt=add_generation_prompt, tokenize=False
        )
    except (TemplateError, TypeError) as error:
        raise DataError(
            f"the chat template refuses this conversation: {error}",
            remedy=f"put the messages into an order that the base knows, or {OTHER_TEMPLATE}",
        ) from error
    return [str(text) for text in texts]


def _shown(tool: Tool) -> Tool:
    """The tool as a model sees it: without the keywords of its parameters that begin with `x-`."""
    function = tool["function"]
    if '"x-' not in json.dumps(function):
        return tool
    return {**tool, "function": {**function, "parameters": _plain(function["parameters"])}}


def _plain(schema: Any) -> Any:
    """A JSON schema without extensions; names of properties are no keywords."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _plain(part) for name, part in value.items()}
        if key in _BY_NAME and isinstance(value, dict)
        else _plain(value)
        for key, value in schema.items()
        if not key.startswith("x-")
    }


def _row(message: Message, form: RowForm) -> dict[str, Any]:
    row: dict[str, Any] = {"role": message.role}
    if message.content is not None or not message.tool_calls or form.empty:
        row["content"] = message.content or ""
    if message.tool_calls:
        row["tool_calls"] = [
            {
                "id": _nine(call.id) if form.nine else call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": _arguments(call.function)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        row["tool_call_id"] = _nine(message.tool_call_id) if form.nine else message.tool_call_id
    if message.name is not None:
        row["name"] = message.name
    return row


def _nine(id_: str) -> str:
    """A call's id in nine letters and digits, the same wherever it stands; one that is so already stays."""
    plain = re.sub(r"[^0-9A-Za-z]", "", id_)
    return plain.rjust(9, "0") if len(plain) <= 9 else hashlib.sha256(id_.encode("utf-8", "replace")).hexdigest()[:9]


def _arguments(function: FunctionCall) -> dict[str, Any]:
    try:
        return parse_tool_arguments(function.arguments)
    except DataError as error:
        raise DataError(f"the call of {function.name!r}: {error.what}", remedy=error.remedy) from error


def _marked(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        if MARK in value:
            raise DataError("the text holds U+FDD0, which Unicode keeps out of texts", remedy="take it out")
        return pattern.sub(lambda found: found[0][0] + MARK + found[0][1:], value) if pattern.search(value) else value
    if isinstance(value, list):
        return [_marked(item, pattern) for item in value]
    if isinstance(value, dict):
        return {key: _marked(item, pattern) for key, item in value.items()}
    return value


_PROBE = [
    Message(role="user", content="probe one"),
    Message(role="assistant", content="<think>\nmulling\n</think>\n\nprobe two"),
    Message(role="user", content="probe three"),
    Message(role="assistant", content="probe four"),
]
_CALL = ToolCall(id="call_1", function=FunctionCall(name="probe_call", arguments='{"probe_key": "probe five"}'))
_PROBE_TOOLS = [
    *_PROBE[2:],
    Message(role="user", content="probe ten"),
    Message(role="assistant", tool_calls=[_CALL]),
    Message(role="tool", content="probe six", tool_call_id="call_1", name="probe_call"),
    Message(role="assistant", content="probe seven"),
]
_PROBE_TOOL: Tool = {
    "type": "function",
    "function": {
        "name": "probe_call",
        "description": "probe eight",
        "parameters": {"type": "object", "properties": {"probe_key": {"type": "string"}}},
    },
}


def template_facts(tokenizer: PreTrainedTokenizerBase) -> TemplateFacts:
    """What the chat template of `tokenizer` does; found once by rendering a probe, then remembered.

    Raises ModelError where the template cannot be trained on: its generation prompt is not how its answers begin, or it
    writes no control token at the end of an answer.
    """
    return _facts(tokenizer, json.dumps(tokenizer.chat_template))


@lru_cache(maxsize=16)
def _facts(tokenizer: PreTrainedTokenizerBase, template: str) -> TemplateFacts:
    return _look(tokenizer)


def is_prefix_preserving(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether one sentence can teach all answers of a conversation; else (Qwen3) each answer gets its own."""
    return template_facts(tokenizer).prefix_preserving


def unread_calls(conversations: Iterable[Conversation], tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """What a person is told where the template writes the calls of `conversations` in a form that nothing here reads.

    Nothing where `parse_answer` reads it, or nobody calls.
    """
    if template_facts(tokenizer).readable:
        return []
    calling = sum(any(message.tool_calls for message in one.messages) for one in conversations)
    what = (
        f"{calling:,} conversations hold calls, which the base's chat template writes in a form of its own: dialoop"
        f" serves and measures them as text, not as calls; {OTHER_TEMPLATE}"
    )
    return [what] if calling else []


def _look(tokenizer: PreTrainedTokenizerBase) -> TemplateFacts:
    stops = [_stop(_PROBE[2:], None, tokenizer, _AS_GIVEN)]
    openers = {_opener(_PROBE[:n], None, tokenizer, _AS_GIVEN) for n in (1, 3)}
    preserving = _prefixes_hold(_PROBE, None, tokenizer, _AS_GIVEN)
    tools = [_PROBE_TOOL]
    form, text, refusal = _with_calls(tokenizer)
    calls = "probe five" in text
    if calls:
        stops.append(_stop(_PROBE_TOOLS[:4], tools, tokenizer, form))
        openers |= {_opener(_PROBE_TOOLS[:n], tools, tokenizer, form) for n in (1, 3, 5)}
        preserving = preserving and _prefixes_hold(_PROBE_TOOLS, tools, tokenizer, form)
    return TemplateFacts(
        stops=tuple(dict.fromkeys(stops)),
        opener=openers.pop() if len(openers) == 1 else "",
        prefix_preserving=preserving,
        tools=bool(text) and "probe_call" in _written(_PROBE_TOOLS[:1], tools, tokenizer),
        calls=calls,
        results="probe six" in text,
        beside=calls and _keeps_words(tokenizer, form),
        readable=calls and _reads_back(tokenizer, form, stops[-1]),
        form=form,
        refusal=refusal,
    )


def _with_calls(tokenizer: PreTrainedTokenizerBase) -> tuple[RowForm, str, str]:
    """The first form in which a call reaches the text, and the text; what the template says where it refuses all."""
    texts: dict[RowForm, str] = {}
    refusals: dict[RowForm, str] = {}
    for form in _FORMS:
        try:
            texts[form] = _written(_PROBE_TOOLS, [_PROBE_TOOL], tokenizer, form=form)
        except DataError as error:
            refusals[form] = str(error.__cause__ or error.what)
        else:
            if "probe five" in texts[form]:
                return form, texts[form], ""
    return _AS_GIVEN, next(iter(texts.values()), ""), "" if texts else refusals[_MOST]


def _keeps_words(tokenizer: PreTrainedTokenizerBase, form: RowForm) -> bool:
    """Whether words beside a call reach the text."""
    both = Message(role="assistant", content="probe nine", tool_calls=[_CALL])
    try:
        return "probe nine" in _written([*_PROBE_TOOLS[:3], both], [_PROBE_TOOL], tokenizer, form=form)
    except DataError:
        return False


def _reads_back(tokenizer: PreTrainedTokenizerBase, form: RowForm, stop: str) -> bool:
    """Whether `parse_answer` finds the call in the answer that the template makes of it."""
    prompt = _written(_PROBE_TOOLS[:3], [_PROBE_TOOL], tokenizer, True, form)
    answer = _written(_PROBE_TOOLS[:4], [_PROBE_TOOL], tokenizer, form=form)[len(prompt) :].partition(stop)[0]
    found = [call.function for call in parse_answer(answer).tool_calls]
    return [(one.name, json.loads(one.arguments)) for one in found] == [("probe_call", {"probe_key": "probe five"})]


def _opener(
    messages: list[Message], tools: list[Tool] | None, tokenizer: PreTrainedTokenizerBase, form: RowForm
) -> str:
    prompt = _written(messages, tools, tokenizer, True, form)
    begins = [found.start() for found in control_pattern(tuple(control_tokens(tokenizer))).finditer(prompt)]
    return prompt[begins[-1] :] if begins else ""


def _prefixes_hold(
    messages: list[Message], tools: list[Tool] | None, tokenizer: PreTrainedTokenizerBase, form: RowForm
) -> bool:
    whole = _written(messages, tools, tokenizer, form=form)
    answers = [i for i, message in enumerate(messages) if message.role == "assistant"]
    return all(
        whole.startswith(_written(messages[:i], tools, tokenizer, True, form))
        and whole.startswith(_written(messages[: i + 1], tools, tokenizer, form=form))
        for i in answers
    )


def _stop(messages: list[Message], tools: list[Tool] | None, tokenizer: PreTrainedTokenizerBase, form: RowForm) -> str:
    """The last control token of the last answer of `messages`."""
    prompt = _written(messages[:-1], tools, tokenizer, True, form)
    whole = _written(messages, tools, tokenizer, form=form)
    if not whole.startswith(prompt) or len(whole) == len(prompt):
        raise ModelError(
            f"the chat template asks for an answer with {prompt[-40:]!r}, but its answers do not begin so",
            remedy=OTHER_TEMPLATE,
        )
    found = control_pattern(tuple(control_tokens(tokenizer))).findall(whole[len(prompt) :])
    if not found:
        raise ModelError(
            "the chat template ends an answer with no control token, so a model could not learn to stop",
            remedy=OTHER_TEMPLATE,
        )
    return str(found[-1])
