"""How far text is from what a base knows: bits and tokens a character, beside those of a reference.

The reference is a file of figures beside the base's weights, else the base's own figures on the packaged everyday
service conversations. Knows nothing of lengths, faults or terminals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import as_file, files
from typing import Literal

import numpy as np
from pydantic import BaseModel, ValidationError

from dialoop.conversation import Conversation, language_of, read_conversations, tongue
from dialoop.errors import ModelError
from dialoop.evaluation.evaluate import measuring
from dialoop.evaluation.fit_results import Known, Nearness
from dialoop.evaluation.forced import Forced, forced
from dialoop.evaluation.progress import Progress, quiet
from dialoop.model import Base

REFERENCE_FILE = "reference.json"  # beside a base's weights: its figures on held-out text of the kind that it knows
SOME_WAY, FAR = 1.25, 2.0  # bits a character of the data over those of the reference
UNSTATED = "unstated"  # what `language_of` gives where nothing tells
PACKAGED = "the base's own figures on packaged everyday service conversations"


def known_figures(base: Base, conversations: Sequence[Conversation], progress: Progress = quiet) -> dict[str, Known]:
    """The figures of `base` by language over the targets of `conversations`."""
    languages = [language_of(one) for one in conversations]
    scored: list[Forced] = []
    with measuring(base):
        for number, conversation in enumerate(conversations):
            progress("scoring text", number, len(conversations))
            scored.append(forced(base, conversation))
    return {
        lang: _known([one for one, other in zip(scored, languages, strict=True) if other == lang])
        for lang in sorted(set(languages))
    }


class Reference(BaseModel):
    """What data is compared with: figures by language, and where they come from. The form of `reference.json`."""

    source: str
    figures: dict[str, Known]

    def of(self, lang: str) -> tuple[str, Known | None]:
        """The language compared with, and its figures: a tag without its region; English where none is stated."""
        name = "en" if lang == UNSTATED else tongue(lang)
        return name, self.figures.get(name)


def reference(base: Base, languages: Iterable[str]) -> Reference:
    """The reference of a base for some languages. Raises ModelError where the file beside the base cannot be read."""
    path = base.path / REFERENCE_FILE if base.path else None
    if path and path.is_file():
        try:
            return Reference.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise ModelError(
                f"the reference figures cannot be read: {error.errors()[0]['msg']}",
                where=path,
                remedy="install the base again, or delete the file to use the packaged reference text",
            ) from None
    empty = Reference(source=PACKAGED, figures={})
    wanted = {empty.of(lang)[0] for lang in languages}
    with as_file(files("dialoop.evaluation").joinpath("reference.jsonl")) as packaged:
        ordinary = [one for one in read_conversations(packaged) if one.lang in wanted]
    return Reference(source=PACKAGED, figures=known_figures(base, ordinary))


def nearness(lang: str, conversations: int, data: Known, known: Reference) -> Nearness:
    """Data in one language beside the reference."""
    compared, beside = known.of(lang)
    if beside is None or not beside.bits_per_character:
        return Nearness(lang=lang, conversations=conversations, data=data, verdict="no reference")
    distance = data.bits_per_character / beside.bits_per_character
    verdict: Literal["near", "some way off", "far"] = (
        "near" if distance < SOME_WAY else "some way off" if distance < FAR else "far"
    )
    return Nearness(
        lang=lang,
        conversations=conversations,
        data=data,
        compared_with=compared,
        reference=beside,
        distance=distance,
        verdict=verdict,
    )


def _known(scored: Sequence[Forced]) -> Known:
    nats, tokens = sum(one.nats for one in scored), sum(len(one.truth) for one in scored)
    characters = max(1, sum(one.characters for one in scored))
    return Known(
        perplexity=float(np.exp(min(nats / max(tokens, 1), 700))),
        bits_per_character=nats / np.log(2) / characters,
        tokens_per_character=tokens / characters,
    )
