"""How well data fits a base before any training: lengths, targets, and how far its text is from what the base knows.

Tuning works where data and pretraining fit. Knows nothing of files, faults or terminals.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from dialoop.conversation import Conversation, read_conversations
from dialoop.errors import DataError, ModelError
from dialoop.evaluation.evaluate import measuring
from dialoop.evaluation.forced import Forced, forced
from dialoop.evaluation.progress import Progress, quiet
from dialoop.evaluation.sample import by_hash
from dialoop.evaluation.texts import language_of
from dialoop.model import Base, sentences

REFERENCE_FILE = "reference.json"  # beside a base's weights: its figures on held-out text of the kind that it knows
SOME_WAY, FAR = 1.25, 2.0  # bits a character of the data over those of the reference
MANY_PIECES = 1.5  # tokens a character of the data over those of the reference


class Known(BaseModel):
    """What a base makes of text in one language: bits and tokens for each character of what is to be said."""

    perplexity: float
    bits_per_character: float
    tokens_per_character: float


class Nearness(BaseModel):
    """One language of the data beside the reference. `distance`: bits a character over the reference's."""

    lang: str
    conversations: int
    data: Known
    reference: Known | None
    distance: float | None
    verdict: Literal["near", "some way off", "far", "no reference"]


class Lengths(BaseModel):
    """Tokens a conversation, before anything is left out."""

    median: int
    ninety_percent: int = Field(description="Nine in ten conversations are at most so long.")
    longest: int
    longest_id: str
    window: int
    over_window: int = Field(description="Conversations longer than the window.")
    left_out_turns: int = Field(description="Turns of those that are out of sight at their ends.")
    lost_targets: int = Field(description="Answers that no sentence teaches, because they do not fit.")


class Fit(BaseModel):
    """What `fit` found. `faults` make tuning impossible; `warnings` make it doubtful."""

    base: str
    conversations: int
    measured: int = Field(description="Conversations whose lengths and targets were counted.")
    scored: int = Field(description="Conversations whose likelihood was measured.")
    lengths: Lengths
    tokens: int
    target_tokens: int
    without_target: list[str] = Field(description="Ids of measured conversations that have no target.")
    nearness: list[Nearness]
    reference: str = Field(description="What the data was compared with.")
    faults: list[str]
    warnings: list[str]
    notes: list[str]

    @property
    def target_share(self) -> float:
        """The share of tokens that are targets, 0 to 1."""
        return self.target_tokens / self.tokens if self.tokens else 0.0


def fit(
    base: Base,
    conversations: Sequence[Conversation],
    *,
    measure: int = 1000,
    score: int = 40,
    seed: int = 0,
    progress: Progress = quiet,
) -> Fit:
    """Counts up to `measure` conversations and scores up to `score` of them, chosen by hash; the notes say how many.

    Raises:
        DataError: no conversation at all, or one that the base's chat template refuses.
        ModelError: the reference figures beside the base cannot be read.
    """
    if not conversations:
        raise DataError("there is no conversation to fit", remedy="give a file with conversations")
    counted = by_hash(conversations, measure, seed)
    counts = _Counts()
    for number, conversation in enumerate(counted):
        progress("counting tokens", number, len(counted))
        counts.add(base, conversation)
    scored = by_hash([one for one in counted if one.id not in set(counts.without_target)], score, seed)
    languages = [language_of(one) for one in scored]
    with measuring(base):
        known = []
        for number, conversation in enumerate(scored):
            progress("scoring text", number, len(scored))
            known.append(forced(base, conversation))
        source, reference = _reference(base, set(languages))
    nearness = [_nearness(lang, languages, known, reference.get(lang)) for lang in sorted(set(languages))]
    result = Fit(
        base=base.name,
        conversations=len(conversations),
        measured=len(counted),
        scored=len(scored),
        lengths=counts.lengths(base.window),
        tokens=counts.tokens,
        target_tokens=counts.targets,
        without_target=counts.without_target,
        nearness=nearness,
        reference=source,
        faults=[],
        warnings=[],
        notes=[],
    )
    _judge(result)
    return result


