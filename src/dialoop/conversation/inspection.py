"""Looks at files of dialogue data and tells what is in them, as plain data: forms, faults, counts, duplicates, leaks.

Two parts of the data are two files, or two values of `split` in one file. A leak is a text, conversation, customer or
id that two parts share. It knows nothing of models; how far data fits a model is for the room above.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from dialoop.conversation.example import Example
from dialoop.conversation.faults import Fault
from dialoop.conversation.findings import KEPT, FileFindings, FoundFault, Inspection, Shared, Spread
from dialoop.conversation.forms.page import is_made
from dialoop.conversation.language import language_of
from dialoop.conversation.likeness import conversation_key, exact_key, text_key
from dialoop.conversation.lines import DEFAULT_MAX_LINE_BYTES
from dialoop.conversation.record import Conversation
from dialoop.conversation.scan import scan_placed, what_is
from dialoop.errors import DataError, Place


def inspect_file(
    path: str | Path, *, form: str | None = None, encoding: str = "utf-8", max_line_bytes: int = DEFAULT_MAX_LINE_BYTES
) -> Inspection:
    """`inspect_files` for one file."""
    return inspect_files([path], form=form, encoding=encoding, max_line_bytes=max_line_bytes)


def inspect_files(
    paths: Sequence[str | Path],
    *,
    form: str | None = None,
    encoding: str = "utf-8",
    max_line_bytes: int = DEFAULT_MAX_LINE_BYTES,
) -> Inspection:
    """Reads each file once and tells all. Bad data becomes findings; SettingsError for an unknown form or encoding."""
    result = Inspection(files=[])
    sharing = _Sharing(result)
    for path in paths:
        tally = _Tally(str(path), encoding)
        try:
            found = what_is(path, form=form, encoding=encoding, max_line_bytes=max_line_bytes)
            tally.file.form, tally.file.description = found.name, str(found)
            for place, item in scan_placed(path, found, encoding=encoding, max_line_bytes=max_line_bytes):
                if isinstance(item, Fault):
                    tally.fault(item, result)
                else:
                    tally.record(item)
                    sharing.record(item, place)
        except DataError as error:
            tally.fault(Fault(error.where or Place(str(path)), error.what, error.remedy or "", kind="form"), result)
        result.files.append(tally.done())
    result.notes = _notes(result)
    return result


_COUNTS = ("languages", "sources", "splits", "outcomes", "roles", "tool_calls", "labels", "intents", "slots")


class _Tally:
    """Counts what one file holds."""

    def __init__(self, path: str, encoding: str) -> None:
        self.file = FileFindings(path=path, encoding=encoding)
        self.customers: set[str] = set()
        self.refused: set[tuple[int | None, int, str | None]] = set()
        self.offered: set[str] = set()
        self.lengths: dict[str, Counter[int]] = {}
        self.messages: Counter[int] = Counter()

    def fault(self, fault: Fault, result: Inspection) -> None:
        _count(self.file.faults_by_kind, fault.kind)
        if fault.level == "error":
            self.file.errors += 1
            self.refused.add((fault.place.line, fault.nth, fault.conversation_id))
        else:
            self.file.warnings += 1
        result.faults_total += 1
        if len(result.faults) < KEPT:
            plain = {key: getattr(fault, key) for key in ("level", "kind", "reason", "remedy", "conversation_id")}
            result.faults.append(FoundFault(path=fault.place.path, line=fault.place.line, **plain))

    def record(self, record: Conversation | Example) -> None:
        file = self.file
        _count(file.languages, language_of(record))
        for counts, value in ((file.sources, record.source), (file.splits, record.split)):
            if value is not None:
                _count(counts, value)
        if record.customer is not None:
            self.customers.add(record.customer)
        if isinstance(record, Conversation):
            self._conversation(record)
        else:
            self._example(record)

    def _conversation(self, conversation: Conversation) -> None:
        file = self.file
        file.conversations += 1
        self.messages[len(conversation.messages)] += 1
        if conversation.outcome is not None:
            _count(file.outcomes, conversation.outcome)
        for tool in conversation.tools:
            self.offered.add(tool["function"]["name"])
        for message in conversation.messages:
            _count(file.roles, message.role)
            length = len(message.content or "")
            for call in message.tool_calls or []:
                _count(file.tool_calls, call.function.name)
                length += len(call.function.name) + len(call.function.arguments)
            self.lengths.setdefault(message.role, Counter())[length] += 1
            file.characters += length
            if message.is_target:
                file.targets += 1
                file.target_characters += length
        for annotation in conversation.annotations.messages if conversation.annotations else []:
            for slot in annotation.slots or []:
                _count(file.slots, slot.label)
            intents = annotation.intents or []
            for intent in intents.values() if isinstance(intents, dict) else intents:
                _count(file.intents, intent)

    def _example(self, example: Example) -> None:
        file = self.file
        file.examples += 1
        file.characters += len(example.text)
        self.lengths.setdefault("text", Counter())[len(example.text)] += 1
        for label in [example.label] if example.label is not None else example.labels or ():
            _count(file.labels, label)
        for span in example.spans or ():
            _count(file.slots, span.label)
        if example.score is not None:
            low, high = file.scores or (example.score, example.score)
            file.scores = (min(low, example.score), max(high, example.score))

    def done(self) -> FileFindings:
        file = self.file
        path = Path(file.path)
        file.bytes = path.stat().st_size if path.is_file() else 0
        file.customers = len(self.customers)
        file.refused = len(self.refused)
        file.tools_never_called = sorted(self.offered - set(file.tool_calls))
        file.messages_a_conversation = _spread(self.messages)
        spreads = {role: _spread(lengths) for role, lengths in self.lengths.items()}
        file.characters_a_message = {role: spread for role, spread in spreads.items() if spread}
        for field in (
            "languages",
            "sources",
            "splits",
            "outcomes",
            "roles",
            "tool_calls",
            "labels",
            "intents",
            "slots",
        ):
            counts: dict[str, int] = getattr(file, field)
            setattr(file, field, dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))))
        return file


class _Sharing:
    """Finds what records share, by hashes; keeps some hundred bytes a record."""

    def __init__(self, result: Inspection) -> None:
        self.result = result
        self.texts: dict[str, tuple[Place, str | None, str, str | None]] = {}
        self.ids: dict[str, tuple[Place, str | None]] = {}
        self.customers: dict[str, tuple[Place, str | None]] = {}

    def record(self, record: Conversation | Example, place: Place) -> None:
        if isinstance(record, Conversation):
            key, exact, label = conversation_key(record), exact_key(record), None
        else:
            key, exact = text_key(record.text), record.text
            label = record.label if record.labels is None else ", ".join(sorted(record.labels))
        if key in self.texts:
            first, split, same, other = self.texts[key]
            shared = Shared(what="same" if exact == same else "near", first=str(first), second=str(place))
            self._tell(shared, first, split, place, record.split)
            if label != other:
                twice = Shared(what="label", first=str(first), second=str(place), value=f"{other} / {label}")
                self.result.contradictions_total += 1
                _keep(self.result.contradictions, twice)
        else:
            self.texts[key] = (place, record.split, exact, label)
        if record.id is not None and not is_made(record.id, place):
            self._by_name(self.ids, "id", record.id, place, record.split)
        self._by_name(self.customers, "customer", record.customer, place, record.split)

    def _by_name(
        self,
        seen: dict[str, tuple[Place, str | None]],
        what: str,
        name: str | None,
        place: Place,
        split: str | None,
    ) -> None:
        if name is None:
            return
        if name not in seen:
            seen[name] = (place, split)
            return
        first, other = seen[name]
        shared = Shared(what=what, first=str(first), second=str(place), value=name)
        if what == "id" or (first.path, other) != (place.path, split):
            self._tell(shared, first, other, place, split)

    def _tell(self, shared: Shared, first: Place, split: str | None, second: Place, other: str | None) -> None:
        if (first.path, split) == (second.path, other):
            self.result.duplicates_total += 1
            _keep(self.result.duplicates, shared)
        else:
            self.result.leaks_total += 1
            _keep(self.result.leaks, shared)


def _keep(kept: list[Shared], shared: Shared) -> None:
    if len(kept) < KEPT:
        kept.append(shared)


def _count(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1


def _spread(counts: Counter[int]) -> Spread | None:
    total = counts.total()
    if not total:
        return None
    ordered = sorted(counts)

    def at(share: float) -> int:
        passed = 0
        for value in ordered:
            passed += counts[value]
            if passed >= share * total:
                return value
        return ordered[-1]

    mean = sum(value * times for value, times in counts.items()) / total
    return Spread(count=total, least=ordered[0], median=at(0.5), mean=mean, p95=at(0.95), most=ordered[-1])


def _notes(result: Inspection) -> list[str]:
    """What a person should think about, in whole sentences."""
    notes = []
    labels = _joined(file.labels for file in result.files)
    notes += _alike("labels", labels) + _alike("labels of spans", _joined(file.slots for file in result.files))
    lone = [label for label, times in labels.items() if times == 1]
    if lone:
        notes.append(
            f"{len(lone)} of {len(labels)} labels have one text only, e.g. {lone[0]!r}: they cannot be measured"
        )
    if len(labels) > 1 and max(labels.values()) >= 20 * min(labels.values()):
        most, least = max(labels, key=labels.__getitem__), min(labels, key=labels.__getitem__)
        notes.append(
            f"labels are out of balance: {most!r} has {labels[most]} texts and {least!r} {labels[least]}; "
            "look at the macro average"
        )
    for file in result.files:
        records = file.conversations + file.examples
        if file.conversations and not file.targets:
            notes.append(f"{file.path}: no assistant message is a target, so nothing would be learnt")
        if 0 < records < 20:
            notes.append(f"{file.path}: {records} records; below 20 all are trained on and none is held out")
    return notes


def _alike(what: str, labels: Iterable[str]) -> list[str]:
    """A note where labels are one but for what a person does not see at once."""
    first: dict[str, str] = {}
    plain = {label: " ".join(unicodedata.normalize("NFKC", label).casefold().split()) for label in labels}
    pairs = [(other, label) for label, text in plain.items() if (other := first.setdefault(text, label)) != label]
    if not pairs:
        return []
    one, other = pairs[0]
    return [f"{len(pairs)} {what} differ from another in case, width or spaces alone, e.g. {one!r} and {other!r}"]


def _joined(parts: Iterable[dict[str, int]]) -> Counter[str]:
    joined: Counter[str] = Counter()
    for part in parts:
        joined.update(part)
    return joined
