"""Measures a base on held-out conversations, and one base against another on the same.

Ties targets, answers and measures together. Knows nothing of terminals, pages or the command line.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from dialoop.conversation import Conversation, language_of
from dialoop.errors import DataError, SettingsError
from dialoop.evaluation.answers import Answered, answer_turns
from dialoop.evaluation.calls import ToolsSeen
from dialoop.evaluation.forced import Forced, forced
from dialoop.evaluation.measures import call_tallies, other_tallies, target_tallies
from dialoop.evaluation.pairs import Preferred, pair_tallies, preferred
from dialoop.evaluation.progress import Progress, quiet
from dialoop.evaluation.results import Comparison, Coverage, Difference, Evaluation, Figure
from dialoop.evaluation.sample import by_hash
from dialoop.evaluation.settings import EvaluationSettings
from dialoop.evaluation.tallies import Draws, Tally
from dialoop.model import Base

ALL, SEEN, UNSEEN = "all", "seen tools", "unseen tools"
_TOKEN_FIGURES = {"perplexity", "token_accuracy", "token_precision", "token_recall", "token_f1"}


def evaluate_model(
    base: Base,
    conversations: Sequence[Conversation],
    settings: EvaluationSettings,
    *,
    tools_seen: ToolsSeen | None = None,
    data: str = "",
    progress: Progress = quiet,
) -> Evaluation:
    """Every figure of `base` on `conversations`, by language, with intervals.

    Only assistant turns of weight 1 are measured. `tools_seen`: what training offered; without, seen and unseen tools
    are not told apart, and the notes say so. `data`: where the conversations came from, for the record.

    Raises:
        DataError: no conversation, or none with a target.
        SettingsError: `max_new_tokens` leaves no room in the window.
    """
    began = time.monotonic()
    used = by_hash(conversations, settings.limit, settings.seed).chosen
    if not any(message.is_target for one in used for message in one.messages):
        raise DataError(
            "no assistant message of weight 1 in the conversations to measure",
            where=data or None,
            remedy="give conversations with assistant turns; `dialoop check` shows which tokens are targets",
        )
    languages = [language_of(one) for one in used]
    with measuring(base):
        scored: list[Forced] = []
        edited: list[tuple[list[Preferred], int]] = []
        for number, conversation in enumerate(used):
            progress("scoring targets", number, len(used))
            scored.append(forced(base, conversation))
            edited.append(preferred(base, conversation))
        answered = (
            answer_turns(base, used, languages, settings, tools_seen, progress)
            if settings.generate
            else Answered([], [], 0, 0, 0)
        )
    tallies = _tallies(scored, [pairs for pairs, _ in edited], answered, languages, settings)
    return Evaluation(
        model=base.name,
        fingerprint=base.fingerprint,
        tokenizer=tokenizer_digest(base),
        data=data,
        settings=settings,
        coverage=_coverage(conversations, used, languages, scored, answered, settings, tools_seen).model_copy(
            update={"lost_pairs": sum(lost for _, lost in edited)}
        ),
        figures=figures_of(tallies, settings),
        answers=answered.answers,
        seconds=round(time.monotonic() - began, 2),
        conversations=[one.id for one in used],
        tallies=tallies,
    )


def compare(before: Evaluation, after: Evaluation) -> Comparison:
    """`after` against `before`, conversation by conversation, with paired intervals and tests.

    Raises:
        SettingsError: the two were not measured on the same conversations with the same settings, or one was read from
            a file and has no tallies.
    """
    if before.conversations != after.conversations or before.settings != after.settings:
        raise SettingsError(
            "the two evaluations are not of the same conversations with the same settings",
            remedy="measure both in one call: dialoop evaluate AFTER DATA --before BEFORE",
        )
    if not before.tallies or not after.tallies:
        raise SettingsError(
            "an evaluation read from a file holds figures only and cannot be paired",
            remedy="measure both in one call: dialoop evaluate AFTER DATA --before BEFORE",
        )
    same_tokens = before.tokenizer == after.tokenizer
    differences: dict[str, dict[str, Difference]] = {}
    for group, measures in after.tallies.items():
        differences[group] = {}
        for name, tally in measures.items():
            other = before.tallies.get(group, {}).get(name)
            if other is None or (name in _TOKEN_FIGURES and not same_tokens):
                continue
            draws = Draws.make(tally.sums.shape[0], after.settings.resamples, after.settings.seed)
            differences[group][name] = other.difference(tally, draws, after.settings.confidence)
    notes = [] if same_tokens else ["the tokenizers differ: token figures are not comparable; see bits per byte"]
    notes += _uneven(before.coverage, after.coverage)
    return Comparison(before=before, after=after, differences=differences, notes=notes)


def _uneven(before: Coverage, after: Coverage) -> list[str]:
    """A note for each thing that was left out, cut or held of one of the two more often than of the other."""
    found = []
    for field, what in _UNEVEN.items():
        one, other = getattr(before, field), getattr(after, field)
        if one != other:
            found.append(f"{what}: {one} before, {other} after")
    return found


_UNEVEN = {
    "too_long": "turns not answered, so that the figures are not of the same turns",
    "lost_targets": "target messages not scored, so that the figures are not of the same targets",
    "lost_pairs": "edited answers not compared, so that the figures are not of the same pairs",
    "held": "answers held to the schemas of their tools, the others were free",
    "capped": "answers cut at their length",
}


def tokenizer_digest(base: Base) -> str:
    """SHA-256 over the tokenizer's pieces and their ids."""
    pieces = sorted(base.tokenizer.get_vocab().items())
    return hashlib.sha256(repr(pieces).encode()).hexdigest()


