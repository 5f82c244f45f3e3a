"""How well data fits a base before any training: lengths, targets, and how far its text is from what the base knows.

Tuning works where data and pretraining fit. Knows nothing of files, faults or terminals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import groupby

import numpy as np

from dialoop.conversation import Conversation, Example, language_of
from dialoop.errors import DataError
from dialoop.evaluation.fit_results import Fit, Lengths, Stretch
from dialoop.evaluation.nearness import known_figures, nearness, reference
from dialoop.evaluation.progress import Progress, quiet
from dialoop.evaluation.sample import by_hash
from dialoop.model import Base, sentences, unread_calls

MANY_PIECES = 1.5  # tokens a character of the data over those of the reference


def fit(
    base: Base,
    conversations: Iterable[Conversation],
    *,
    measure: int | None = 1000,
    score: int = 40,
    seed: int = 0,
    progress: Progress = quiet,
) -> Fit:
    """Counts up to `measure` conversations and scores up to `score` of them, chosen by hash; the notes say how many.

    Raises:
        DataError: no conversation at all.
        ModelError: the base cannot read conversations, or the reference figures beside it cannot be read.
    """
    sample = by_hash(conversations, measure, seed)
    if not sample.chosen:
        raise DataError("there is no conversation to fit", remedy="give a file with conversations")
    counts = _Counts()
    for number, conversation in enumerate(sample.chosen):
        progress("counting tokens", number, len(sample.chosen))
        counts.add(base, conversation)
    scored = by_hash(counts.with_target, score, seed).chosen
    spoken = Counter(language_of(one) for one in scored)
    known = known_figures(base, scored, progress)
    beside = reference(base, spoken)
    result = Fit(
        base=base.name,
        given=sample.given,
        measured=len(sample.chosen),
        scored=len(scored),
        lengths=counts.lengths(base.window),
        tokens=counts.tokens,
        target_tokens=counts.targets,
        target_share=counts.targets / counts.tokens if counts.tokens else 0.0,
        without_target=counts.without_target,
        refused=counts.refused,
        nearness=[nearness(lang, spoken[lang], known[lang], beside) for lang in sorted(spoken)],
        reference=beside.source if scored else None,
        example=stretches(base, counts.plainest) if counts.plainest else [],
    )
    _judge(result)
    result.warnings += unread_calls(counts.with_target, base.tokenizer)
    return result


def fit_texts(base: Base, examples: Iterable[Example], *, measure: int | None = 1000, seed: int = 0) -> Fit:
    """The lengths of labelled texts against the base's window. Raises DataError where there is no text."""
    sample = by_hash(examples, measure, seed)
    if not sample.chosen:
        raise DataError("there is no text to fit", remedy="give a file with labelled texts")
    counts = _Counts()
    for number, example in enumerate(sample.chosen):
        ids = base.tokenizer(example.text, verbose=False)["input_ids"]
        counts.length(len(ids), example.id or f"text {number + 1}")
        counts.over += len(ids) > base.window
    found = counts.lengths(base.window)
    result = Fit(
        base=base.name,
        unit="texts",
        given=sample.given,
        measured=len(sample.chosen),
        lengths=found,
        tokens=counts.tokens,
    )
    if counts.over:
        result.warnings.append(
            f"{counts.over} texts are longer than the window of {base.window} tokens and will be cut"
        )
    _tell_sample(result)
    return result


def stretches(base: Base, conversation: Conversation) -> list[Stretch]:
    """The text of a conversation as the base reads it, control tokens included, cut where targets begin and end."""
    found: list[Stretch] = []
    for one in sentences(conversation.messages, conversation.tools, base.tokenizer, window=base.window):
        for target, ids in groupby(zip(one.ids, one.targets, strict=True), key=lambda pair: pair[1]):
            found.append(Stretch(text=str(base.tokenizer.decode([id_ for id_, _ in ids])), target=target))
    return found


