"""Plain transcripts: `User: ...` and `Agent: ...` (also 用户：… 客服：…), a blank line between conversations.

A line without a speaker goes on with the message before it; one that begins with two spaces always does, whatever
follows. Lines `# key = value` at the head of a conversation say its id, lang, source, split, customer, outcome.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dialoop.conversation.faults import Fault, Refusal
from dialoop.conversation.forms import openai
from dialoop.conversation.forms.page import Page
from dialoop.conversation.forms.turns import meta_row, plain_turns
from dialoop.conversation.json_text import shorten
from dialoop.conversation.lines import Line
from dialoop.conversation.record import META, Conversation
from dialoop.errors import Place

_USERS = "user customer client caller guest visitor human q 用户 客户 顾客 客人 旅客 访客 买家 问 用戶 客戶 顧客"
_ASSISTANTS = (
    "assistant agent bot support operator representative ai staff a "
    "客服 助手 助理 机器人 坐席 接线员 卖家 前台 答 機器人"
)
_ROLES = dict.fromkeys(_USERS.split(), "user") | dict.fromkeys(_ASSISTANTS.split(), "assistant")
_ROLES |= {"system": "system", "系统": "system", "系統": "system"}

_SPEAKER = re.compile(r"([^\W\d_][\w ]{0,23})(?::(?=\s|$)|：)\s*(.*)")
_OTHER_NAME = re.compile(r"[^\W\d_][\w .'’()#&/-]{0,39}(?::(?=\s|$)|：).*")
_NOTE = re.compile(r"#\s*(\w+)\s*=\s*(.*)")
_GO_ON = "  "


def fits(lines: list[str]) -> bool:
    """Whether the first lines are said by known speakers, both sides among them or at least two lines."""
    said = [match for line in lines if (match := _SPEAKER.fullmatch(line.strip()))]
    roles = [_ROLES.get(match.group(1).strip().casefold()) for match in said]
    known = [role for role in roles if role]
    return len(known) >= 2 and len(known) * 2 > len(roles)


def read(lines: Iterator[Line | Fault], page: Page) -> Iterator[Conversation | Fault]:
    """The conversations of a file, each after its blank line; a faulty one is refused whole."""
    unanswered = False
    for block in _blocks(lines):
        for item in [block] if isinstance(block, Fault) else _conversation(block, page):
            if isinstance(item, Conversation):
                sides = {message.role for message in item.messages} - {"system"}
                if unanswered and sides == {"assistant"}:
                    page.say_once("roles", _TORN, "take out the blank lines between what is one conversation")
                unanswered = sides == {"user"}
            yield item


def _blocks(lines: Iterator[Line | Fault]) -> Iterator[list[Line] | Fault]:
    """The lines between blank ones, less blocks with a line that cannot be read; faults as they come."""
    block: list[Line] = []
    spoilt = False  # a line of the block cannot be read, which is told
    for line in lines:
        if isinstance(line, Fault):
            yield line
            spoilt = spoilt or line.level == "error"
        elif line.text.strip():
            block.append(line)
        else:
            if block and not spoilt:
                yield block
            block, spoilt = [], False
    if block and not spoilt:
        yield block


def write(conversation: Conversation) -> list[str]:
    """The lines of a record, the blank one at its end included. Raises Refusal where the form cannot hold it."""
    plain_turns(conversation, "a transcript")
    if any(message.weight == 0 for message in conversation.messages):
        raise Refusal("a transcript cannot hold an answer of weight 0", "use --drop weight, or the form openai")
    lines = [f"# {key} = {value}" for key, value in meta_row(conversation).items()]
    for index, message in enumerate(conversation.messages):
        text = message.content or ""
        parts = text.split("\n")
        if text != text.strip() or not all(part.strip() for part in parts):
            reason = f"messages[{index}]: a transcript cannot hold blank lines or spaces at the edges of a message"
            raise Refusal(reason, "use the form openai")
        word = {"user": "User", "assistant": "Agent", "system": "System"}[message.role]
        lines.append(f"{word}: {parts[0]}")
        lines += [_GO_ON + part for part in parts[1:]]
    return [*lines, ""]


def _conversation(block: list[Line], page: Page) -> Iterator[Conversation | Fault]:
    page.line = block[0].number
    notes: dict[str, str] = {}
    messages: list[dict[str, Any]] = []
    try:
        for line in block:
            note = _NOTE.fullmatch(line.text.strip())
            if note and not messages and note.group(1) in ("id", *META):
                notes[note.group(1)] = note.group(2)
            elif _add(messages, line.text):
                page.line = line.number
                page.say_once("roles", _NO_SPEAKER, _REMEDY)
                page.line = block[0].number
        yield openai.read({**notes, "messages": messages}, page)
    except Refusal as refusal:
        yield refusal.at(Place(page.path, line.number))


def _add(messages: list[dict[str, Any]], text: str) -> bool:
    """Adds a line; whether it goes on with the message before, though it begins as if somebody new spoke."""
    said = None if text.startswith(_GO_ON) else _SPEAKER.fullmatch(text.strip())
    if said is None:
        if not messages:
            raise Refusal(f"the conversation begins without a speaker: {shorten(text)}", _REMEDY, "role")
        before, more = messages[-1]["content"], text.removeprefix(_GO_ON).rstrip()
        messages[-1]["content"] = f"{before}\n{more}" if before else more
        return not text.startswith(_GO_ON) and _like_speaker(text.strip())
    speaker = said.group(1).strip()
    role = _ROLES.get(speaker.casefold())
    if role is None:
        raise Refusal(f"{shorten(speaker)} is an unknown speaker (an unknown role)", _REMEDY, "role")
    messages.append({"role": role, "content": said.group(2).rstrip()})
    return False


def _like_speaker(text: str) -> bool:
    """'Dr. Smith: …', which is a speaker by other signs than those known, and 'Agent:…' without a space."""
    name, colon, _ = text.replace("：", ":").partition(":")
    known = name.strip().casefold() in _ROLES
    return bool(colon) and (known or _OTHER_NAME.fullmatch(text) is not None)


_TORN = "answers alone follow a conversation that nobody answers: a blank line ends a conversation"
_NO_SPEAKER = "the line begins as if somebody new spoke, and goes on with the message before"

_REMEDY = (
    "begin lines with 'User:' or 'Agent:' (用户：, 客服：); "
    "begin a line with two spaces if it goes on with the one before"
)
