"""How many private values are found: spans by kind and language, beside the regular expressions that people use.

    python benchmarks/privacy.py [--inserts 1000] [--part test] [--seed 0] [--misses] [--hotel 400]

A span counts only if its kind, start and end are right. "covered" counts inserts of which no character is left in the
open, whatever the spans. Two baselines: the usual patterns with `\\b`, and the same with look-arounds for digits in
its place. `--hotel` measures recall on the user's words in the hotel scenario's logs instead, whose phrasings were
written by others for another purpose.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable

from privacy_inserts import KINDS, Sample, samples

from dialoop.privacy import Found, fields, find, find_field, settle
from dialoop.scenarios.hotel import make_logs
from dialoop.scenarios.hotel.wording import Part

_USUAL = {
    "email": [r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b"],
    "phone": [
        r"(?:(?:\+|00)?86[- ]?)?\b1[3-9]\d[- ]?\d{4}[- ]?\d{4}\b",
        r"\b0\d{2,3}-?\d{7,8}\b",
        r"\+\d{1,3}[ -]?\(?\d{1,4}\)?(?:[ -]?\d{2,4}){2,4}\b",
        r"(?:\+?1[-. ]?)?\(?\b\d{3}\)?[-. ]?\d{3}[-. ]?\d{4}\b",
    ],
    "id": [r"\b[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]\b"],
    "card": [r"\b(?:\d{4}[ -]?){3}\d{4}(?:[ -]?\d{3})?\b", r"\b3[47]\d{2}[ -]?\d{6}[ -]?\d{5}\b"],
    "name": [
        r"\b(?:[Mm]y name is|I am|I'm|[Tt]his is|Mr\.?|Mrs\.?|Ms\.?|Dr\.?) ([A-Z][a-zA-Z'-]+(?: [A-Z][a-zA-Z'-]+)*)",
        r"(?:我叫|姓名[:：]?|联系人[:：是]?)([\u4e00-\u9fa5]{2,4})",
        r"([\u4e00-\u9fa5])(?:先生|女士)",
    ],
}

Finding = Callable[[Sample], set[tuple[object, str, int, int]]]


def patterns(*, word_boundaries: bool) -> Callable[[str], list[Found]]:
    """A finder of the usual patterns."""

    def compiled(kind: str, pattern: str) -> re.Pattern[str]:
        if not word_boundaries:
            edge = "[A-Za-z0-9]" if kind == "email" else r"\d"
            pattern = pattern.replace(r"\b", f"(?:(?<!{edge})|(?!{edge}))")
        return re.compile(pattern, re.A)

    ready = [(kind, compiled(kind, one)) for kind, many in _USUAL.items() for one in many]
    if word_boundaries:  # as written in Python by default: Han characters are word characters
        ready = [(kind, re.compile(one)) for kind, many in _USUAL.items() for one in many]

    def finder(text: str) -> list[Found]:
        spans = [(kind, match.span(match.lastindex or 0)) for kind, one in ready for match in one.finditer(text)]
        return settle(Found(kind, a, b, text[a:b], "a pattern") for kind, (a, b) in spans)

    return finder


def ours(sample: Sample) -> set[tuple[object, str, int, int]]:
    """What dialoop finds in a sample."""
    if isinstance(sample.value, str):
        return {(None, one.kind, one.start, one.end) for one in find(sample.value, asked=sample.asked)}
    return {(f.path, one.kind, one.start, one.end) for f in fields(sample.value) for one in find_field(f)}


def usual(finder: Callable[[str], list[Found]]) -> Finding:
    """What the patterns find in a sample; arguments are searched value by value."""

    def finding(sample: Sample) -> set[tuple[object, str, int, int]]:
        if isinstance(sample.value, str):
            return {(None, one.kind, one.start, one.end) for one in finder(sample.value)}
        texts = [(field.path, field.text) for field in fields(sample.value) if not field.is_key]
        return {(path, one.kind, one.start, one.end) for path, text in texts for one in finder(text)}

    return finding


def covered(gold: tuple[object, str, int, int], found: Iterable[tuple[object, str, int, int]]) -> bool:
    path, _, start, end = gold
    open_places = set(range(start, end))
    for other, _, a, b in found:
        if other == path:
            open_places -= set(range(a, b))
    return not open_places


def measure(finding: Finding, material: list[Sample], misses: bool = False) -> dict[tuple[str, str], Counter[str]]:
    """Counts by language and kind."""
    counts: dict[tuple[str, str], Counter[str]] = {(lang, kind): Counter() for lang in ("en", "zh") for kind in KINDS}
    for sample in material:
        found, gold = finding(sample), set(sample.gold)
        for one in gold:
            count = counts[sample.lang, one[1]]
            count["inserts"] += 1
            count["hits"] += one in found
            count["covered"] += covered(one, found)
        for one in found:
            count = counts.setdefault((sample.lang, one[1]), Counter())
            count["found"] += 1
            count["right"] += one in gold
        if misses and found != gold:
            print(
                "  missed" if gold - found else "  wrong", sorted(gold - found, key=str), sorted(found - gold, key=str)
            )
            print("    ", repr(sample.value))
    return counts


def share(part: int, whole: int) -> str:
    return f"{part / whole:6.1%}" if whole else "     –"


def show(title: str, counts: dict[tuple[str, str], Counter[str]]) -> None:
    print(f"\n{title}\n{'':10}{'inserts':>8}{'recall':>8}{'covered':>9}{'found':>8}{'precision':>11}")
    rows = [(f"{lang} {kind}", count) for (lang, kind), count in counts.items()]
    for lang in ("en", "zh", ""):
        rows.append(
            (f"{lang or 'all'} all", sum((c for (one, _), c in counts.items() if one == lang or not lang), Counter()))
        )
    for name, c in rows:
        print(
            f"{name:10}{c['inserts']:8}{share(c['hits'], c['inserts']):>8}{share(c['covered'], c['inserts']):>9}"
            f"{c['found']:8}{share(c['right'], c['found']):>11}"
        )


def hotel(conversations: int, part: Part, misses: bool) -> None:
    """Recall on names and contacts that customers say in the hotel's logs."""
    material: list[Sample] = []
    for lang in ("en", "zh"):
        for talk in make_logs(conversations // 2, lang=lang, seed=7, part=part):
            said = {one.index: one.slots or [] for one in (talk.annotations.messages if talk.annotations else [])}
            asked = ""
            for at, message in enumerate(talk.messages):
                if message.role == "user" and message.content:
                    gold = []
                    for slot in said.get(at, []):
                        value = message.content[slot.start : slot.end]
                        kind = "name" if slot.label == "name" else "email" if "@" in value else "phone"
                        private = slot.label in ("name", "contact") or (
                            slot.label == "reference" and not value[:1].isupper()
                        )
                        if private:
                            gold.append((None, kind, slot.start, slot.end))
                    material.append(Sample(lang, message.content, tuple(gold), asked))
                asked = message.content or "" if message.role == "assistant" else asked
    print(f"{len(material)} messages of customers")
    show("dialoop", measure(ours, material, misses))
    show("usual patterns, \\b", measure(usual(patterns(word_boundaries=True)), material))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--inserts", type=int, default=1000)
    parser.add_argument("--part", choices=("dev", "test"), default="test")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--misses", action="store_true", help="show each sample that is not all right")
    parser.add_argument("--hotel", type=int, metavar="CONVERSATIONS")
    arguments = parser.parse_args()
    if arguments.hotel:
        hotel(arguments.hotel, "train" if arguments.part == "dev" else "test", arguments.misses)
        return
    material = list(samples(arguments.inserts, arguments.part, arguments.seed))
    inserts = sum(len(one.gold) for one in material)
    bare = sum(not one.gold for one in material)
    inside = sum(not isinstance(one.value, str) for one in material)
    print(f"{inserts} inserts in {len(material)} samples, {inside} of them arguments; {bare} samples hold none")
    begun = time.perf_counter()
    counts = measure(ours, material, arguments.misses)
    seconds = time.perf_counter() - begun
    show("dialoop", counts)
    show("usual patterns, \\b", measure(usual(patterns(word_boundaries=True)), material))
    show("usual patterns, digit look-arounds for \\b", measure(usual(patterns(word_boundaries=False)), material))
    print(f"\n{seconds / len(material) * 1e6:.0f} µs a sample")


if __name__ == "__main__":
    main()
