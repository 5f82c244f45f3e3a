"""Words of the copying talk in English and Chinese: parameters, tool names, and what customers and agents say.

Plain data; `{p}` stands for a parameter's phrase, `{v}` for its value, `{job}` for what is wanted.
"""

from __future__ import annotations

# key, what people call it, kind of value
PARAMETERS: dict[str, list[tuple[str, str, str]]] = {
    "en": [
        ("customer_name", "customer name", "person"), ("guest_name", "guest name", "person"),
        ("contact", "contact person", "person"), ("driver", "driver", "person"), ("artist", "artist", "person"),
        ("doctor_name", "doctor", "person"), ("recipient", "recipient", "person"), ("author", "author", "person"),
        ("city", "city", "place"), ("destination", "destination", "place"), ("origin", "place of departure", "place"),
        ("pickup_location", "pick-up place", "place"), ("location", "location", "place"), ("station", "station", "place"),
        ("address", "address", "address"), ("street_address", "street address", "address"),
        ("delivery_address", "delivery address", "address"), ("hotel_name", "hotel", "organisation"),
        ("restaurant_name", "restaurant", "organisation"), ("company", "company", "organisation"),
        ("shop", "shop", "organisation"), ("salon_name", "salon", "organisation"), ("title", "title", "title"),
        ("movie_name", "movie", "title"), ("song_name", "song", "title"), ("event_name", "event", "title"),
        ("product", "product", "title"), ("album", "album", "title"), ("message", "message", "note"),
        ("notes", "note", "note"), ("subject", "subject", "note"), ("reason", "reason", "note"),
        ("booking_code", "booking code", "code"), ("order_id", "order number", "code"), ("seat", "seat", "code"),
        ("flight_number", "flight number", "code"), ("plate", "number plate", "code"), ("coupon", "coupon", "code"),
        ("phone_number", "phone number", "telephone"), ("mobile", "mobile number", "telephone"),
        ("email", "e-mail address", "email"), ("date", "date", "date"), ("check_in_date", "check-in date", "day"),
        ("departure_date", "day of departure", "day"), ("visit_date", "day of the visit", "day"), ("day", "day", "day"),
        ("birth_date", "date of birth", "date"), ("time", "time", "time"), ("start_time", "start time", "time"),
        ("leaving_time", "time of leaving", "time"), ("appointment_time", "appointment time", "time"),
        ("amount", "amount", "money"), ("price", "price", "money"), ("budget", "budget", "money"),
        ("account_number", "account number", "number"), ("room_number", "room number", "number"),
        ("party_size", "number of people", "count"), ("nights", "number of nights", "count"),
        ("quantity", "quantity", "count"), ("passengers", "number of passengers", "count"), ("color", "colour", "colour"),
        ("keyword", "keyword", "word"), ("username", "user name", "word"), ("category", "category", "word"),
        ("topic", "topic", "word"), ("brand", "brand", "word"), ("dish", "dish", "title"),
    ],
    "zh": [
        ("customer_name", "客户姓名", "person"), ("guest_name", "入住人", "person"), ("contact", "联系人", "person"),
        ("driver", "司机", "person"), ("doctor", "医生", "person"), ("recipient", "收件人", "person"),
        ("姓名", "姓名", "person"), ("作者", "作者", "person"), ("city", "城市", "place"), ("destination", "目的地", "place"),
        ("origin", "出发地", "place"), ("出发地", "出发地", "place"), ("目的地", "目的地", "place"), ("location", "位置", "place"),
        ("景点", "景点", "place"), ("address", "地址", "address"), ("delivery_address", "送货地址", "address"),
        ("地址", "地址", "address"), ("hotel_name", "酒店", "organisation"), ("restaurant_name", "餐厅", "organisation"),
        ("名称", "名称", "organisation"), ("company", "公司", "organisation"), ("shop", "店铺", "organisation"),
        ("title", "标题", "title"), ("movie_name", "电影", "title"), ("song_name", "歌曲", "title"), ("推荐菜", "推荐菜", "title"),
        ("product", "商品", "title"), ("message", "留言", "note"), ("notes", "备注", "note"), ("reason", "原因", "note"),
        ("主题", "主题", "note"), ("booking_code", "预订编号", "code"), ("order_id", "订单号", "code"), ("seat", "座位", "code"),
        ("flight_number", "航班号", "code"), ("plate", "车牌", "code"), ("phone_number", "电话", "telephone"),
        ("mobile", "手机号", "telephone"), ("电话", "电话", "telephone"), ("email", "邮箱", "email"), ("date", "日期", "date"),
        ("check_in_date", "入住日期", "day"), ("departure_date", "出发日期", "day"), ("日期", "日期", "day"),
        ("birth_date", "出生日期", "date"), ("time", "时间", "time"), ("start_time", "开始时间", "time"),
        ("appointment_time", "预约时间", "time"), ("时间", "时间", "time"), ("amount", "金额", "money"), ("价格", "价格", "money"),
        ("budget", "预算", "money"), ("人均消费", "人均消费", "money"), ("account_number", "账号", "number"),
        ("room_number", "房间号", "number"), ("party_size", "人数", "count"), ("nights", "晚数", "count"),
        ("quantity", "数量", "count"), ("color", "颜色", "colour"), ("keyword", "关键词", "word"), ("类别", "类别", "word"),
        ("brand", "品牌", "word"), ("topic", "话题", "word"),
    ],
}  # fmt: skip


