"""What a customer wants, by keywords: `read` makes `Said` of a text and of what the agent asked last.

Written from the training wording, as a team without a model would write it from its logs. It knows no state but the
agent's last text and the rooms that were offered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dialoop.scenarios.hotel import values_heard
from dialoop.scenarios.hotel.talk import Heard, Intent, Said, Value

_CHAT = {
    "en": {
        "who": r"robot|human|machine|real person|\bbot\b|computer|just a program|who am i talking|your name|have a name|a person behind|"
        r"to software|human at all|thing are you|who is answering|an ai\b",
        "abilities": r"what can you do|what can i ask|how can you help|able to do|things do you handle|do you do here|are you for|"
        r"explain what you do|your skills|leave to you|it that you do|tell me what you can|services do you",
        "mood": r"how are you|day going|you all right|good day\?|how is life|how's it going\?|are you (?:well|tired)|feeling good|"
        r"fine with you|like your work|busy today",
        "weather": r"weather|raining|sunny|\bcold there|\bcoat\b|\bsnow\b|umbrella|forecast|how warm|storm|windy|temperature",
        "compliment": r"lovely hotel|love your hotel|hotel is great|looks beautiful|wonderful time|nice hotel|good things about|"
        r"charming place|my favourite|adore|so happy in|staff is great|lovely place",
        "flight": r"flight|plane|train ticket|rent me a car|concert|bus ticket|restaurant in town|taxi|ferry|football|pizza|"
        r"hire car|theatre",
        "homework": r"maths|poem|homework|joke|translate|capital of|write some code|times eight|essay|song|physics|who wrote|"
        r"a story|how tall",
        "politics": r"vote|government|which party|election|president|mayor|\btax|left or right|the king|parliament",
    },
    "zh": {
        "who": "机器人|跟谁说话|真人|人工还是|AI吗|叫什么名字|电脑程序|说话的是谁|是不是人|什么东西|真的人|你是谁",
        "abilities": "能做什么|会干什么|可以问你什么|帮我什么忙|管些什么|功能|有什么用|会些什么|哪些事|本事|会做什么|什么服务",
        "mood": "你今天好吗|最近怎么样|心情|你还好|忙不忙|过得怎么样|高兴吗|开心吗|顺利吗|喜欢这份|休息得|困不困",
        "weather": "天气|下雨|会不会冷|热不热|厚衣服|下雪|带伞|晴不晴|风大|气温|台风|晒不晒",
        "compliment": "真漂亮|喜欢你们酒店|都说你们|住得很开心|看着真不错|服务特别好|你们家真|最爱住|夸你们|员工很好|特别满意|环境真美",
        "flight": "机票|高铁票|租车|演唱会|电影票|订餐厅|外卖|船票|歌剧|球赛|去机场|邮轮",
        "homework": "数学题|写首诗|笑话|翻译|作业|首都|写段代码|等于几|作文|故事|物理|红楼梦|古诗|地球",
        "politics": "哪个党|选举|政府|政治|市长|投票|加税|领导人|议会|哪一边|国家大事",
    },
}
_WISHES: dict[str, dict[Intent, str]] = {
    "en": {
        "cancel": r"cancel|call(?:ing|ed)? off|drop my reservation|take my booking .* off|forget about my|(?:remove|delete|withdraw|release|end) "
        r"my|out of my booking|don't want the room|取消",
        "change": r"\b(?:chang|alter|modif|adjust|updat|mov|switch|revis|redo|rework)\w* (?:of plans|it|my|our|the)|"
        r"(?:booking|reservation).*\bchange|a change to|be different|stay different|修改",
        "find": r"(?:look up|check|see|find|show me|state of|details of|dates of|confirm|what was|about) (?:my|our) "
        r"(?:booking|reservation)|still have my|what i booked|did i book|i booked a room|my (?:booking|reservation) .*"
        r"(?:start|all right|confirmed|went through|arrive|right\?|saved|again|exists|in your system|stands|once more)|have a booking|"
        r"want to check|papers for|bring up|go through|remind me|did i reserve|in my (?:booking|reservation)|look at my|do i find|"
        r"reservation of mine|my own booking|double-check|repeat my|on file|(?:overview|facts|look|confirmation|mail with the) .*booking|"
        r"which days|until when|do i arrive|are we staying|under which|how long is|search for my|show my|checking on|on your list|"
        r"(?:open|print out|let's see) my",
        "compare": r"compare|difference between|differ\b|which is (?:better|bigger)|decide between|versus|torn|nicer than|"
        r"side by side|hasn't|speaks for|what would you take",
        "rule": r"\brules?\b|policy|question about|question first, about|know (?:about|regarding)|tell me about|handle|how does it work|"
        r"ask about|information on|a word on|wondering about|asking about|what about|how are things|how is it with|"
        r"the house say|do you say about|question is about|about it: it's about|规定",
        "complain": r"complain|problem|broken|i'm in room|this is room|\broom \d{3} here|bother you|not happy|believe it|so you know|"
        r"send someone|annoying|we are staying in|please help,|calling from|must say that|checked in to|seems that|"
        r"looks like|really angry|wrong here|report something|hello from room|should know that|trouble in|can't be right|"
        r"\bin (?:room )?\d{3}\b",
        "book": r"\bbook|reserv|\bstay\b|need (?:a|somewhere|one)|\brooms?\b|available|availability|what's free|anything free|open from|"
        r"put me up|place|a bed|offer me|prices|space|预订|房间|空房",
    },
    "zh": {
        "cancel": "取消|退订|退了|退掉|退房间|不要了|删掉|终止|不想要那间|cancel",
        "change": "更正|有变|改|修改|变更|变动|变一下|调整|更新一下|换一下|change",
        "find": "查.{0,4}(?:订单|预订)|(?:订单|预订).{0,6}(?:还在|状态|详情|情况|信息|查|看看|成功|核对)|确认一下|核对一下|忘了|"
        "我订了|订的是|找一下我的订单|看一下我的订单|订上了|看看我的|调出来|之前订了|有个预订|查查|查一查|翻一下|订的什么|哪天入住|写的是|核实|详细说|"
        "我订的|报一下|在不在|好了没有|看看订单|看订单|订了哪间|忘记|再说一遍|预订记录|找出|有没有我的|留着|自己的订单|住到哪天|谁的名字|再确认|"
        "订上没|看预订|打开|怎么样了|说说我的|复述|搜一下|看到我的|预订详情|查个订单",
        "compare": "区别|不同|哪个好|哪个大|比较|怎么选|犹豫|比.*好在|对比|更好|差别|各有|比呢|说说.*和",
        "rule": "规定|要求|怎么算|怎么弄|规矩|注意|限制|政策|讲究|说法|咨询一下|打听|怎么安排|policy|rule|想问.*的事|问一下|"
        "关于|了解一下|方面是|的情况。",
        "complain": "投诉|反映|问题，|打扰了|不满意|太过分|派人|烦人|快来看看|的客人|不得不说|刚住进|怎么回事|报修|毛病|帮帮忙|得知道|"
        r"我是\d{3}|我住\d{3}|\d{3}房|这里是\d{3}|住在\d{3}|我在\d{3}|说一下，|\d{3}有问题",
        "book": "订|预定|住|房|开一?间|留一?间|来一?间|什么价格|book|room",
    },
}
_ROOM_ASKED = {
    "en": r"\?|like to know more|tell me (?:more )?about|describe|details|curious|facts|hear about|want to know what",
    "zh": "怎么样|什么样|介绍|说说|多大|什么床|看到什么|多少钱|几个人|大不大|好不好|了解|特点|情况|里面|平米|呢？|讲讲|详情|贵不贵|推荐吗|价格|"
    "view|size|details",
}
_PLAIN: dict[str, dict[Intent, str]] = {
    "en": {
        "bye": r"\bbye\b|goodbye|see you|have a nice day|再见",
        "no": r"^(?:no\b|hmm, no|th+en no|never mind|not any|let it be|on reflection)|forget it|leave (?:it|everything)|changed my mind|"
        r"rather not|don't (?:want|do)|second thoughts",
        "yes": r"^(?:yes|yep|yeah|correct|right|sure|ok|okay|fine|exactly|perfect|absolutely|true|good|go ahead|please do|sounds right|"
        r"all right|that's (?:right|it)|对)\b|go ahead|好的",
        "thanks": r"thank|cheers",
        "greet": r"^(?:hi|hello|hey|good (?:morning|evening)|morning|evening)\b",
    },
    "zh": {
        "bye": "再见|拜拜|bye",
        "no": "^(?:算了|不了|不用了|不，|先不|那就不要|别办|不要了|不可以|没必要)|不用了|保持原样|别动了|反悔|先不要|算了|不办|不了。",
        "yes": "^(?:是|对|好|可以|没问题|确认|嗯|没错|行|正确|就这样|没有|信息|都没|请您|那就办|ok|yes)",
        "thanks": "谢|辛苦",
        "greet": "^(?:你好|您好|在吗|早上好|晚上好|嗨|请问有人|哈喽|有人在)",
    },
}


def read(text: str, heard: Heard, lang: str, offered: Sequence[str] = ()) -> Said:
    """The customer's turn as keywords tell it. `heard`: what the agent asked last; `offered`: rooms it named."""
    private = values_heard.is_private(text)
    if topic := _chat(text, lang):
        return Said(text, "chat", {"topic": topic}, private=private)
    intent = _intent(text, heard, lang, offered)
    return Said(text, intent, _values(text, intent, heard, lang, offered), private=private)


