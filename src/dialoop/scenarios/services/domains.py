"""Kinds of services: what is offered, which slots a customer fills, and how programmers name things. Plain data.

A service is a restaurant, a clinic, a car hire, a school of dancing … and no hotel: those logs are kept for tuning. For
each slot: keys that a schema may give it, what the agent calls it, and how it is typed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Domain:
    """`item` is one of the things offered, `items` several, `record` what a customer has after booking, as they are said;
    `key` as in tools. `slots` are asked for before the search; `unit` is what `length` counts, `heads` what `people`.
    """

    key: str
    item: str
    items: str
    record: str
    record_key: str
    slots: tuple[str, ...]
    unit: tuple[str, str] = ("", "")
    heads: tuple[str, str] = ("", "")
    kinds: tuple[str, ...] = ()


def _domain(line: str) -> Domain:
    key, item, items, record, record_key, slots, unit, heads, kinds = (part.strip() for part in line.split("|"))
    one, more = (*unit.split(","), "")[:2]
    head, several = (*heads.split(","), "")[:2]
    return Domain(
        key,
        item,
        items,
        record,
        record_key,
        tuple(slots.split()),
        (one, more),
        (head, several),
        tuple(kinds.split(",")),
    )


_EN = """
table|table|tables|reservation|reservation|day time people|||Window Table,Corner Table,Booth,Terrace Table,Round Table
car|car|cars|rental|rental|day length place|day,days||Hatchback,Estate,Van,Convertible,Minibus
cabin|cabin|cabins|booking|booking|day length people|night,nights|person,people|Cabin,Lodge,Hut,Bungalow,Tent
boat|boat|boats|charter|charter|day length people|hour,hours|passenger,passengers|Sloop,Ketch,Ferry,Canoe,Yacht
lesson|lesson|lessons|enrolment|enrolment|day time length|week,weeks||Beginners,Workshop,Class,Course,Seminar
appointment|appointment|appointments|appointment|appointment|day time|||Check-up,Consultation,Session,Treatment,Visit
bike|bike|bikes|hire|hire|day length people|day,days|rider,riders|Tandem,Mountain Bike,Racer,E-Bike,Cargo Bike
tour|tour|tours|booking|booking|day people|hour,hours|adult,adults|Walk,Tour,Cruise,Ride,Safari
hall|hall|halls|booking|booking|day length people|hour,hours|guest,guests|Hall,Studio,Loft,Salon,Ballroom
flat|flat|flats|lease|lease|day length people|month,months|tenant,tenants|Flat,Penthouse,Maisonette,House,Loft
camp|pitch|pitches|stay|stay|day length people|night,nights|camper,campers|Pitch,Meadow,Grove,Clearing,Terrace
desk|desk|desks|booking|booking|day length people|day,days|seat,seats|Desk,Pod,Office,Bench,Corner
spa|treatment|treatments|booking|booking|day time people||person,people|Massage,Bath,Peeling,Sauna,Ritual
court|court|courts|booking|booking|day time length|hour,hours|player,players|Court,Pitch,Lane,Rink,Field
theatre|seat|seats|ticket order|order|day people||person,people|Stalls,Balcony,Box,Gallery,Circle
train|train|trains|ticket|ticket|day time people||passenger,passengers|Express,Sleeper,Local,Shuttle,Regional
kennel|kennel|kennels|stay|stay|day length people|night,nights|dog,dogs|Kennel,Run,Den,Suite,Garden
repair|repair slot|repair slots|repair order|order|day time|||Repair,Service,Inspection,Overhaul,Cleaning
catering|menu|menus|order|order|day people||guest,guests|Buffet,Menu,Platter,Brunch,Banquet
storage|unit|units|contract|contract|day length|month,months||Locker,Unit,Box,Container,Vault
"""
_ZH = """
table|餐位|餐位|订单|reservation|day time people||位,个人,人|靠窗位,卡座,包间,圆桌,露台位
car|车|车辆|租约|rental|day length place|天||轿车,越野车,商务车,面包车,跑车
cabin|木屋|木屋|预订|booking|day length people|晚,天|个人,人,位|木屋,小屋,帐篷,别墅,石屋
boat|游船|游船|订单|charter|day length people|小时,个小时|位,个人,人|帆船,游艇,渡船,快艇,画舫
lesson|课程|课程|报名|enrolment|day time length|周,个星期||初级班,进阶班,小班课,一对一,周末班
appointment|号|号源|预约|appointment|day time|||专家号,普通号,复诊号,体检,理疗
bike|自行车|自行车|租约|hire|day length people|天|个人,人,位|山地车,双人车,电动车,公路车,折叠车
tour|线路|线路|订单|booking|day people|天|位,个人,人|一日游,环线,夜游,古镇线,徒步线
hall|场地|场地|预订|booking|day length people|小时,个小时|位,个人,人|大厅,会议厅,宴会厅,排练室,展厅
flat|公寓|公寓|合同|lease|day length people|个月|个人,人,位|单间,两居室,三居室,复式,阁楼
camp|营位|营位|订单|stay|day length people|晚,天|个人,人,位|草地营位,林间营位,湖边营位,房车位,平台营位
desk|工位|工位|预订|booking|day length people|天|个人,人,位|独立间,靠窗工位,共享桌,会议间,角落位
spa|项目|项目|预约|booking|day time people||位,个人,人|按摩,温泉,足疗,面部护理,熏蒸
court|场馆|场馆|订单|booking|day time length|小时,个小时||羽毛球场,网球场,篮球场,泳道,乒乓台
theatre|座位|座位|票单|order|day people||位,个人,人|池座,包厢,楼座,前排,边座
train|车次|车次|车票|ticket|day time people||位,个人,人|快车,慢车,卧铺,动车,专线
kennel|宠物舱|宠物舱|寄养单|stay|day length people|晚,天|只|小舱,大舱,豪华舱,庭院舱,阳光舱
repair|时段|时段|维修单|order|day time|||保养,清洗,检修,安装,更换
catering|套餐|套餐|订单|order|day people||位,个人,人|自助餐,宴席,冷餐,茶歇,套餐
storage|仓位|仓位|合同|contract|day length|个月||小仓,大仓,储物柜,货柜,保险柜
"""
DOMAINS = {lang: [_domain(line) for line in text.strip().splitlines()] for lang, text in (("en", _EN), ("zh", _ZH))}

KEYS = {
    "day": "day date start_date visit_day arrival when on_day check_in from_date begin pickup_date start".split(),
    "time": "time start_time at hour slot begin_time".split(),
    "people": "people guests party_size persons seats heads group_size number_of_people size visitors".split(),
    "length": "length duration how_long period count_of_{units} {units} number_of_{units} {units}".split(),
    "place": "place location pickup branch city station".split(),
    "budget": "max_price budget price_limit at_most limit max_cost".split(),
    "name": "name customer_name full_name client guest_name for_name".split(),
    "contact": "contact phone_or_email contact_info reach_at customer_contact contact_details".split(),
    "reference": "reference code number id lookup query".split(),
    "topic": "topic subject question about keyword matter".split(),
    "problem": "problem issue description fault text details".split(),
    "unit_number": "{key}_number number {key}_no unit which_{key}".split(),
}
"""Keys for each slot; {key} and {units} are of the domain."""
CHINESE_KEYS = {
    "day": "日期 开始日期 哪天 到店日期".split(),
    "time": "时间 开始时间 时刻".split(),
    "people": "人数 位数 几人".split(),
    "length": "时长 数量 多久".split(),
    "place": "地点 门店 城市".split(),
    "budget": "最高价 预算 价格上限".split(),
    "name": "姓名 客户姓名 预订人".split(),
    "contact": "联系方式 电话或邮箱 联系".split(),
    "reference": "编号 查询号 凭证".split(),
    "topic": "主题 问题 事项".split(),
    "problem": "问题描述 故障 情况".split(),
    "unit_number": "号码 编号 第几号".split(),
}
INTEGERS = {"people", "length", "budget", "unit_number"}
DESCRIPTIONS = {
    "day": ["", "day in the customer's words", "as the customer says it", "the day"],
    "time": ["", "as said", "the hour"],
    "people": ["", "how many", "number of people"],
    "length": ["", "how many {units}", "number of {units}"],
    "place": ["", "where"],
    "budget": ["", "the most it may cost"],
    "name": ["", "the customer's name"],
    "contact": ["", "phone or e-mail", "telephone or e-mail address"],
    "reference": ["", "number, phone or e-mail", "number of the {record}, or the phone or e-mail given"],
    "topic": ["", "in the customer's words", "what is asked about"],
    "problem": ["", "in the customer's words", "what is wrong"],
    "unit_number": ["", "number of the {item}"],
}