# invented keys are a first and a second word, each with what it is called; a second word may be missing
def _pairs(text: str) -> list[tuple[str, str]]:
    return [(word, said or word) for word, _, said in (entry.partition("=") for entry in text.split())]


FIRST_WORDS: dict[str, list[tuple[str, str]]] = {
    "en": _pairs(
        "main new old first second home work guest client member group room car trip meal order item file team price mobile "
        "pickup dropoff delivery return start end arrival flight train dish drink movie music book school office garden "
        "travel sender payment card bank tax pet child adult sport game service repair user job event party visit shop "
        "lamp chair bottle door window phone watch camera printer desk kitchen storage health doctor insurance"
    ),
    "zh": _pairs(
        "departure=出发 arrival=到达 booking=预订 start=开始 end=结束 client=客户 room=房间 item=商品 order=订单 member=会员 "
        "payment=付款 delivery=送货 pickup=取件 return=退货 flight=航班 train=列车 hospital=医院 school=学校 company=公司 "
        "home=家庭 contact=联系 receiver=收件 sender=发件 event=活动 game=比赛 movie=电影 music=音乐 book=图书 restaurant=餐厅 "
        "hotel=酒店 sight=景点 car=车辆 driver=司机 tourist=游客 teacher=老师 student=学生 patient=病人 doctor=医生 project=项目 "
        "file=文件 insurance=保险 bank=银行 bill=账单 first=首选 spare=备用"
    ),
}
SECOND_WORDS: dict[str, list[tuple[str, str, str]]] = {
    "en": [
        ("name", "name", "person"), ("location", "location", "place"), ("city", "city", "place"), ("id", "id", "code"),
        ("code", "code", "code"), ("type", "type", "word"), ("kind", "kind", "word"), ("date", "date", "day"),
        ("day", "day", "day"), ("time", "time", "time"), ("number", "number", "number"), ("count", "count", "count"),
        ("color", "color", "colour"), ("title", "title", "title"), ("note", "note", "note"), ("price", "price", "money"),
        ("address", "address", "address"), ("phone", "phone", "telephone"), ("mobile", "mobile", "telephone"),
        ("email", "email", "email"), ("place", "place", "organisation"), ("brand", "brand", "word"),
        ("label", "label", "title"), ("total", "total", "money"), ("area", "area", "place"),
        *(("", "", kind) for kind in "title word person place day number code money telephone organisation".split()),
    ],
    "zh": [
        ("date", "日期", "day"), ("time", "时间", "time"), ("name", "名称", "organisation"), ("person", "姓名", "person"),
        ("place", "地点", "place"), ("type", "类型", "word"), ("id", "编号", "code"), ("count", "数量", "count"),
        ("price", "价格", "money"), ("amount", "金额", "money"), ("phone", "电话", "telephone"), ("address", "地址", "address"),
        ("city", "城市", "place"), ("note", "备注", "note"), ("color", "颜色", "colour"), ("title", "标题", "title"),
        ("number", "号码", "number"), ("brand", "品牌", "word"), ("area", "区域", "place"), ("email", "邮箱", "email"),
        ("mobile", "手机", "telephone"),
        *(("", "", kind) for kind in "title word person place day number code money".split()),
    ],
}  # fmt: skip

