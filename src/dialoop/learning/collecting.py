"""Collects what is to be learnt: served conversations since the last round, selected, protected, each once.

Nothing is dropped in silence: what was left out is counted, by reason. It knows a store, no models and no files.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from dialoop.conversation import Conversation, Event, check_conversation, training_conversation
from dialoop.conversation.likeness import conversation_key
from dialoop.errors import DataError, Place
from dialoop.learning.protecting import Protection, protected, protected_record
from dialoop.learning.selecting import Selected, select
from dialoop.learning.settings import LearnSettings
from dialoop.learning.traces import secrets_of
from dialoop.store import Outline, Store

_PAGE = 500


class Collected(BaseModel):
    """What was collected, and what was left out and why. Counts are of conversations unless they say otherwise."""

    model_config = ConfigDict(extra="forbid")
    looked_at: int = Field(default=0, description="Conversations with something new since the last round.")
    unchanged: int = Field(default=0, description="Conversations without.")
    taken: int = 0
    good_by: dict[str, int] = Field(default_factory=dict, description="Judged good as a whole, by who says so.")
    praised: int = Field(default=0, description="Single answers rated well where nobody judged the whole.")
    targets: int = Field(default=0, description="Answers and calls to learn.")
    edits: int = Field(default=0, description="Of these, answers that a person put in another's place.")
    operator_messages: int = Field(default=0, description="Of these, messages that a person wrote.")
    context: int = Field(default=0, description="Answers that are shown and not learnt.")
    rated: int = Field(default=0, description="Answers that somebody rated, also where nothing else is to be learnt.")
    protected_now: int = Field(default=0, description="Messages in which something private was replaced only now.")
    left_out: dict[str, int] = Field(default_factory=dict, description="By reason.")
    unheard: dict[str, int] = Field(default_factory=dict, description="Judgements that are not believed, by whom.")
    taken_back: int = Field(default=0, description="Learnt from before, and by now judged otherwise.")
    erased: list[str] = Field(default_factory=list, description="Conversations erased since they were learnt from.")
    languages: dict[str, int] = Field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """What earlier rounds and files hold.

    `seen`: how far (seq) each conversation was considered; `learnt`: the ids of those that are learnt from; `keys`: of
    conversations that are trained on already, by `conversation_key`; `test_ids` and `test_keys`: of the frozen test.
    """

    seen: Mapping[str, int] = field(default_factory=dict)
    learnt: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    test_ids: frozenset[str] = frozenset()
    test_keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Collection:
    """The conversations to learn from, protected; how far each one considered was; the report; and all their events.

    `events` are those of every conversation looked at, for who wants to know what was new in the world. `rated`:
    conversations with rated answers, also those that have no answer to learn.
    """

    conversations: list[Conversation]
    seen: dict[str, int]
    report: Collected
    events: dict[str, list[Event]]
    rated: list[Conversation] = field(default_factory=list)


def collect(
    store: Store, settings: LearnSettings, known: Known | None = None, protection: Protection | None = None
) -> Collection:
    """What has come into the store since `known`, ready to be trained on.

    Without `protection` the store's own vault says which values are private.
    """
    known = known or Known()
    protection = protection or Protection(vault=store.vault)
    report = Collected()
    counts = _Counts()
    taken: list[Conversation] = []
    rated: list[Conversation] = []
    seen: dict[str, int] = {}
    events: dict[str, list[Event]] = {}
    keys = set(known.keys)
    for outline in reversed(list(_outlines(store, settings.tenant))):
        name = outline.conversation
        if outline.phase == "erased":
            report.erased += [name] if name in known.learnt else []
            seen[name] = outline.seq
            continue
        if known.seen.get(name, 0) >= outline.seq:
            report.unchanged += 1
            continue
        report.looked_at += 1
        events[name] = list(store.events(name))
        seen[name] = events[name][-1].seq
        conversation = _learnable(events[name], settings, known, protection, keys, report, counts)
        if conversation is not None and conversation.ratings:
            rated.append(conversation)
            report.rated += len(conversation.ratings)
        if conversation is not None and _teaches(conversation):
            taken.append(conversation)
        elif name in known.learnt:
            report.taken_back += 1
    report.taken = len(taken)
    report.good_by, report.left_out = dict(counts.good_by), dict(counts.left_out)
    report.unheard, report.languages = dict(counts.unheard), dict(counts.languages)
    return Collection(taken, seen, report, events, rated)


def erased(store: Store) -> frozenset[str]:
    """The ids of all conversations of the store that were erased, whosever they were."""
    return frozenset(outline.conversation for outline in _outlines(store, None) if outline.phase == "erased")


def frozen(test: Iterable[Conversation]) -> tuple[frozenset[str], frozenset[str]]:
    """The ids and keys of a test's conversations, as they are and with stand-ins."""
    ids, keys = set(), set()
    for conversation in test:
        ids.add(conversation.id)
        keys |= {conversation_key(conversation), conversation_key(protected_record(conversation)[0])}
    return frozenset(ids), frozenset(keys)


