"""What rules hear in a text, in English and Chinese: a yes, a question, a wish for a person, the language.

Small and sure rather than wide: what is not heard here is left to the model. It knows no log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from dialoop.conversation.language import script_language

YES_INTENTS = frozenset({"yes", "affirm", "affirmative", "confirm", "agree", "accept", "是", "确认", "同意"})
"""Intents that are a yes, where understanding is passed in."""
_SURE = 0.5
"""Confidence from which on an intent counts."""

_YES_SIGNS_EN = re.compile(
    r"\b(?:yes|yeah|yep|yup|yea|sure|ok|okay|correct|exactly|precisely|indeed|agreed|absolutely|definitely|certainly|"
    r"perfect|confirm(?:ed)?|go ahead|do (?:it|so|that)|please do|(?:book|cancel|change) it|of course|by all means|"
    r"(?:that|it)(?:'s| is| all)? (?:is )?(?:right|correct|fine|good|ok|okay|it)|(?:sounds|looks) "
    r"(?:good|right|great|fine|perfect|correct)|all (?:right|good|correct)|alright|very well|affirmative|fine by me|"
    r"works for me|suits me|i agree|i do|you may|please go|right|true|how i (?:want|would like) it)\b"
)
_NO_EN = re.compile(
    r"\b(?:no|not|nope|nah|wrong|but|instead|wait|stop|cancel that|rather|except|chang\w* my|"
    r"however|actually|hold on|never|unless|if(?! possible| that works| you can| it works)|different|another|bye|"
    r"goodbye|cannot|(?:do|does|did|is|are|was|were|wo|ca|could|would|should|has|have|had|must|need|might|ai)n ?t|"
    r"none|nothing|nobody|neither|nor|hardly|barely|refus\w*|declin\w*|reject\w*|hat(?:e|es|ed|ing)|den(?:y|ied)|"
    r"disagree\w*|doubt\w*|unable|unsure|incorrect|mistake\w*|later|maybe|perhaps|let me|keep|leave|forget|skip|"
    r"without|against|second thoughts?|think (?:about|it over)|where|which|who|why|when|"
    r"what(?!'?s? (?:i|we)\b)|how (?!i\b|we\b))\b|n't\b"
)
_YES_ZH = re.compile(
    r"(?:(?:yes|ok|okay|sure)[，,。! ]*)?"
    r"(?:(?:是|对|好|行|妥|ok)(?=[的得吧啊呀了嘞哒，,。！!～~、 是对好行就没可麻这]|$)|"
    r"可以|可已|没错|不错|没问题|没有问题|确认|确定|同意|正确|正是|嗯|恩|当然|成交|无误|照办|麻烦(?:您|你|了|帮)|"
    r"请(?:办|订|预订|继续|确认|处理|吧)|就(?:这样|这么|按|照|是这|订)|(?:订|预订|取消|改|办)吧|(?:yes|ok|okay|sure)$)",
    re.IGNORECASE,
)
_NO_ZH = re.compile(
    r"不(?!错|用谢|客气)|别|没(?!错|问题|有问题|关系)|等等|等一下|先|但|错了|(?<!没)有误|换|改成|改为|而是|算了|吗|呢|[？?]|再见|再会|"
    r"拜拜|bye|号|问了|最后|第|拒|以后|再[说想看议]|对了|另|考虑|反悔|后悔|改主意|改[天日]|晚点|回头|稍|暂|未|无法|甭|勿|难|保[留持]|"
    r"留着|放弃|作罢|免了|多少|怎|什么|谁|哪|几"
)
_ACTS = {
    "cancel": re.compile(r"\bcancel(?:s|l?ed|l?ing)?\b|取消"),
    "change": re.compile(r"\bchang(?:e|es|ed|ing)\b|改"),
    "book": re.compile(r"\b(?:re)?book\b|订"),
}
"""Words of a yes that say what is to be done: they are one where just that was asked."""
_OTHER_ACTS = ("cancel", "change")
"""Acts that are another wish where they were not asked for. Whoever books says yes to many a question."""
_QUESTION = re.compile(r"[?？]|吗|\b(?:shall i|should i|may i|please confirm)\b|请确认|确认一下", re.IGNORECASE)
_LONGEST_YES = {"en": 10, "zh": 12}
"""Words, or signs, beyond which a text says more than a yes."""

_PERSON_EN = re.compile(
    r"\b(?:(?<!do i )(?<!am i )(?:speak|talk|chat|connect me|put me through|transfer me|hand me over|get me|pass me|"
    r"switch)\b[^.!?]{0,30}\b(?:human|person|someone|somebody|agent|representative|operator|colleague|employee|staff|manager|real)|"
    r"(?:want|need|like|prefer|give me|can i (?:have|get|see))\b[^.!?]{0,20}"
    r"\b(?:human(?: being)?|real person|live (?:agent|person)|representative|operator|human agent)|"
    r"(?:call|fetch|bring) (?:a|your) (?:human|person|colleague|manager|operator)|^\W*(?:human|operator|real person|"
    r"representative|agent)(?: please)?\W*$)\b",
    re.IGNORECASE,
)
_PERSON_ZH = re.compile(
    r"(?:转|找|接|叫|换|要|请|联系|呼叫|和|跟|与|让)(?:到|个|一个|一位|一下|你们的|你们|真|您们的|位)*"
    r"(?:人工|真人|活人|客服人员|人工客服|人工服务|工作人员|值班经理|经理|专员|坐席|主管)|"
    r"人工客服|人工服务|真人客服|有没?有?人工|^\W*(?:人工|真人|客服)\W*$"
)


def language_of_text(text: str, usual: str | None) -> str:
    """What the script shows; for Latin letters `usual`, or `en` where that is written otherwise."""
    script = script_language(text)
    if script != "unstated":
        return script
    latin = re.search(r"[A-Za-z]{3}", re.sub(r"<[a-z]+_\d+>", "", text))
    return "en" if usual is None or (latin and usual[:2] in ("zh", "ja", "ko")) else usual


def wants_person(text: str) -> bool:
    """Whether the customer asks for a person."""
    return bool(_PERSON_EN.search(text) or _PERSON_ZH.search(text))


def is_yes(
    text: str, intents: Mapping[str, float] | None = None, *, asked: str = "", tools: Iterable[str] = ()
) -> bool:
    """Whether the text is a yes and nothing else: short, with a sign of a yes, without one of a no or a change.

    `asked` is the question that it answers, `tools` are the names of the tools that the yes would let be called:
    "cancel it" is a yes where these cancel (or, if they do not tell, where the question does), and a no elsewhere.
    """
    bare, acts = _plain(text), _acts_asked(asked, tools)
    if _denies(bare, acts):
        return False
    if intents and any(name.lower() in YES_INTENTS and sure >= _SURE for name, sure in intents.items()):
        return True
    if re.search(r"\d", bare):  # with a number or a stand-in it says more than a yes
        return False
    if script_language(bare) == "zh":
        sign = _YES_ZH.match(bare)
        return len(re.sub(r"\W", "", bare)) <= _LONGEST_YES["zh"] and sign is not None and _acts(sign[0]) <= acts
    if len(re.findall(r"[a-z']+", bare)) > _LONGEST_YES["en"]:
        return False
    signs = (sign[0] for sign in _YES_SIGNS_EN.finditer(bare))
    return any(_acts(sign) <= acts for sign in signs) or re.fullmatch(r"y\W*", bare) is not None


def _plain(text: str) -> str:
    return re.sub("[‘’ʼ´`′＇]", "'", text.strip().lower())


def _denies(bare: str, acts: set[str]) -> bool:
    """Whether a no, a doubt, a question or another wish is in it, in either language."""
    if _NO_ZH.search(bare) or _NO_EN.search(bare):
        return True
    return any(act in _OTHER_ACTS for act in _acts(bare) - acts)


def _acts(text: str) -> set[str]:
    return {act for act, words in _ACTS.items() if words.search(text)}


def _acts_asked(asked: str, tools: Iterable[str]) -> set[str]:
    """What the tools' names say that is done; where they say nothing, what the sentences that ask say."""
    names = " ".join(re.sub(r"_|(?<=[a-z])(?=[A-Z])", " ", name) for name in tools)
    sentences = re.split(r"(?<=[.!?。！？\n])", asked)
    acts = _acts(names.lower()) or _acts(_plain(" ".join(one for one in sentences if _QUESTION.search(one))))
    return acts - {"book"} if acts & {*_OTHER_ACTS} else acts  # "cancel the booking", 取消预订