def _chat(text: str, lang: str) -> str | None:
    return next((topic for topic, words in _CHAT[lang].items() if re.search(words, text, re.I)), None)


def _intent(text: str, heard: Heard, lang: str, offered: Sequence[str]) -> Intent:
    def fits(words: str) -> bool:
        return re.search(words, text.strip(), re.I) is not None

    plain, wishes = _PLAIN[lang], _WISHES[lang]
    rooms = values_heard.rooms(text, lang, offered)
    if fits(plain["bye"]) and not rooms:
        return "bye"
    if heard.act in ("confirming", "sold_out", "too_dear") or heard.note:
        if fits(plain["no"]):
            return "no"
        if heard.act == "confirming" and fits(plain["yes"]) and not _stay(text, lang):
            return "yes"
    if heard.act == "asked" and _answers(text, heard, lang) and not fits(wishes["rule"]):
        return "inform"
    if heard.act == "offered":
        if len(rooms) > 1 or fits(wishes["compare"]):
            return "compare"
        if rooms and fits(_ROOM_ASKED[lang]) and not fits(r"can i have|可以。|就它"):
            return "room"
        if rooms or _place(text, heard.rooms, lang) is not None:
            return "choose"
    wish = next((intent for intent, words in wishes.items() if fits(words)), None)
    if wish == "compare" and len(rooms) < 2:
        wish = "room" if rooms else None
    if wish in ("rule", "book", "complain", None) and rooms and fits(_ROOM_ASKED[lang]) and not _stay(text, lang):
        wish = "room" if wish != "book" or not fits(r"\bbook|reserv|订|预定") else wish
    if heard.act in ("asked", "sold_out", "too_dear", "confirming") and wish in (None, "book", "complain"):
        return "inform" if _stay(text, lang) or heard.act != "asked" or wish is None else wish
    if wish is not None:
        return wish
    for intent, words in plain.items():
        if intent not in ("bye", "greet") and fits(words):
            return intent
    return "inform" if _stay(text, lang) else "greet"


