"""Finds names in English text by what stands around them: "my name is …", "Mr …", "this is … speaking".

After a strong cue a name may be in small letters; after "I'm" it needs capitals and a sure end, or to be a common given
name. It reads folded text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dialoop.privacy.common_words import COMMON, GIVEN
from dialoop.privacy.found import NAME, Found

_U, _L = "A-ZÀ-ÖØ-Þ", "a-zß-öø-ÿ"
_WORD = rf"(?:Mc|Mac|O'|D'|L'|De|Van)?[{_U}][{_L}]+(?:[-'][{_U}]?[{_L}]+)*"
_CAP = rf"(?:{_WORD}|[{_U}]{{2,}}(?:-[{_U}]{{2,}})?|[{_U}]\.?(?= ?[{_U}]))"
_PARTICLE = r"(?:van|von|de|der|den|del|della|da|dos|du|la|le|bin|al|el|ben|ter|ten|zu)"
_CAPS = rf"(?:{_PARTICLE} ){{0,2}}{_CAP}(?:[ -]{{1,2}}(?:{_PARTICLE} ){{0,2}}{_CAP}){{0,3}}"
_SMALL = rf"[{_L}]+(?:[-'][{_L}]+)*"
_NAME = re.compile(rf"(?<![A-Za-z])(?:{_CAPS})(?![A-Za-z])")
_LOWER = re.compile(rf"(?<![A-Za-z]){_SMALL}(?: (?:[{_L}]\.? )?{_SMALL}){{0,2}}(?![A-Za-z])")
_TITLES = r"(?:(?:mr|mrs|ms|mx|dr|prof)\.?|miss|mister|madam|madame|professor|sir|herr|frau)"
_BEFORE = 100  # characters before a name that are read for a cue
_MONTHS = ("march", "april", "may", "june", "august")

_STRONG = re.compile(
    r"(?:\bmy (?:full |first |last |given |family |sur)?name(?:'s| is|:| would be| will be)? |"
    r"\bnames? (?:is|are|was|of|on (?:the|my) (?:booking|reservation|card|account) (?:is|was))? ?:? ?|"
    r"\bunder (?:the )?(?:name|surname)(?: of)? |\bin the name of |\bsigned,? |"
    r"\b(?:is|are|was|i'm|i am|man|woman|guest|person|someone|one|he's|she's) (?:called|named) |"
    r"\b(?:guest|contact(?: person)?|passenger|customer|cardholder|full name|surname|attn|name|"
    r"traveller|traveler)(?: name)? ?[:=-] ?|"
    rf"(?<![A-Za-z]){_TITLES} )[\"'(]*(?:{_TITLES} )?",
    re.I,
)
_TITLED = re.compile(rf"{_TITLES} [\"'(]*$", re.I)
_WEAK = re.compile(
    r"(?:\b(?:it's|it is) for |\bi'?m |\bi am |\bit's |\bit is |\bthis is |\bcall me |\bhere is |\bspeaking with |"
    r"\b(?:best|kind|warm)? ?regards,?\s+|\b(?:cheers|sincerely|yours|thanks),?\n\s*|\bon behalf of |\bask for |"
    r"\bspeak (?:to|with) |\b(?:book(?:ed|ing)?|is|it's|room|table) for |\bunder )",
    re.I,
)
_SURE_END = re.compile(
    r"[\"')]*(?: ?[,.;!?:\n(-]|$| and (?:i|my|we|i'd)\b| from | here| speaking| calling| on the line"
    r"| with (?:booking|reservation)|, | in (?:room|suite)| by the way| staying| again| \d| \+| - )",
    re.I,
)
_RELATION = re.compile(
    r"\b(?:my|his|her|our|their|the) (?:wife|husband|partner|fianc[eé]e?|"
    r"boyfriend|girlfriend|friend|brother|sister|son|"
    r"daughter|mother|father|mum|mom|dad|aunt|uncle|cousin|grandmother|grandfather|boss|colleague|assistant|secretary|"
    r"client|driver|guest|manager),? ",
    re.I,
)
_THING = re.compile(
    r"[ -](?:street|st|road|rd|avenue|ave|lane|square|park|bridge|"
    r"station|airport|hotel|inn|hall|house|suite|room|double|"
    r"single|twin|centre|center|museum|hospital|university|college|school|church|cathedral|theatre|theater|bar|pub|"
    r"restaurant|cafe|café|beach|island|falls|day|week|lake|mountain|river|terminal|building|tower|gardens?)\b",
    re.I,
)
_SPEAKS = re.compile(r",? (?:speaking|calling|here|on the (?:line|phone)|again)\b", re.I)
_ASKS = re.compile(r"\b(?:name|who (?:am i|is|are|will|shall|should|would)|may i ask who|whose|whom)\b", re.I)


def english_names(text: str) -> Iterator[Found]:
    """Names in folded text, by cue and by title."""
    for cue in _STRONG.finditer(text):
        titled = _TITLED.search(cue[0]) is not None
        if end := _after_cue(text, cue.end(), titled=titled):
            yield _found(text, cue.end(), end, "a name after its cue", 0.8)
    for cue in _WEAK.finditer(text):
        if end := _after_weak(text, cue.end()):
            yield _found(text, cue.end(), end, "a name after its cue", 0.6)
    for cue in _RELATION.finditer(text):
        match = _NAME.match(text, cue.end())
        if match and (end := _trimmed(text, match)) and not _THING.search(match[0]):
            yield _found(text, cue.end(), end, "a name after a relation", 0.6)
    for match in _NAME.finditer(text):
        yield from _full_name(text, match)
        alone = " " not in match[0] and match[0].lower() not in GIVEN
        if not alone and _SPEAKS.match(text, match.end()) and (end := _trimmed(text, match)) == match.end():
            yield _found(text, match.start(), end, "a name before speaking", 0.6)


def english_answer(text: str, asked: str) -> Iterator[Found]:
    """A name that answers the question `asked`: at the start of a clause, or all there is."""
    if not _ASKS.search(asked):
        return
    filler = re.match(
        r"(?:(?:yes|sure|ok(?:ay)?|of course|certainly|it's|it is|that's|that would be|the name is)[,.!]* )*",
        text,
        re.I,
    )
    starts = {0, filler.end() if filler else 0} | {match.end() for match in re.finditer(r"[,.;!?\n] ?", text)}
    for clause in sorted(starts):
        match = _NAME.match(text, clause)
        start = _begun(text, match) if match else clause
        match = _NAME.match(text, start)
        end = _trimmed(text, match) if match else None
        if end and _SURE_END.match(text, end) and (" " in text[start:end] or text[start:end].lower() in GIVEN):
            yield _found(text, start, end, "the answer to a question for a name", 0.7)
        elif (
            (low := _LOWER.match(text, start))
            and _small_name(low[0].split(), start)
            and _SURE_END.match(text, low.end())
        ):
            yield _found(text, start, low.end(), "the answer to a question for a name", 0.5)


def english_beside(text: str, contacts: list[Found]) -> Iterator[Found]:
    """Two or more capitalised words directly before or behind a telephone number or an address."""
    starts, ends = {one.start for one in contacts}, {one.end for one in contacts}
    for match in _NAME.finditer(text):
        start, end = _begun(text, match), _trimmed(text, match)
        if " " not in text[start : match.end()] or (end != match.end() and start == match.start()):
            continue
        end = match.end()
        sign = re.compile(r" ?[,:;(<-]? ?(?:and )?").match(text, end)
        before = re.compile(r"(?: ?[,:;] ?| )\n?\Z").search(text, max(0, start - 4), start)
        if (sign and sign.end() in starts) or (before and before.start() in ends):
            yield _found(text, start, end, "a name beside a contact", 0.6)


def _full_name(text: str, match: re.Match[str]) -> Iterator[Found]:
    """A common given name and one more capitalised word, wherever they stand, unless they name a street or a room."""
    words = match[0].split(" ")
    for at, word in enumerate(words[:-1]):
        if word.lower().split("-")[0] not in GIVEN or word.isupper():
            continue
        start = match.start() + len(" ".join(words[:at])) + (at > 0)
        rest = _NAME.match(text, start)
        end = _trimmed(text, rest) if rest else None
        name = text[start:end] if end else ""
        if end and " " in name and not _THING.search(text[start : end + 16].split(",")[0]):
            yield _found(text, start, end, "a given name and a surname", 0.5)
        return


def _small_name(words: list[str], start: int) -> bool:
    """Whether words in small letters can be a whole name; behind other words only where it begins as names do."""
    usual = words[0] in GIVEN
    return len(words) <= 3 and not COMMON.intersection(words) and (usual or (len(words) > 1 and start == 0))


def _after_cue(text: str, start: int, *, titled: bool) -> int | None:
    match = _NAME.match(text, start)
    if match:
        return _trimmed(text, match, month=titled)
    low = _LOWER.match(text, start)
    if low is None:
        return None
    words: list[str] = []
    for word in low[0].split():
        if word in COMMON:
            break
        words.append(word)
    return start + len(" ".join(words)) if words else None


def _after_weak(text: str, start: int) -> int | None:
    match = _NAME.match(text, start)
    if match:
        end = _trimmed(text, match)
        if end and (_SURE_END.match(text, end) or match[0].split()[0].lower() in GIVEN):
            two = " " in text[start:end]
            return (
                end
                if two or text[start:end].lower() in GIVEN or _SPEAKS.match(text, end) or _first(text, start)
                else None
            )
        return None
    low = _LOWER.match(text, start)
    if low is None or low[0].split()[0] not in GIVEN:
        return None
    words = low[0].split()
    take = 2 if len(words) > 1 and words[1] not in COMMON and len(words[1]) > 2 else 1
    return start + len(" ".join(words[:take]))


def _first(text: str, start: int) -> bool:
    """Whether "I'm" stands before: one capitalised word behind it is a name rather than a thing."""
    before = text[max(0, start - _BEFORE) : start]
    return re.search(r"\b(?:i'?m|i am|call me|regards,?|cheers,?|sincerely,?) ?\n?\s*$", before, re.I) is not None


def _begun(text: str, match: re.Match[str]) -> int:
    """Where a run of capitalised words begins without the words at its front that are no names ("Write", "That's")."""
    start = match.start()
    for word in match[0].split(" ")[:-1]:
        if word.lower() not in COMMON and not word.lower().endswith("'s"):
            break
        start += len(word) + 1
    return start


def _trimmed(text: str, match: re.Match[str], *, month: bool = False) -> int | None:
    """The end of a run of capitalised words without the words at its end that are no names; None if none is left.

    `month`: the first word is a name though it may be a month ("Mrs May").
    """
    end, words = match.start(), match[0].split(" ")
    for at, word in enumerate(words):
        if word.lower().strip(".") in COMMON and not (month and at == 0 and word.lower() in _MONTHS):
            break
        end += len(word) + 1
    end -= 1
    return end if end > match.start() else None


def _found(text: str, start: int, end: int, why: str, certainty: float) -> Found:
    return Found(NAME, start, end, text[start:end], why, certainty)