@contextmanager
def measuring(base: Base) -> Iterator[None]:
    """Without dropout; afterwards as it was, so that training can measure in passing."""
    was_training = base.model.training
    base.model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        base.model.train(was_training)


def _tallies(
    scored: Sequence[Forced],
    edited: Sequence[Sequence[Preferred]],
    answered: Answered,
    languages: Sequence[str],
    settings: EvaluationSettings,
) -> dict[str, dict[str, Tally]]:
    """Tallies by group and measure; a language's groups hold the conversations of that language."""
    groups: dict[str, dict[str, Tally]] = {}
    tongues = sorted(set(languages))
    for lang in [None, *tongues] if len(tongues) > 1 else [None]:
        chosen = [number for number, other in enumerate(languages) if lang in (None, other)]
        row = {number: place for place, number in enumerate(chosen)}
        pairs = [(row[n], one) for n, one in zip(answered.numbers, answered.answers, strict=True) if n in row]
        places, answers = [place for place, _ in pairs], [one for _, one in pairs]
        name = lang or ALL
        groups[name] = target_tallies(scored, chosen) | pair_tallies([edited[number] for number in chosen])
        if settings.generate:
            groups[name] |= call_tallies(answers, places, len(chosen)) | other_tallies(answers, places, len(chosen))
        for label, seen in ((SEEN, True), (UNSEEN, False)):
            some = [(place, one) for place, one in pairs if one.seen is seen]
            if some:
                key = label if lang is None else f"{lang}, {label}"
                groups[key] = call_tallies([one for _, one in some], [place for place, _ in some], len(chosen))
    return groups


def figures_of(tallies: dict[str, dict[str, Tally]], settings: EvaluationSettings) -> dict[str, dict[str, Figure]]:
    """Every tally\'s figure with its interval, from seeded draws."""
    figures: dict[str, dict[str, Figure]] = {}
    for group, measures in tallies.items():
        figures[group] = {
            name: tally.figure(Draws.make(tally.sums.shape[0], settings.resamples, settings.seed), settings.confidence)
            for name, tally in measures.items()
        }
    return figures


def _coverage(
    given: Sequence[Conversation],
    used: Sequence[Conversation],
    languages: Sequence[str],
    scored: Sequence[Forced],
    answered: Answered,
    settings: EvaluationSettings,
    tools_seen: ToolsSeen | None,
) -> Coverage:
    turns = [message for one in used for message in one.messages if message.role == "assistant"]
    targets = [message for message in turns if message.is_target]
    calls = sum(bool(message.tool_calls) for message in targets)
    notes = []
    if len(used) < len(given):
        notes.append(f"measured on {len(used)} of {len(given)} conversations, chosen by hash (seed {settings.seed})")
    if settings.dtype == "bfloat16":
        notes.append("computed in bfloat16, as the engine serves it on this machine")
    if not settings.generate:
        notes.append("no answers were generated: only targets were scored")
    elif calls and tools_seen is None:
        notes.append("which tools training offered is not known (--train FILE tells): seen and unseen not told apart")
    if not all(one.lang for one in used):
        notes.append(
            "some conversations state no language: it was told from their script where one language alone writes it"
        )
    return Coverage(
        given=len(given),
        used=len(used),
        target_turns=len(targets),
        call_turns=calls,
        text_turns=len(targets) - calls,
        target_tokens=sum(len(one.truth) for one in scored),
        unweighted_turns=len(turns) - len(targets),
        shortened=sum(one.shortened for one in scored),
        lost_targets=sum(one.lost for one in scored),
        shortened_prompts=answered.shortened,
        too_long=answered.too_long,
        held=answered.held,
        capped=sum(one.capped for one in answered.answers),
        languages={lang: languages.count(lang) for lang in sorted(set(languages))},
        notes=notes,
    )