class _Counts:
    """Lengths and targets, added up record by record."""

    def __init__(self) -> None:
        self.lengths_of: list[tuple[int, str]] = []
        self.tokens = self.targets = self.over = self.left_out = self.lost = 0
        self.without_target: list[str] = []
        self.with_target: list[Conversation] = []
        self.refused: list[str] = []
        self.plainest: Conversation | None = None
        self._plainness: tuple[bool, int] = (True, 0)

    def length(self, tokens: int, name: str) -> None:
        self.lengths_of.append((tokens, name))
        self.tokens += tokens

    def add(self, base: Base, conversation: Conversation) -> None:
        try:
            whole = sentences(conversation.messages, conversation.tools, base.tokenizer)
            longest = max((len(one.ids) for one in whole), default=0)
            if longest > base.window:
                shown = sentences(conversation.messages, conversation.tools, base.tokenizer, window=base.window)
                self.over += 1
                self.left_out += max((one.left_out for one in shown), default=0)
                self.lost += sum(one.lost for one in shown)
        except DataError as error:
            self.refused.append(f"{conversation.id}: {error.what}")
            return
        self.length(longest, conversation.id)
        targets = sum(sum(one.targets) for one in whole)
        self.targets += targets
        if targets:
            self.with_target.append(conversation)
        else:
            self.without_target.append(conversation.id)
        plainness = (not any(message.tool_calls for message in conversation.messages), longest)
        if targets and (self.plainest is None or plainness < self._plainness):
            self.plainest, self._plainness = conversation, plainness

    def lengths(self, window: int) -> Lengths:
        ordered = sorted(self.lengths_of) or [(0, "")]
        lengths = [length for length, _ in ordered]
        return Lengths(
            median=int(np.quantile(lengths, 0.5)),
            ninety_percent=int(np.quantile(lengths, 0.9, method="higher")),
            longest=ordered[-1][0],
            longest_id=ordered[-1][1],
            window=window,
            over_window=self.over,
            left_out_turns=self.left_out,
            lost_targets=self.lost,
        )


def _judge(found: Fit) -> None:
    """Says what the counts mean for tuning."""
    lengths = found.lengths
    if found.refused:
        found.faults.append(
            f"{len(found.refused)} conversations are refused by the chat template of {found.base}, "
            f"the first: {found.refused[0]}"
        )
    if not found.target_tokens:
        found.faults.append(
            "no token is a target, so nothing would be learnt: give assistant messages, of weight 1 or without a weight"
        )
    elif found.without_target:
        found.warnings.append(f"{len(found.without_target)} conversations have no target and teach nothing")
    if lengths.over_window:
        found.warnings.append(
            f"{lengths.over_window} conversations are longer than the window of {lengths.window} tokens: "
            f"at their ends {lengths.left_out_turns} turns are out of sight, "
            f"{lengths.lost_targets} answers fit nowhere and are not learnt"
        )
    for one in found.nearness:
        if one.verdict == "far":
            found.warnings.append(
                f"{one.lang}: far from what {found.base} knows ({one.distance:.1f} times the reference's bits a "
                "character): expect to need more data, more epochs, or another base"
            )
        if one.reference and one.data.tokens_per_character > MANY_PIECES * one.reference.tokens_per_character:
            found.warnings.append(
                f"{one.lang}: the tokenizer of {found.base} cuts this text into many pieces "
                f"({one.data.tokens_per_character:.2f} tokens a character, reference "
                f"{one.reference.tokens_per_character:.2f}): sequences get long"
            )
        if one.compared_with and one.compared_with != one.lang:
            found.notes.append(f"{one.lang}: compared with {one.compared_with}")
        if one.verdict == "no reference":
            found.notes.append(f"{one.lang}: there is no reference for this language")
    _tell_sample(found)
    if found.scored < found.given:
        found.notes.append(f"likelihood measured on {found.scored} of {found.given} conversations, chosen by hash")


def _tell_sample(found: Fit) -> None:
    if found.measured < found.given:
        found.notes.append(f"tokens counted in {found.measured} of {found.given} {found.unit}, chosen by hash")
