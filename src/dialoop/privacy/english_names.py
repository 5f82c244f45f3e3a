"""Finds names in English text by what stands around them: "my name is …", "Mr …", "this is … speaking".

After a strong cue a name may be in small letters; after "I'm" it needs capitals and a sure end, or to be a common given
name. It reads folded text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dialoop.privacy.found import NAME, Found

_U, _L = "A-ZÀ-ÖØ-Þ", "a-zß-öø-ÿ"
_WORD = rf"(?:Mc|Mac|O'|D'|L'|De|Van)?[{_U}][{_L}]+(?:[-'][{_U}]?[{_L}]+)*"
_CAP = rf"(?:{_WORD}|[{_U}]{{2,}}(?:-[{_U}]{{2,}})?|[{_U}]\.?(?= ?[{_U}]))"
_PARTICLE = r"(?:van|von|de|der|den|del|della|da|dos|du|la|le|bin|al|el|ben|ter|ten|zu)"
_CAPS = rf"{_CAP}(?:[ -]{{1,2}}(?:{_PARTICLE} ){{0,2}}{_CAP}){{0,3}}"
_SMALL = rf"[{_L}]+(?:[-'][{_L}]+)*"
_NAME = re.compile(rf"(?<![A-Za-z])(?:{_CAPS})(?![A-Za-z])")
_LOWER = re.compile(rf"(?<![A-Za-z]){_SMALL}(?: (?:[{_L}]\.? )?{_SMALL}){{0,2}}(?![A-Za-z])")
_TITLES = r"(?:mr|mrs|ms|miss|mister|madam|madame|dr|prof|professor|sir|herr|frau|mx)"

_STRONG = re.compile(
    r"(?:\bmy (?:full |first |last |given |family |sur)?name(?:'s| is|:| would be| will be)? |"
    r"\bnames? (?:is|are|was|of|on (?:the|my) (?:booking|reservation|card|account) (?:is|was))? ?:? ?|"
    r"\bunder (?:the )?(?:name|surname)(?: of)? |\bin the name of |\bsigned,? |"
    r"\b(?:guest|contact(?: person)?|passenger|customer|cardholder|full name|surname|attn|name|"
    r"traveller|traveler)(?: name)? ?[:=-] ?|"
    rf"(?<![A-Za-z]){_TITLES}\.? )[\"'(]*(?:{_TITLES}\.? )?",
    re.I,
)
_TITLED = re.compile(rf"{_TITLES}\.? [\"'(]*$", re.I)
_WEAK = re.compile(
    r"(?:\bi'?m |\bi am |\bit's |\bit is |\bthis is |\bcall me |\bhere is |\bspeaking with |"
    r"\b(?:best|kind|warm)? ?regards,?\s+|\b(?:cheers|sincerely|yours|thanks),?\n\s*|\bon behalf of |\bask for |"
    r"\bspeak (?:to|with) |\bbook(?:ed|ing)? for |\bunder )",
    re.I,
)
_SURE_END = re.compile(
    r"[\"')]*(?: ?[,.;!?:\n(-]|$| and (?:i|my|we|i'd)\b| from | here| speaking| calling| on the line"
    r"| with (?:booking|reservation)|, | in (?:room|suite)| by the way| staying| again| \d| \+| - )",
    re.I,
)
_SPEAKS = re.compile(r",? (?:speaking|calling|here|on the (?:line|phone)|again)\b", re.I)
_ASKS = re.compile(r"\b(?:name|who am i (?:speaking|talking)|may i ask who|whose)\b", re.I)

COMMON = frozenset(
    "a an the this that these those my your his her our their its it i you he she we they not no yes ok okay on in at "
    "of for from to under over with without by and or but so as "
    "is are was were be been am do does did have has had will "
    "would can could should may might must if then than there here where when who what which why how all any some too "
    "very just still also already now today tomorrow tonight please thanks thank sorry hello hi hey good morning "
    "afternoon evening looking trying going coming calling writing interested happy sure afraid late early ready "
    "staying traveling travelling arriving leaving having getting planning wondering hoping asking "
    "booking reservation reserved room rooms hotel number phone email mail address name names spelled spelt misspelled "
    "wrong right correct different same new one two three about correctly missing unknown private listed up out "
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august september "
    "october november december american british english chinese german french spanish italian canadian australian "
    "japanese korean indian dutch swiss russian irish scottish mexican brazilian vegan vegetarian vip mr mrs ms dr sir "
    "miss madam guest customer member manager staff everything nothing something anything great fine perfect amazing "
    "terrible urgent important standard deluxe double single twin suite family king queen garden sea view breakfast "
    "dinner lunch wifi parking pool spa check checkin checkout visa mastercard amex id usd eur gbp reception desk "
    "because since until after before only really actually currently unfortunately basically again speaking me us them "
    "him non smoking".split()
)
GIVEN = frozenset(
    "james john robert michael william david richard joseph thomas charles daniel matthew anthony donald steven paul "
    "andrew joshua kenneth kevin brian george timothy ronald edward jason jeffrey ryan jacob gary nicholas eric "
    "jonathan stephen larry justin scott brandon benjamin samuel gregory "
    "alexander patrick jack dennis jerry tyler aaron jose "
    "adam nathan henry douglas zachary peter kyle noah ethan jeremy walter keith roger sean dylan liam lucas oliver "
    "mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty sandra margaret ashley "
    "kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca laura sharon cynthia kathleen amy "
    "angela shirley anna brenda pamela emma nicole helen samantha katherine christine debra rachel carolyn janet maria "
    "heather diane ruth julie olivia joyce virginia victoria kelly lauren christina joan evelyn judith megan andrea "
    "cheryl hannah jacqueline martha gloria teresa ann sara madison frances kathryn janice jean alice julia sophia "
    "chloe lucy mia ella zoe tom mike dave bob jim joe steve chris nick ben sam alex tony dan matt kate jenny lucia "
    "sofia carlos juan pedro luis miguel ahmed mohammed fatima ali omar yuki hiroshi priya raj wei ming hans klaus "
    "pierre marie luca marco giulia ivan olga sven lars ingrid fiona ian leo max felix clara lea nora tina".split()
)


def english_names(text: str) -> Iterator[Found]:
    """Names in folded text, by cue and by title."""
    for cue in _STRONG.finditer(text):
        titled = _TITLED.search(cue[0]) is not None
        if end := _after_cue(text, cue.end(), titled=titled):
            yield _found(text, cue.end(), end, "a name after its cue", 0.8)
    for cue in _WEAK.finditer(text):
        if end := _after_weak(text, cue.end()):
            yield _found(text, cue.end(), end, "a name after its cue", 0.6)
    for match in _NAME.finditer(text):
        if _SPEAKS.match(text, match.end()) and (end := _trimmed(text, match)) == match.end():
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
    for start in sorted(starts):
        match = _NAME.match(text, start)
        end = _trimmed(text, match) if match else None
        if end and _SURE_END.match(text, end) and (" " in text[start:end] or text[start:end].lower() in GIVEN):
            yield _found(text, start, end, "the answer to a question for a name", 0.7)
        elif (low := _LOWER.match(text, start)) and _small_name(low[0].split()) and _SURE_END.match(text, low.end()):
            yield _found(text, start, low.end(), "the answer to a question for a name", 0.5)


def english_beside(text: str, contacts: list[Found]) -> Iterator[Found]:
    """Two or more capitalised words directly before or behind a telephone number or an address."""
    starts, ends = {one.start for one in contacts}, {one.end for one in contacts}
    for match in _NAME.finditer(text):
        end = _trimmed(text, match)
        if end != match.end() or " " not in match[0]:
            continue
        sign = re.compile(r" ?[,:;(<-]? ?(?:and )?").match(text, end)
        before = re.compile(r"(?: ?[,:;] ?| )$").search(text[: match.start()])
        if (sign and sign.end() in starts) or (before and before.start() in ends):
            yield _found(text, match.start(), end, "a name beside a contact", 0.6)


def _small_name(words: list[str]) -> bool:
    """Whether words in small letters can be a whole name."""
    return len(words) <= 3 and not COMMON.intersection(words) and (len(words) > 1 or words[0] in GIVEN)


def _after_cue(text: str, start: int, *, titled: bool) -> int | None:
    match = _NAME.match(text, start)
    if match:
        return _trimmed(text, match, any_first=titled)
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
    return re.search(r"\b(?:i'?m|i am|call me|regards,?|cheers,?|sincerely,?) ?\n?\s*$", text[:start], re.I) is not None


def _trimmed(text: str, match: re.Match[str], *, any_first: bool = False) -> int | None:
    """The end of a run of capitalised words without the words at its end that are no names; None if none is left.

    `any_first`: the first word is a name whatever it is ("Mrs May").
    """
    end, words = match.start(), match[0].split(" ")
    for at, word in enumerate(words):
        if word.lower().strip(".") in COMMON and not (any_first and at == 0):
            break
        end += len(word) + 1
    end -= 1
    return end if end > match.start() else None


def _found(text: str, start: int, end: int, why: str, certainty: float) -> Found:
    return Found(NAME, start, end, text[start:end], why, certainty)