# the verb in a tool's name, what people say
VERBS: dict[str, list[tuple[str, str]]] = {
    "en": [
        ("book", "book"), ("find", "find"), ("search", "look for"), ("reserve", "reserve"), ("order", "order"),
        ("buy", "buy"), ("send", "send"), ("create", "create"), ("update", "update"), ("cancel", "cancel"),
        ("schedule", "schedule"), ("get", "get"), ("register", "register"), ("check", "check"), ("request", "request"),
        ("add", "add"), ("change", "change"), ("report", "report"), ("track", "track"), ("rent", "rent"),
    ],
    "zh": [
        ("book", "预订"), ("find", "查找"), ("search", "搜索"), ("reserve", "预约"), ("order", "订购"), ("buy", "购买"),
        ("send", "发送"), ("create", "新建"), ("update", "修改"), ("cancel", "取消"), ("query", "查询"), ("register", "登记"),
        ("check", "核对"), ("request", "申请"), ("add", "添加"), ("change", "更改"), ("report", "上报"), ("track", "跟踪"),
    ],
}  # fmt: skip
# those of the verbs that look something up, and those that change something
FINDERS: dict[str, list[tuple[str, str]]] = {
    "en": [pair for pair in VERBS["en"] if pair[0] in {"find", "search", "get", "check", "track"}],
    "zh": [pair for pair in VERBS["zh"] if pair[0] in {"find", "search", "query", "check", "track"}],
}
CHANGERS: dict[str, list[tuple[str, str]]] = {
    lang: [pair for pair in verbs if pair not in FINDERS[lang]] for lang, verbs in VERBS.items()
}
# put before or behind a listed parameter's key
KEY_HEADS = "the my new user target main preferred requested actual full given current".split()
KEY_TAILS = "value text field info input string 1 2 raw param given str".split()
NOUNS: dict[str, list[tuple[str, str]]] = {
    "en": [
        (n.replace(" ", "_"), n)
        for n in "table,room,ticket,taxi,parcel,invoice,meeting,appointment,reminder,transfer,movie,restaurant,hotel,flight,"
        "bus ticket,car,bike,song,recipe,event,visit,delivery,refund,complaint,contract,loan,house,bill,seat,course,"
        "prescription,repair,message,alarm,membership,insurance,job,package,train,playlist".split(",")
    ],
    "zh": [
        ("table", "餐位"), ("room", "房间"), ("ticket", "门票"), ("taxi", "出租车"), ("parcel", "快递"), ("invoice", "发票"),
        ("meeting", "会议"), ("appointment", "挂号"), ("reminder", "提醒"), ("transfer", "转账"), ("movie", "电影票"),
        ("restaurant", "餐馆"), ("hotel", "酒店"), ("flight", "机票"), ("attraction", "景点"), ("car", "租车"), ("song", "歌曲"),
        ("event", "活动"), ("visit", "参观"), ("delivery", "配送"), ("refund", "退款"), ("complaint", "投诉"), ("loan", "贷款"),
        ("house", "房源"), ("bill", "账单"), ("course", "课程"), ("repair", "维修"), ("message", "短信"), ("alarm", "闹钟"),
        ("metro", "地铁"), ("train", "火车票"), ("job", "职位"),
    ],
}  # fmt: skip