def known_figures(base: Base, conversations: Sequence[Conversation]) -> dict[str, Known]:
    """The figures of `base` by language on `conversations`: what `reference.json` beside a base holds."""
    languages = [language_of(one) for one in conversations]
    with measuring(base):
        scored = [forced(base, one) for one in conversations]
    return {
        lang: _known([one for one, other in zip(scored, languages, strict=True) if other == lang])
        for lang in sorted(set(languages))
    }


class _Counts:
    """Lengths and targets, added up conversation by conversation."""

    def __init__(self) -> None:
        self.lengths_of: list[tuple[int, str]] = []
        self.tokens = self.targets = self.over = self.left_out = self.lost = 0
        self.without_target: list[str] = []

    def add(self, base: Base, conversation: Conversation) -> None:
        whole = sentences(conversation.messages, conversation.tools, base.tokenizer)
        longest = max((len(one.ids) for one in whole), default=0)
        targets = sum(sum(one.targets) for one in whole)
        self.lengths_of.append((longest, conversation.id))
        self.tokens += sum(len(one.ids) for one in whole)
        self.targets += targets
        if not targets:
            self.without_target.append(conversation.id)
        if longest > base.window:
            shown = sentences(conversation.messages, conversation.tools, base.tokenizer, window=base.window)
            self.over += 1
            self.left_out += max((one.left_out for one in shown), default=0)
            self.lost += sum(one.lost for one in shown)

    def lengths(self, window: int) -> Lengths:
        ordered = sorted(self.lengths_of)
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


def _known(scored: Sequence[Forced]) -> Known:
    nats, tokens = sum(one.nats for one in scored), sum(len(one.truth) for one in scored)
    characters = max(1, sum(one.characters for one in scored))
    return Known(
        perplexity=float(np.exp(min(nats / max(tokens, 1), 700))),
        bits_per_character=nats / np.log(2) / characters,
        tokens_per_character=tokens / characters,
    )


def _reference(base: Base, wanted: set[str]) -> tuple[str, dict[str, Known]]:
    """Figures by language: those beside the base, else the base's own on the packaged conversations."""
    path = base.path / REFERENCE_FILE if base.path else None
    if path and path.is_file():
        try:
            return f"{REFERENCE_FILE} beside the base", _KnownByLanguage.model_validate_json(path.read_bytes()).figures
        except ValidationError as error:
            raise ModelError(
                f"the reference figures cannot be read: {error.errors()[0]['msg']}",
                where=path,
                remedy="install the base again, or delete the file to use the packaged reference text",
            ) from None
    with as_file(files("dialoop.evaluation").joinpath("reference.jsonl")) as packaged:
        ordinary = [one for one in read_conversations(packaged) if one.lang in wanted]
    return "the base's own figures on packaged everyday service conversations", known_figures(base, ordinary)


class _KnownByLanguage(BaseModel):
    figures: dict[str, Known]


def _nearness(lang: str, languages: Sequence[str], scored: Sequence[Forced], reference: Known | None) -> Nearness:
    mine = [one for one, other in zip(scored, languages, strict=True) if other == lang]
    data = _known(mine)
    if reference is None or not reference.bits_per_character:
        return Nearness(
            lang=lang, conversations=len(mine), data=data, reference=None, distance=None, verdict="no reference"
        )
    distance = data.bits_per_character / reference.bits_per_character
    verdict: Literal["near", "some way off", "far"] = (
        "near" if distance < SOME_WAY else "some way off" if distance < FAR else "far"
    )
    return Nearness(
        lang=lang, conversations=len(mine), data=data, reference=reference, distance=distance, verdict=verdict
    )


def _judge(found: Fit) -> None:
    """Says what the counts mean for tuning."""
    lengths = found.lengths
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
        if one.verdict == "no reference":
            found.notes.append(f"{one.lang}: there is no reference for this language")
    if found.measured < found.conversations:
        found.notes.append(f"tokens counted in {found.measured} of {found.conversations} conversations, chosen by hash")
    if found.scored < found.conversations:
        found.notes.append(f"likelihood measured on {found.scored} of {found.conversations}, chosen by hash")
