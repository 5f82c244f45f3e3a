"""Finds names in Chinese text by what stands around them: "我叫…", "…先生", "联系人：…".

Chinese is written without spaces, so a name's end is a guess: a surname, then one or two characters that can be given
names, up to a sign or a word that commonly follows. Foreign names (with `·` or in Latin letters) are taken after a cue.
It reads folded text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dialoop.privacy.common_words import COMMON
from dialoop.privacy.found import NAME, Found

SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆"
    "范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫雷龙黎史陶贺毛段郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文庞樊殷施洪翟安颜"
    "倪牛温芦季俞章鲁葛伍申尤毕聂焦柳邢岳齐梅庄辛管祝左涂谷祁耿牟卜路詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍霍"
    "翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华冉闻宗丛娄全骆储佟艾萧阎麦岑"
)
COMPOUND = (
    "欧阳",
    "司马",
    "上官",
    "诸葛",
    "东方",
    "皇甫",
    "尉迟",
    "公孙",
    "慕容",
    "令狐",
    "司徒",
    "夏侯",
    "长孙",
    "端木",
    "南宫",
)
_UNSURE = frozenset("于向常方安全成单包解强华车房边净阴闻查席盛项曲游管祝路关费纪易文白金万任何时左甘景薄司宁高程应和")
"""Surnames that are words as well: after a weak cue they need a sure end."""

_HARD = frozenset(
    "的了吗呢吧呀哦嘛么我你您他她它们这那哪请想要订不没在谁几什怎吃买问给把被与跟就都很还太又再从至很叫姓谢"
)
_TITLES = "先生|女士|小姐|太太|师傅|夫人|阿姨|叔叔|同志|老师|经理|医生|大夫|教授|主任|总监|律师"
_OWNS = "的名字|这个名字|这名字|的名义|名下|的姓名|[预]?[订定]的|的预[订定]|的订单"
_TYPICAL = frozenset(
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅鹏飞辉亮波斌宇浩凯俊文建国志峰雷龙海燕雪琳颖莹萍婷慧倩佳欣怡悦"
    "晓雨晨晴阳旭东南春秋冬云天子轩涵梓睿博思远嘉豪诗琪梦洁瑶琴芬莲荣福贵祥瑞庆德义仁礼智信忠孝美淑珍凤翠菊月娥媛馨蕾薇菲茜"
    "露冰柔宁安康健成功胜利卫民生林森松柏楠桐枫泽润清源江河川山岩石磊鑫钰铭锋钢铁宝珠璐琦玲珊瑾璇彤丹青紫蓝若依然一凡小大"
    "世昌盛兴旺达光景晖朝阳曦昊晟恒永长久立新学勤奋进维振威武雄启正义良善诚实彬雅舒逸航帆翔羽凌霄鸿雁晋宗耀祖继承栋梁"
)
"""Characters common in given names: a surname with two of them is taken for a name without a cue."""
_FOLLOWS = (
    "想|要|订|预订|预定|的|是|在|你好|您好|我|请|电话|手机|邮箱|邮件|微信|联系|号码|身份证|从|打算|来自|来电|今天|明天|后天|昨天|"
    "这|那|有|入住|住|能|可以|可不|谢谢|多谢|麻烦|和|跟|与|以及|还有|吧|啊|呢|哈|了|也|就|不|帮|给|一|两|三|把|已|之前|刚|现在|"
    "说|姓|本人|下单|办|退|改|取消|名下|到|去|打|问|需|希望|准备|上周|下周|生日|这边|先生|女士|小姐|太太|师傅|夫人|吗|没错|对|"
    "通过|使用|为|先|等|将|会|应该|预计|周|即|可|确认|,|登记|付|发|留|方便|收"
)
_STRONG_FOLLOW = re.compile(
    "(?:预订|预定|你好|您好|电话|手机|邮箱|邮件|微信|联系|号码|身份证|打算|来自|来电|今天|明天|后天|昨天|入住|可以|谢谢|麻烦|以及|还有"
    "|之前|现在|本人|下单|取消|名下|希望|准备|上周|下周|这边|想|要|订|的|是|我|请|" + _TITLES + ")"
)
_FOLLOW = re.compile(f"(?:{_FOLLOWS})")
_END = re.compile(r"[^\u3400-\u9fffA-Za-z0-9·]|$")
_HAN = re.compile(r"[\u3400-\u9fff]")

_CUE = re.compile(
    r"(?:我(?:的名字)?叫(?:做)?|我的名字[是为]?|名叫|名字(?:就)?[叫是]|(?:姓名|全名|抬头|联系人|入住人|预[订定]人|订房人|收件人|收货人|持卡人|"
    r"经办人|旅客|住客|乘客|客人|机主|户名|署名|落款|登记人)(?:名字|姓名)?(?:[是为叫:填写]|信息)*|名字(?=[:])|本人|敝姓|免贵姓|我姓|"
    r"(?:我是|这里是|这边是|我这边是|叫我|找一下|转接|转给))[ :\"'“「【(]*"
)
_ANOTHER = re.compile(" ?[、/&和与及] ?|以及|还有")
"""Between two names of a list: "入住人：张三、李四"."""
_WEAK = re.compile(r"(?:我是|这里是|这边是|叫我|找一下|转接|转给|本人|客人|旅客|住客|乘客|机主)[ :\"'“「【(]*$")
_SURNAME_ONLY = re.compile(r"(?:敝姓|免贵姓|我姓)[ :]*$")
_NOT_NAMES = (
    "谢谢|方面|房型|高级|高端|高铁|高中|高层|常客|常住|常来|经常|金卡|金牌|白金|白天|黄金|黄牛|黄昏|程序|单独|单人|单位|曾经|应该|通过|方便|连续|"
    "安排|安全|安静|万豪|万一|全家|全程|全部|于是|何时|何必|何况|时候|成功|成人|项目|马上|马来|张家|江苏|江西|江边|任何|任意|"
    "包括|包含|包间|文员|文化|田径|石家|白领|白色|华为|华人|华东|华住|宁波|宁夏|温州|温泉|康复|平安|成都|武汉|苏州|苏宁|广东|"
    "关于|关心|向您|向你|查询|查一|车主|车牌|房东|房客|房间|边上|盛大|童年|强烈|强行|解决|解释|司机|左边|左右|文明|海外|龙卡|"
    "施工|游客|管家|管理|路过|路人|路上|易买|毕业|"
    "周[一二三四五六日末](?:[到来走去入退晚早上中下凌的之前后就要想能]|$|[^\u4e00-\u9fff])|阳台|阳光|齐全|金融|金额|方式|方案|方向|安装|安保|严重|严格|温馨|温度|和平"
)
_NOT_NAME = re.compile(f"(?:{_NOT_NAMES})")
_ASKING = re.compile("[如为任几缘]何")
"""Words that ask, whose second sign is a surname as well."""

_PART = r"(?:(?![的是叫呀啊呢吧吗我你在想要订得有和还与跟])[\u4e00-\u9fff]){1,6}"
_FOREIGN = re.compile(rf"{_PART}(?:·{_PART}){{1,3}}")
_LATIN = re.compile(
    r"[A-Z][a-z'-]+(?: [A-Z][a-z'-]*\.?){0,3}|[a-z]{2,}(?: [a-z]{2,})?(?=[,.;!?，。；！、 ]*(?:$|[^a-zA-Z ]))"
)
_TITLE = re.compile(f"(?:{_TITLES})")
_OWN = re.compile(f"(?:{_OWNS})")
_RELATION = re.compile(
    "(?:朋友|同事|老公|老婆|丈夫|妻子|爱人|妈妈?|爸爸?|父亲|母亲|儿子|女儿|哥哥?|姐姐?|弟弟?|妹妹?|老板|领导|秘书|助理|司机|客户|同学|"
    "舅舅|姑姑|阿姨|同住人?|同行人?|室友|孩子|写上?|登记)(?:还有|叫|是|为)?[ :]?"
)
_CLAUSE = re.compile(r"(?:^|(?<=[,.;!?。、；:\n ]))")
_ASKS = re.compile(r"(?:姓名|名字|怎么称呼|如何称呼|贵姓|哪位|叫什么|预[订定]人|入住人|联系人)")
_FILLER = re.compile(r"(?:好的?|嗯|哦|那|就|是|用|写|登记|麻烦|行|可以|没问题)*[,. 、]*")


def chinese_names(text: str) -> Iterator[Found]:
    """Names in folded text, by cue, by title, and where a name begins a clause and a contact stands next to it."""
    for cue in _CUE.finditer(text):
        weak = _WEAK.search(cue[0]) is not None
        if _SURNAME_ONLY.search(cue[0]):
            end = _surname_end(text, cue.end())
        else:
            end = name_end(text, cue.end(), sure=not weak)
        if end:
            yield _found(text, cue.end(), end, "a name after its cue", 0.6 if weak else 0.8)
            yield from _others(text, end)
    for title in _TITLE.finditer(text):
        if (start := _name_start(text, title.start())) is not None:
            yield _found(text, start, title.start(), "a name before its title", 0.8)
    for owns in _OWN.finditer(text):
        start = _name_start(text, owns.start())
        if start is not None and owns.start() - start > 1:
            yield _found(text, start, owns.start(), "a name that something is under", 0.7)
    for cue in _RELATION.finditer(text):
        if (end := name_end(text, cue.end(), sure=False)) and end - cue.end() > 1:
            yield _found(text, cue.end(), end, "a name after a relation", 0.6)
    yield from _typical(text)


def chinese_answer(text: str, asked: str) -> Iterator[Found]:
    """A name that answers the question `asked`: a clause that is nothing else."""
    if not _ASKS.search(asked):
        return
    for clause in _CLAUSE.finditer(text):
        for start in {clause.start(), _FILLER.match(text, clause.start()).end()}:  # type: ignore[union-attr]
            end = name_end(text, start, sure=True)
            if end and end - start > 1 and _END.match(text, end):
                yield _found(text, start, end, "the answer to a question for a name", 0.7)


def chinese_beside(text: str, contacts: list[Found]) -> Iterator[Found]:
    """A name that is a clause, directly before or behind a telephone number or an address."""
    starts = {one.start for one in contacts}
    ends = {one.end for one in contacts}
    for clause in _CLAUSE.finditer(text):
        start = clause.start()
        if not (text[start : start + 1] in SURNAMES and start < len(text)) and not _FOREIGN.match(text, start):
            continue
        end = name_end(text, start, sure=True)
        if not end or end - start < 2 or _NOT_NAME.match(text, start):
            continue
        sign = re.compile(r"[ ,、:;]{0,2}").match(text, end)
        before = re.compile(r"[ ,、:;]{1,2}\n?\Z").search(text, max(0, start - 3), start)
        beside = (sign is not None and sign.end() in starts) or (before is not None and before.start() in ends)
        if beside and (_END.match(text, end) or end in starts):
            yield _found(text, start, end, "a name beside a contact", 0.6)


def name_end(text: str, start: int, *, sure: bool) -> int | None:
    """Where the name that begins at `start` ends; None where none does. `sure`: a strong cue stands before it."""
    if foreign := _FOREIGN.match(text, start):
        return foreign.end()
    if latin := _LATIN.match(text, start):
        word = latin[0].split()[0].lower()
        return latin.end() if word not in COMMON and (sure or latin[0][0].isupper()) else None
    after_surname = _surname_end(text, start)
    if after_surname is None or (_NOT_NAME.match(text, start) and not sure):
        return None
    if _TITLE.match(text, after_surname):
        return after_surname
    one, two = after_surname + 1, after_surname + 2
    fits_one = _given(text, after_surname, 1)
    fits_two = _given(text, after_surname, 2)
    if fits_one and _STRONG_FOLLOW.match(text, one):
        return one
    if fits_two and (_END.match(text, two) or text[two].isascii() or _FOLLOW.match(text, two)):
        return two
    if fits_one and (_END.match(text, one) or text[one].isascii() or _FOLLOW.match(text, one)):
        return one
    if not sure or text[start] in _UNSURE:
        return None
    return two if fits_two else one if fits_one else None


def _others(text: str, end: int) -> Iterator[Found]:
    """Further names of a list whose first name ends at `end`."""
    while joint := _ANOTHER.match(text, end):
        start = joint.end()
        another = name_end(text, start, sure=False)
        if another is None or another - start < 2:
            return
        yield _found(text, start, another, "another name of a list", 0.6)
        end = another


def _typical(text: str) -> Iterator[Found]:
    """A surname and two characters that are common in given names, which no longer word goes on from."""
    for at, sign in enumerate(text):
        if sign not in SURNAMES or sign in _UNSURE or _NOT_NAME.match(text, at):
            continue
        given = text[at + 1 : at + 3]
        sure_end = _END.match(text, at + 3) or text[at + 3].isascii() or _FOLLOW.match(text, at + 3)
        titled = any(_TITLE.match(text, place) for place in (at + 1, at + 2))
        if len(given) == 2 and not titled and all(one in _TYPICAL for one in given) and sure_end:
            yield _found(text, at, at + 3, "a surname and a usual given name", 0.4)


def _surname_end(text: str, start: int) -> int | None:
    if text.startswith(COMPOUND, start):
        return start + 2
    return start + 1 if text[start : start + 1] in SURNAMES and start < len(text) else None


def _given(text: str, start: int, size: int) -> bool:
    part = text[start : start + size]
    return len(part) == size and all(_HAN.match(sign) and sign not in _HARD for sign in part)


def _name_start(text: str, title: int) -> int | None:
    """Where the name directly before a title begins: the longest that can be one."""
    for size in (4, 3, 2, 1):
        start = title - size
        if start < 0 or _NOT_NAME.match(text, start) or _ASKING.match(text, max(0, start - 1)):
            continue
        after = _surname_end(text, start)
        if after is None or after > title or (text[start] in _UNSURE and size > 1 and text[start + 1] in SURNAMES):
            continue
        if after == title and text[start] in _UNSURE and start and _HAN.match(text[start - 1]):
            continue  # "下单小姐"
        if after == title or (title - after <= 2 and _given(text, after, title - after)):
            return start
    return None


def _found(text: str, start: int, end: int, why: str, certainty: float) -> Found:
    return Found(NAME, start, end, text[start:end], why, certainty)