def _answers(text: str, heard: Heard, lang: str) -> bool:
    """Whether the text has a value of a slot that was asked for."""
    given = _slot_values(text, heard, lang)
    return any(slot in given for slot in heard.slots) or (heard.slots == ("changes",) and bool(_stay(text, lang)))


def _stay(text: str, lang: str) -> dict[str, Value]:
    found = {
        "check_in": values_heard.day(text, lang),
        "nights": values_heard.count(text, "nights", lang),
        "guests": values_heard.count(text, "guests", lang),
    }
    return {slot: value for slot, value in found.items() if value is not None}


def _slot_values(text: str, heard: Heard, lang: str) -> dict[str, Value]:
    asked = heard.slots
    found: dict[str, Value | None] = dict(_stay(text, lang))
    found["max_price"] = values_heard.price(text, lang, asked=heard.act == "too_dear")
    found["name"] = values_heard.name(text, lang, asked="name" in asked)
    found["contact"] = values_heard.contact(text)
    if "reference" in asked:
        found["reference"] = values_heard.reference(text)
    if "room_number" in asked:
        found["room_number"] = values_heard.door(text)
    if "problem" in asked:
        found["problem"] = values_heard.problem(text, lang, asked=True)
    return {slot: value for slot, value in found.items() if value is not None}


def _values(text: str, intent: Intent, heard: Heard, lang: str, offered: Sequence[str]) -> dict[str, Value]:
    rooms = values_heard.rooms(text, lang, offered)
    match intent:
        case "rule":
            return {"topic": values_heard.topic(text, lang) or text}
        case "room":
            return {"room": rooms[0]} if rooms else {}
        case "compare":
            return {"room": rooms[0], "other_room": rooms[1]} if len(rooms) > 1 else {}
        case "choose":
            room = rooms[0] if rooms else _place(text, heard.rooms, lang)
            return {} if room is None else {"room": room}
        case "complain":
            found = {"room_number": values_heard.door(text), "problem": values_heard.problem(text, lang)}
            return {slot: value for slot, value in found.items() if value is not None}
        case "find" | "cancel":
            reference = values_heard.reference(text)
            return {} if reference is None else {"reference": reference}
        case "change":
            reference = values_heard.reference(text)
            return _changes(text, rooms, lang) | ({} if reference is None else {"reference": reference})
        case "book":
            return _slot_values(text, heard, lang) | ({"room": rooms[0]} if rooms else {})
        case "inform" if heard.slots == ("changes",):
            return _changes(text, rooms, lang)
        case "inform":
            return _slot_values(text, heard, lang)
    return {}


def _changes(text: str, rooms: Sequence[str], lang: str) -> dict[str, Value]:
    stay = _stay(text, lang)
    changed = {f"new_{slot}": stay[slot] for slot in ("check_in", "nights") if slot in stay}
    return changed | ({"new_room": rooms[0]} if rooms else {})


def _place(text: str, rooms: Sequence[str], lang: str) -> str | None:
    """The room that is meant by its place among those offered."""
    if not rooms:
        return None
    if re.search(
        r"first|cheapest|number one|option one|at the top|lowest|第一|最便宜|头一|前面|先说|最低|便宜的|一号",
        text,
        re.I,
    ):
        return rooms[0]
    if re.search(r"\blast\b|at the (?:end|bottom)|dearest|最后|后面|最贵|压轴|末一", text, re.I):
        return rooms[-1]
    only = r"that (?:one|room)|(?:i|we)(?:'ll)? (?:take|have) (?:it|that)|book that|i want it|it will do|give me that|all there is"
    only += "|这间|就它|就这|我要|要了|订它"
    return rooms[0] if re.search(only, text, re.I) else None
