"""Texts that follow one another in a document, as one text with their spans, and spans back to their texts.

A tagger that reads a sentence with its neighbours knows more of a name that is written out in one of them only. It
knows no files and no models.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from dialoop.conversation.example import Example
from dialoop.conversation.record import SlotSpan

_BETWEEN = "\n"


@dataclass(frozen=True)
class Passage:
    """Texts joined by line ends; `starts`: where each begins, in code points."""

    text: str
    starts: tuple[int, ...]
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Passage:
        """The texts, in this order."""
        starts = [0]
        for text in texts[:-1]:
            starts.append(starts[-1] + len(text) + len(_BETWEEN))
        return cls(_BETWEEN.join(texts), tuple(starts), tuple(map(len, texts)))

    def joined(self, spans: Sequence[Iterable[SlotSpan]]) -> list[SlotSpan]:
        """Spans of the texts, as spans of the passage."""
        return [
            span.model_copy(update={"start": start + span.start, "end": start + span.end})
            for start, some in zip(self.starts, spans, strict=True)
            for span in some
        ]

    def parted(self, spans: Iterable[SlotSpan]) -> list[list[SlotSpan]]:
        """Spans of the passage, as spans of the texts; one that reaches into several is cut at their ends."""
        found: list[list[SlotSpan]] = [[] for _ in self.starts]
        for span in spans:
            for number, (start, length) in enumerate(zip(self.starts, self.lengths, strict=True)):
                begin, end = max(span.start - start, 0), min(span.end - start, length)
                if begin < end:
                    found[number].append(span.model_copy(update={"start": begin, "end": end}))
        return found


def documents(examples: Iterable[Example]) -> list[list[Example]]:
    """Runs of examples of one `document`, in order; one that names none is alone."""
    numbered = enumerate(examples)
    runs = groupby(numbered, lambda pair: pair[0] if pair[1].document is None else pair[1].document)
    return [[example for _, example in run] for _, run in runs]