def asked_for(arguments: dict[str, Any], asked: str, customer: str) -> bool:
    """Whether the text `asked` asked for a yes to a call with these arguments.

    It asks something, says at least half of the values back, and those that it does not say were said by the
    customer (`customer`: all that it said). A value that nobody said is not asked for, and a call without values could
    be asked for by any question: it never is.
    """
    values = [value for value in _values(arguments) if value != ""]
    if not _QUESTION.search(asked):
        return False
    back = [value for value in values if _says(asked, value)]
    others = [value for value in values if value not in back]
    return bool(back) and len(back) * 2 >= len(values) and all(_says(customer, one) for one in others)


def _values(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [found for inner in value.values() for found in _values(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in _values(inner)]
    if value is None or isinstance(value, bool):
        return []
    if isinstance(value, float):
        return [str(int(value)) if value.is_integer() else str(value)]
    return [str(value)]


_NUMBERS = {
    1: "one 一", 2: "two 两 二", 3: "three 三", 4: "four 四", 5: "five 五", 6: "six 六", 7: "seven week 七 周",
    8: "eight 八", 9: "nine 九", 10: "ten 十", 11: "eleven 十一", 12: "twelve 十二", 14: "fourteen 十四",
}  # fmt: skip


def _says(text: str, value: str) -> bool:
    """Whether the text holds the value, whatever its case and spacing; a number also as a word."""
    if re.fullmatch(r"\d+", value):
        if re.search(rf"(?<!\d){value}(?!\d)", text):
            return True
        words = _NUMBERS.get(int(value), "").split() if len(value) < 3 else []
        return any(re.search(rf"\b{word}\b" if word.isascii() else word, text, re.IGNORECASE) for word in words)
    return _bare(value) in _bare(text)


def _bare(text: str) -> str:
    kept = re.sub(r"\b(?:the|a|an|on|from)\b", "", text.casefold())
    return "".join(sign for sign in kept if sign.isalnum() or sign in "<>_@")