SYSTEM = {
    "en": [
        "You are a helpful assistant. Use the tools to help the user.", "You help customers. Call a tool when you can.",
        "Assist the user with the tools below.", "You are a virtual assistant. Ask for what is missing, then use the tools.",
        "You are the assistant of {who} in {where}.", "You work for {who}. Today is {when}.",
    ],
    "zh": [
        "你是一个有用的助手，请使用工具帮助用户。", "你是客服助手，需要时请调用工具。", "请用下面的工具帮助用户，缺少信息时先询问。",
        "你是{who}（{where}）的客服。", "你为{who}工作。今天是{when}。",
    ],
}  # fmt: skip
CONFIRM_RULE = {
    "en": [
        "Confirm before you change anything.",
        "Before any change, ask the customer to confirm.",
        "Always confirm first.",
    ],
    "zh": ["更改任何内容前请先确认。", "办理前先和客户确认。", "请先确认再办理。"],
}
OPENINGS = {
    "en": [
        "I need to {job}.", "Please {job}.", "Can you {job} for me?", "I would like to {job}.", "Hi, I want to {job}.",
        "Could you help me {job}?", "Hello! {job}, please.", "I have to {job} today.",
    ],
    "zh": ["我想{job}。", "请帮我{job}。", "你好，我要{job}。", "能帮我{job}吗？", "麻烦{job}一下。", "我需要{job}，谢谢。"],
}  # fmt: skip
FACTS = {
    "en": [
        "The {p} is {v}.", "{p}: {v}.", "The {p} should be {v}.", "Use {v} as the {p}.", "For the {p}, {v}.",
        "{v} is the {p}.", "My {p} is {v}.", "Please take {v} for the {p}.", "I'd say {v} for the {p}.",
    ],
    "zh": ["{p}是{v}。", "{p}：{v}。", "{p}{v}。", "{p}用{v}。", "{p}要{v}。", "{v}作为{p}。", "我的{p}是{v}。", "{p}就写{v}吧。"],
}  # fmt: skip
QUESTIONS = {
    "en": [
        "What is the {p}?",
        "Which {p} would you like?",
        "May I have the {p}?",
        "Please tell me the {p}.",
        "And the {p}?",
        "What {p} shall I use?",
    ],
    "zh": ["请问{p}是什么？", "请告诉我{p}。", "{p}呢？", "好的，{p}是？", "请提供一下{p}。"],
}
ANSWERS = {
    "en": ["{v}", "{v}.", "It is {v}.", "{v}, please.", "That would be {v}.", "Let's say {v}.", "I think {v} works."],
    "zh": ["{v}", "{v}。", "是{v}。", "{v}吧。", "就{v}。", "用{v}，谢谢。"],
}
CORRECTIONS = {
    "en": [
        "Sorry, the {p} should be {v}.",
        "Wait, make the {p} {v}.",
        "I was wrong, the {p} is {v}.",
        "No, change the {p} to {v}.",
        "Actually {v} for the {p}.",
    ],
    "zh": ["不好意思，{p}应该是{v}。", "等一下，{p}改成{v}。", "说错了，{p}是{v}。", "不对，{p}要{v}。"],
}
SAME = {"en": ["Same {p} as before.", "Use the same {p} again."], "zh": ["{p}跟刚才一样。", "{p}不变。"]}
NUMBER_WORDS = {
    "en": "one two three four five six seven eight nine ten eleven twelve".split(),
    "zh": "一 两 三 四 五 六 七 八 九 十 十一 十二".split(),
}
MEASURES = "个位张晚份人间件天"
LISTS = "results items options found matches list data".split()
FOUND_ONE = {
    "en": [
        "I found {facts}. Shall I go on?",
        "There is one: {facts}. Is that the one?",
        "Here it is: {facts}. Go ahead?",
    ],
    "zh": ["找到了：{facts}。要继续吗？", "有一个：{facts}。是这个吗？", "查到{facts}，现在办理吗？"],
}
FOUND_SOME = {
    "en": [
        "I found these: {facts}. Which one?",
        "There are: {facts}. Which would you like?",
        "You can choose: {facts}.",
    ],
    "zh": ["有这些：{facts}。您要哪一个？", "查到了：{facts}。请选择。", "可选的有：{facts}。"],
}
NTH = {
    "en": [
        ["The first one.", "The first, please.", "Number one."], ["The second one.", "The second, please.", "Number two."],
        ["The third one.", "The third, please.", "Number three."], ["The fourth one.", "The fourth, please.", "Number four."],
    ],
    "zh": [["第一个。", "要第一个。"], ["第二个。", "第二个吧。"], ["第三个。", "就第三个。"], ["第四个。", "第四个，谢谢。"]],
}  # fmt: skip
LAST = {"en": ["The last one.", "The last, please."], "zh": ["最后一个。", "要最后那个。"]}
CONFIRM = {
    "en": ["Please confirm: {facts}. Is that right?", "So {facts}, correct?", "I have {facts}. Shall I go on?"],
    "zh": ["请确认：{facts}，对吗？", "您要的是{facts}，没错吧？", "{facts}，现在办理吗？"],
}
YES = {
    "en": ["Yes.", "Yes, please.", "That's right.", "Correct, go ahead.", "Perfect.", "Sure."],
    "zh": ["对。", "是的。", "没错，办吧。", "可以。", "好的，谢谢。"],
}
DONE = {
    "en": [
        "Done. {facts}.",
        "All set: {facts}.",
        "It is done, {facts}.",
        "Here you are: {facts}.",
        "I found this: {facts}.",
    ],
    "zh": ["办好了，{facts}。", "完成：{facts}。", "已处理，{facts}。", "查到了，{facts}。", "好的，{facts}。"],
}
ASK = {
    "en": [
        "What is the {p}?",
        "Tell me the {p}.",
        "What was the {p} again?",
        "Can you give me the {p}?",
        "And the {p}?",
    ],
    "zh": ["{p}是什么？", "告诉我{p}。", "{p}是多少来着？", "请问{p}呢？", "能说下{p}吗？"],
}
TELL = {
    "en": ["The {p} is {v}.", "It is {v}.", "{v}.", "The {p}: {v}."],
    "zh": ["{p}是{v}。", "是{v}。", "{v}。", "{p}：{v}。"],
}
ECHO = {
    "en": ["Repeat: {v}", "Say this again: {v}", "Write it back to me: {v}", "{v}"],
    "zh": ["重复：{v}", "请再说一遍：{v}", "照着写：{v}", "{v}"],
}
SMALL = {
    "en": [
        ("Thank you!", "You are welcome."), ("Thanks, bye.", "Goodbye, have a nice day."), ("Hello!", "Hello, how can I help?"),
        ("That is all.", "Glad to help. Have a good day."), ("How are you?", "I am fine, thank you. What can I do for you?"),
    ],
    "zh": [
        ("谢谢！", "不客气。"), ("好的，再见。", "再见，祝您愉快。"), ("你好！", "您好，请问有什么可以帮您？"),
        ("没有别的了。", "好的，很高兴为您服务。"), ("在吗？", "在的，请问需要什么帮助？"),
    ],
}  # fmt: skip
