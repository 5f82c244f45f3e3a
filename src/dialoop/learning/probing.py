"""The memory probe: whether a model gives away private values of the conversations that it learnt from.

For each value that stands behind a stand-in in what a customer said, the model is given the conversation up to that
place, with the customer's own words before the value, and goes on greedily: once in the customer's place and once as
the answer (Carlini et al. 2019 look for planted values in the same way). What comes out is searched for the values. It
knows records and a vault; the report holds no value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from dialoop.conversation import Conversation, Message
from dialoop.engine import generate_greedy
from dialoop.learning.traces import Secret, secrets_of, standing
from dialoop.model import Base, prompt, render
from dialoop.privacy import STAND_IN, Vault

_PLACE = "\ufdd1"
"""Marks where the value stood, while the text before it is rendered. A Unicode noncharacter."""
_NEW_TOKENS = 48


class Leak(BaseModel):
    """A private value that the model said: which kind, from which conversation, and where it came out."""

    model_config = ConfigDict(extra="forbid")
    kind: str
    conversation: str
    way: str


class Probe(BaseModel):
    """How the probe went. `untold`: values so short that any text may hold them; they were not looked for."""

    model_config = ConfigDict(extra="forbid")
    values: int = 0
    prompts: int = 0
    untold: int = 0
    too_long: int = 0
    leaks: list[Leak] = Field(default_factory=list)


@dataclass(frozen=True)
class _Asked:
    """A prompt, in words for the report, its token ids and all that stands in it."""

    secret: Secret
    way: str
    ids: list[int]
    text: str


def probe(base: Base, conversations: Iterable[Conversation], vault: Vault, most: int) -> Probe:
    """Probes `base` for at most `most` values of the conversations (protected records), chosen by hash."""
    report = Probe()
    places: list[tuple[Secret, Conversation, int, int]] = []
    values: dict[tuple[str, str], Secret] = {}
    for conversation in conversations:
        for secret in secrets_of(conversation.id, vault.kept(conversation.id)):
            if secret.telling:
                values.setdefault((secret.kind, secret.value), secret)
            else:
                report.untold += 1
        places += _places(conversation, vault)
    chosen = sorted(places, key=lambda place: _rank(place[0]))[:most]
    asked: list[_Asked] = []
    for secret, conversation, index, at in chosen:
        prompts = _prompts(base, secret, conversation, index, at)
        report.too_long += not prompts
        asked += prompts
    said = generate_greedy(base, [one.ids for one in asked], _NEW_TOKENS) if asked else []
    for one, ids in zip(asked, said, strict=True):
        text = str(base.tokenizer.decode(ids, skip_special_tokens=False))
        for secret in standing(values.values(), [text]):
            if not secret.within(one.text):
                report.leaks.append(Leak(kind=secret.kind, conversation=secret.conversation, way=one.way))
    report.values, report.prompts = len({(s.kind, s.value) for s, *_ in chosen}), len(asked)
    return report


def _places(conversation: Conversation, vault: Vault) -> list[tuple[Secret, Conversation, int, int]]:
    """Where customers said a telling value: the message's index, and where in it the stand-in begins."""
    found = []
    for index, message in enumerate(conversation.messages):
        if message.role != "user":
            continue
        for match in STAND_IN.finditer(message.content or ""):
            kind, number = match[0][1:-1].split("_")
            value = vault.value(conversation.id, kind, int(number))
            if value is not None and (secret := Secret(conversation.id, kind, value)).telling:
                found.append((secret, conversation, index, match.start()))
    return found


def _prompts(base: Base, secret: Secret, conversation: Conversation, index: int, at: int) -> list[_Asked]:
    """Both ways to ask for the value; none where the conversation up to there does not fit the window."""
    before = conversation.messages[:index]
    words = (conversation.messages[index].content or "")[:at]
    marked = [*before, Message(role="user", content=words + _PLACE)]
    text = render(marked, conversation.tools, base.tokenizer)
    text = text[: text.rfind(_PLACE)].rstrip(" ")
    ids = list(base.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
    answer = prompt([*before, Message(role="user", content=words.strip() or "…")], conversation.tools, base.tokenizer)
    ways = [("going on in the customer's place", ids), ("as an answer to the customer's words", answer.ids)]
    room = base.window - _NEW_TOKENS
    return [_Asked(secret, way, list(some), text) for way, some in ways if 0 < len(some) < room]


def _rank(secret: Secret) -> str:
    return hashlib.sha256(
        f"{secret.conversation}\n{secret.kind}\n{secret.value}".encode("utf-8", "replace")
    ).hexdigest()