@dataclass
class _Counts:
    good_by: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    unheard: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)


def _outlines(store: Store, tenant: str | None) -> Iterator[Outline]:
    before: int | None = None
    while page := store.conversations(tenant=tenant, before=before, limit=_PAGE):
        yield from page
        before = page[-1].number


def _learnable(
    events: list[Event],
    settings: LearnSettings,
    known: Known,
    protection: Protection,
    keys: set[str],
    report: Collected,
    counts: _Counts,
) -> Conversation | None:
    """The conversation as it is trained on, or None, and then its reason is counted.

    One that teaches no answer is counted as left out too, and given where it has rated answers.
    """
    try:
        selected = select(events, settings)
        counts.unheard.update(f"{one.by} ({one.speaker})" for one in selected.unheard)
        why = None if selected.targets else _why_nothing(selected)
        if why is not None and not any(entry.rating for entry in selected.state.entries):
            counts.left_out[why] += 1
            return None
        state, changed = protected(selected.state, protection)
        conversation = training_conversation(state)
        conversation = conversation.model_copy(update={"customer": _nameless(state.tenant, state.customer)})
    except DataError as error:
        counts.left_out[f"cannot be read: {error.what}"] += 1
        return None
    refused = _refused(conversation, known, protection, keys)
    if why is None and not _teaches(conversation):
        why = "its answers are not shown to the model any more"
    if why is not None or refused is not None:
        counts.left_out[why or refused or ""] += 1
        return conversation if refused is None else None
    keys.add(conversation_key(conversation))
    if selected.judgement is not None and selected.judgement.good:
        counts.good_by[selected.judgement.speaker] += 1
    counts.languages[conversation.lang or "unknown"] += 1
    report.praised += selected.praised
    report.targets += sum(message.is_target for message in conversation.messages)
    report.context += sum(message.role == "assistant" and not message.is_target for message in conversation.messages)
    report.edits += selected.edits
    report.operator_messages += selected.messages
    report.protected_now += changed
    return conversation


def _why_nothing(selected: Selected) -> str:
    if not any(entry.message.role == "assistant" for entry in selected.state.entries):
        return "nothing was answered"
    if selected.judgement is None:
        return "nobody who is believed says that it was good"
    if not selected.judgement.good:
        return f"judged bad by {selected.judgement.speaker}"
    return "its answers were withdrawn, rated bad, or came before a person was asked"


def _teaches(conversation: Conversation) -> bool:
    """Whether it has an answer to learn."""
    return any(message.is_target for message in conversation.messages)


def _refused(conversation: Conversation, known: Known, protection: Protection, keys: set[str]) -> str | None:
    """Why nothing in the conversation is to be trained on, if that is so."""
    faults = [fault for fault in check_conversation(conversation, Place(conversation.id)) if fault.level == "error"]
    if faults:
        return f"not a sound record: {faults[0].reason}"
    if conversation.id in known.test_ids or conversation_key(conversation) in known.test_keys:
        return "stands in the frozen test"
    if conversation_key(conversation) in keys and conversation.id not in known.learnt:
        return "says what is trained on already"
    kept = protection.vault.kept(conversation.id) if protection.vault is not None else ()
    texts = list(_texts(conversation))
    if any(secret.within(text) for secret in secrets_of(conversation.id, kept) for text in texts):
        return "holds a private value still"
    return None


def _nameless(tenant: str | None, customer: str | None) -> str | None:
    """Tells one customer's conversations from another's, and not whose they are: a customer's name may be private."""
    if customer is None:
        return None
    return hashlib.blake2b(f"{tenant}\n{customer}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _texts(conversation: Conversation) -> Iterator[str]:
    for message in conversation.messages:
        if message.role == "system":
            continue
        yield message.content or ""
        yield message.rejected or ""
        yield from (call.function.arguments for call in message.tool_calls or [])
