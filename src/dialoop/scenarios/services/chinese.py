"""What customers and agents of services say in Chinese. Plain data; {item}, {items}, {record} are the service's words,
{tails} what is told besides, other slots are values.
"""

from __future__ import annotations


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


HI = [*[""] * 8, *"你好，|您好，|嗨，|早上好，|下午好，|请问，|麻烦一下，|打扰了，|在吗，".split("|")]

BOOK = _lines("""
我想订个{item}，{tails}
想预订{item}，{tails}
我要一个{item}，{tails}
{tails}，有{item}吗？
{tails}，还有{item}吗？
{tails}有没有空的{item}？
帮我订一下{item}，{tails}
请给我安排{item}，{tails}
我们需要{item}，{tails}
查一下{tails}还有什么{item}
{tails}，都有哪些{item}？
看看{tails}有什么可选的
能订{item}吗？{tails}
可以预约{item}吗，{tails}
麻烦给我留个{item}，{tails}
我打算{tails}过来，要个{item}
{tails}，想找个{item}
找个{item}，{tails}
{item}怎么卖，{tails}
{tails}的{item}多少钱？
问下{tails}还能订吗？
{tails}，还有空的吗？
一个{item}，{tails}，谢谢
给家里人订{item}，{tails}
公司要用{item}，{tails}
我对{item}感兴趣，{tails}
想约个{item}，{tails}
来个{item}，{tails}
{tails}，帮忙看看有没有位置
需要提前订{item}，{tails}
有合适的{item}吗？{tails}
我们想过来，{tails}
预定，{tails}
推荐个{item}吧，{tails}
""")
BOOK_ITEM = _lines("""
我要{name_of}，{tails}
想订{name_of}，{tails}
{name_of}还有吗？{tails}，有的话我订
帮我订{name_of}，{tails}
{tails}，要{name_of}
还是要{name_of}，{tails}
就要{name_of}，{tails}
能把{name_of}留给我吗？{tails}
朋友说{name_of}不错，我想订，{tails}
预订{name_of}，{tails}
给我来{name_of}，{tails}
""")
FIND = _lines("""
帮我查下{record}，{tails}
看看我的{record}，{tails}
我订了什么来着，{tails}
我的{record}有没有问题，{tails}
想核对一下{record}，{tails}
我的{record}在吗？{tails}
查{record}，{tails}
我忘了{record}的内容，{tails}
麻烦找一下我的{record}，{tails}
{record}是哪天的？{tails}
能看到我的{record}吗，{tails}
""")
CHANGE = _lines("""
我要改{record}，{tails}
想改一下{record}，{tails}
{record}能改吗？{tails}
帮我把{record}改了，{tails}
计划变了，{record}要改，{tails}
{record}订错了，想换，{tails}
需要调整{record}，{tails}
能换一下吗，{tails}
改{record}，{tails}
时间有变，{tails}
我的{record}想变更，{tails}
""")
CANCEL = _lines("""
我要取消{record}，{tails}
帮我取消，{tails}
{record}不要了，{tails}
不去了，把{record}取消吧，{tails}
想退掉{record}，{tails}
临时有事，取消{record}，{tails}
{record}还能退吗？{tails}
麻烦撤销{record}，{tails}
取消，{tails}
用不上了，退了吧，{tails}
""")
ASK_TOPIC = _lines("""
{topic}怎么办？
{topic}有什么规定？
关于{topic}我想问一下
{topic}是怎么算的？
想了解{topic}
能说说{topic}吗？
你们有{topic}吗？
{topic}可以吗？
{topic}要钱吗？
{topic}这方面有要求吗？
请教一下{topic}
{topic}怎么处理？
{topic}有限制吗？
{topic}的规则是什么？
问个{topic}的事
你们对{topic}怎么说？
""")
FIRST_ASK = _lines("""
先问一下，{topic}呢？
等等，{topic}怎么规定的？
对了，{topic}可以吗？
顺便问问{topic}
还有个问题，{topic}怎么弄？
稍等，我先了解下{topic}
不好意思，{topic}是怎样的？
""")
ASK_ITEM = _lines("""
{name_of}是什么样的？
{name_of}多少钱？
介绍下{name_of}
{name_of}好吗？
{name_of}有多大？
说说{name_of}的情况
{name_of}都包含什么？
想看看{name_of}的详情
""")
COMPARE = _lines("""
{name_of}跟{other}哪个好？
{name_of}和{other}有啥不同？
帮我比比{name_of}和{other}
选{name_of}还是{other}？
{name_of}与{other}差在哪？
{name_of}和{other}哪个便宜？
""")
COMPLAIN = _lines("""
{unit_number}号{problem}
我要反映个问题，{problem}
我在{unit_number}，{problem}
{problem}，我在{unit_number}
投诉！{problem}
你们这{problem}
{problem}，能处理吗？
有点问题，{problem}
{unit_number}这边{problem}，派个人来
说一下，{problem}
不太满意，{problem}
""")
GREET = ["你好", "您好", "在吗？", "有人吗？", "你好，咨询一下", "早上好", "晚上好", "喂，你好"]
CHAT = [
    (["你是机器人吗？", "是真人吗？", "你叫什么？", "我在跟谁说话？"], ["我是这里的智能助手。", "我是助手程序，很高兴为您服务。"]),
    (["你能干什么？", "你会做什么？", "能帮我什么？", "可以问你什么？"], ["我可以查询、预订、修改和取消。", "预订和咨询都可以找我。"]),
    (["你好吗？", "今天怎么样？", "忙吗？"], ["我很好，谢谢！", "一切都好，谢谢关心。"]),
    (["天气怎么样？", "明天下雨吗？", "外面热不热？"], ["抱歉，我看不到天气。", "天气我不太清楚。"]),
    (["你们真不错", "很喜欢你们这里", "大家都夸你们"], ["谢谢夸奖！", "太感谢了。"]),
    (["帮我买张机票", "写首歌吧", "帮我做作业", "讲个笑话", "智利的首都是哪？", "该选谁当总统？", "帮我翻译一下", "股票会涨吗？", "能买演唱会门票吗？"],
     ["抱歉，我只负责本店的业务。", "这个我办不了。"]),
]  # fmt: skip
TAILS = {
    "day": ["{v}", "{v}的", "{v}开始", "从{v}起", "{v}到", "时间是{v}", "日子定在{v}", "{v}那天"],
    "time": ["{v}", "{v}左右", "{v}开始", "时间{v}"],
    "people": ["{v}", "一共{v}", "我们{v}", "共{v}", "总共{v}", "有{v}", "{v}用"],
    "length": ["{v}", "一共{v}", "要{v}", "共{v}", "用{v}", "总共{v}", "时间是{v}"],
    "place": ["在{v}", "{v}", "{v}附近", "{v}那边"],
    "budget": ["{v}以内", "不超过{v}", "最多{v}", "预算{v}", "{v}以下", "别超过{v}"],
    "reference": ["{v}", "号码{v}", "编号是{v}", "留的是{v}", "我的是{v}", "用{v}订的", "单号{v}"],
    "new_day": ["改到{v}", "换到{v}", "日期换成{v}", "挪到{v}", "改成{v}"],
    "new_length": ["改成{v}", "换成{v}", "要{v}", "变成{v}"],
    "new_people": ["改成{v}", "现在{v}", "变成{v}"],
    "new_item": ["换成{v}", "改成{v}", "换到{v}", "要{v}"],
    "unit_number": ["{v}号", "在{v}"],
}
ANSWERS = {
    "day": ["{v}", "{v}吧", "就{v}", "{v}可以", "定{v}", "{v}过去"],
    "time": ["{v}", "{v}吧", "就{v}", "{v}可以"],
    "people": ["{v}", "我们{v}", "一共{v}", "就{v}"],
    "length": ["{v}", "要{v}", "{v}就够了", "大概{v}", "订{v}"],
    "place": ["{v}", "在{v}", "{v}吧"],
    "name": ["{v}", "我叫{v}", "名字{v}", "姓名是{v}", "写{v}", "用{v}的名字", "我是{v}"],
    "contact": ["{v}", "电话{v}", "打{v}", "联系方式{v}", "留{v}", "找我就{v}", "可以发到{v}"],
    "reference": ["{v}", "是{v}", "编号{v}", "查{v}", "应该是{v}", "这个{v}"],
    "unit_number": ["{v}", "{v}号", "在{v}号", "是{v}"],
    "problem": ["{v}", "就是{v}", "是这样，{v}", "{v}啊"],
    "new_day": ["改到{v}", "{v}吧", "换成{v}", "推到{v}"],
    "new_length": ["改成{v}", "要{v}", "换{v}"],
    "new_people": ["{v}", "改成{v}"],
    "new_item": ["换{v}", "要{v}", "改成{v}"],
}
WHAT = {
    "day": ["日期", "哪一天", "开始的日子", "哪天来"],
    "time": ["时间", "几点"],
    "people": ["人数", "几位", "一共多少{heads}"],
    "length": ["时长", "要多少{units}", "多长时间"],
    "place": ["地点", "在哪里"],
    "name": ["姓名", "您的名字", "怎么称呼"],
    "contact": ["联系方式", "电话或邮箱", "一个电话或者邮箱"],
    "reference": ["{record}号", "{record}编号或电话、邮箱", "下单时的电话或编号"],
    "unit_number": ["号码", "是几号", "{item}的号码"],
    "problem": ["什么问题", "具体情况"],
}
ASKING = [
    "请问{what}？",
    "请告诉我{what}。",
    "麻烦说一下{what}。",
    "还需要{what}。",
    "好的，{what}是？",
    "没问题，请提供{what}。",
    "可以的，{what}？",
]
AGENT = {
    "greet": ["您好，请问需要什么？", "欢迎！有什么可以帮您？", "您好，这里是{who}，请讲。"],
    "offer": ["有{things}，您要哪个？", "现在有{things}，选哪一个？", "可以选{things}。", "空着的有{things}，您看呢？"],
    "offer_one": ["有{things}，要吗？", "只有{things}，可以吗？", "还剩{things}，给您订吗？"],
    "which": ["那您要哪个？", "您选哪一个？", "请选一个吧？"],
    "none": ["不好意思，那天满了，{next}有空，行吗？", "已经没有了，最近的是{next}，可以吗？"],
    "too_dear": ["最便宜的是{price}，可以接受吗？", "这个价没有，最低{price}，行吗？"],
    "confirm": [
        "跟您核对：{facts}，现在订吗？",
        "{facts}，对不对？",
        "您订的是{facts}，可以吗？",
        "确认一下，{facts}，没问题吧？",
    ],
    "done": ["订好了，编号{code}。", "成功了，{code}，合计{total}。", "已为您订好，号码{code}，一共{total}。"],
    "found": ["查到了：{facts}。", "您的信息是{facts}。", "找到：{facts}。"],
    "not_found": ["没有查到，号码对吗？", "查不到这个，还有别的号码或邮箱吗？"],
    "what_change": ["您想怎么改？", "要改哪里？", "改成什么呢？"],
    "confirm_change": [
        "{code}改为{facts}，对吗？",
        "我把{code}改成{facts}，可以吗？",
        "将{code}变更：{facts}，确定吗？",
    ],
    "changed": ["改好了，{code}：{facts}。", "{code}已改为{facts}。", "完成，{code}现在是{facts}。"],
    "confirm_cancel": ["确定取消{code}吗？", "要把{code}取消，对吗？", "真的取消{code}吗？"],
    "cancelled": ["{code}已取消。", "取消好了，{code}。", "已经把{code}取消了。"],
    "refused": ["抱歉，现在已经不能办理了。", "太晚了，办不了，抱歉。"],
    "rule": ["{rule}", "是这样规定的：{rule}", "我们这里{rule}"],
    "no_rule": ["没有找到{topic}的说明。", "抱歉，{topic}没有相关规定。"],
    "item": ["{facts}。", "情况是：{facts}。", "这样的：{facts}。"],
    "compared": ["前者{facts}；后者{more}。", "一个{facts}，另一个{more}。"],
    "reported": ["已登记，单号{code}，{minutes}分钟内到。", "抱歉！工单{code}，师傅{minutes}分钟后到。"],
    "no_number": ["没有这个号码，请再看一下？", "号码不对，是几号呢？"],
    "bad_day": ["这个日期不对，请再说一次？", "没有这一天，您指哪天？"],
    "kept": ["好的，不做改动。", "行，保持原样。", "好的，那就算了。"],
    "else": ["还有别的吗？", "还需要什么？", "其他还有需要吗？", "", "", ""],
    "thanks": ["不客气！", "应该的。", "很高兴帮到您。"],
    "bye": ["再见！", "再见，祝您愉快。", "期待您的光临！"],
}
CHOOSE = ["{v}", "要{v}", "就{v}", "{v}吧", "那{v}", "选{v}", "{v}好了", "我要{v}", "{v}不错，就它"]
NTH = [["第一个", "前面那个", "一号"], ["第二个", "第二种", "中间那个"], ["第三个", "第三种", "三号"]]
CHEAP, DEAR, ONLY = (
    ["最便宜的", "便宜的那个", "价格最低的"],
    ["最贵的", "最好的那个", "贵的那个"],
    ["可以，就这个", "行，要了", "好，就它"],
)
YES = [
    "是",
    "是的",
    "对",
    "对的",
    "可以",
    "好的",
    "没错",
    "行",
    "嗯，可以",
    "确定",
    "没问题",
    "就这样",
    "好，办吧",
    "嗯嗯",
    "对，谢谢",
]
NO = ["不用了", "算了", "不要了", "不，先不弄", "还是别了", "不了，谢谢", "先不改了"]
CORRECT = [
    "不对，{tail}",
    "等等，{tail}",
    "说错了，{tail}",
    "还是{tail}",
    "改一下，{tail}",
    "应该{tail}",
    "那{tail}好了",
]
REPAIR = ["{wrong}，不对，{right}", "{wrong}，哦不，{right}", "{wrong}，应该是{right}", "{wrong}，说错了，{right}"]
THANKS, BYE = (
    ["谢谢", "谢谢你", "太好了，谢谢", "多谢"],
    ["再见", "没了，再见", "就这些", "没有了，谢谢", "拜拜", "好的，没事了"],
)
TOPICS = (
    "停车,宠物,抽烟,迟到,早到,轮椅,小孩,押金,退款,刷卡,代金券,礼品卡,学生优惠,团体优惠,失物招领,保险,拍照,音乐,噪音,自带食物,酒水,素食,过敏,毛巾,淋浴,储物柜,"
    "鞋套,头盔,着装,营业时间,节假日,候补,爽约,延误,超时,加人,未成年人,婴儿椅,婴儿车,网络,用电,暖气,空调,加油,里程,过路费,年轻司机,驾照,损坏,清洁,钥匙,备用钥匙,"
    "发票,收据,小费,税费,服务费,取消政策,改期,行李,自行车,充电桩,急救,救生员,老师,证书,作业,试听,缺课,开药,病假条,急诊,翻译,换座,中场休息,录像,签名,接送,接站,外送,"
    "邮件,访客,蜡烛,烧烤,篝火,游泳,蒸房,器械,洗衣服务,熨烫,叫醒,夜间服务,班车,门禁,药品,狗,猫,会员卡,积分,排队,雨具,桌游,投影,茶水,插座,窗户,安检,寄存"
).split(",")
RULES = [
    "收{n}元。",
    "免费的。",
    "每次{n}元。",
    "{h}点以前可以。",
    "里面不行。",
    "请在{h}点前到前台说。",
    "每天{n}元。",
    "不收钱。",
    "{h}点开始提供。",
    "只能在外面。",
    "请自备。",
]
PROBLEMS = [
    "{n}坏了",
    "{n}用不了",
    "没有{n}",
    "{n}很脏",
    "{n}有味道",
    "{n}太吵",
    "我的{n}不见了",
    "{n}{a}",
    "{n}上有水",
    "一直没送{n}",
    "{n}掉了",
    "{n}打不开",
    "这里太{a}了",
]
PRICE, JOIN, AND, END = (
    ["{item}{price}元", "{item}（{price}元）", "{price}元的{item}", "{item}，{price}元"],
    "、",
    "和",
    "。",
)
NUMBERS = "一 两 三 四 五 六 七 八 九 十 十一 十二".split()
GROUPS = {1: ["就我自己", "我一个人"], 2: ["我和爱人", "两口子", "我和朋友俩"], 3: ["一家三口"], 4: ["一家四口"]}
NOUNS = "灯,门,窗,锁,椅子,桌子,柜子,镜子,水管,空调,风扇,音响,屏幕,开关,插头,垫子,被子,杯子,钥匙,地板,墙,帘子,热水器,车铃,刹车,轮胎,座椅,雨刷,绳子,网,球拍,麦克风,菜单,打印机".split(
    ","
)
ADJECTIVES = "冷,热,湿,黑,旧,松,漏水,裂了,卡住了,摇晃,发霉,生锈".split(",")
