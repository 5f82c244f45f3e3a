"""What is found, and what is not, in both languages and many writings. All values are made up."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.errors import DataError
from dialoop.privacy import Found, find, same, settle
from tests.privacy.values import identity_number


def spans(text: str, **more) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in find(text, **more)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("write to kim.lee+x@example.co.uk, please", "email", "kim.lee+x@example.co.uk"),
        ("邮箱kim@example.com谢谢", "email", "kim@example.com"),
        ("邮箱ｋｉｍ＠ｅｘａｍｐｌｅ．ｃｏｍ谢谢", "email", "ｋｉｍ＠ｅｘａｍｐｌｅ．ｃｏｍ"),
        ("it is kim dot lee at example dot com", "email", "kim dot lee at example dot com"),
        ("kim[at]example.com", "email", "kim[at]example.com"),
        ("mein Postfach jürgen@example.de.", "email", "jürgen@example.de"),
        ("邮箱kim@example。com谢谢", "email", "kim@example。com"),
        ("https://x.example/?to=kim%2Bx%40example.com&n=1", "email", "kim%2Bx%40example.com"),
        ("https://x.example/?tel=%2B8613812345678", "phone", "8613812345678"),
        ("https://x.example/?go=%3Ftel%3D138%201234%205678", "phone", "138%201234%205678"),
        ("138·1234·5678", "phone", "138·1234·5678"),
        ("我想改一下预订，13812345678", "phone", "13812345678"),
        ("手机13812345678谢谢", "phone", "13812345678"),
        ("请打１３８１２３４５６７８找我", "phone", "１３８１２３４５６７８"),
        ("手机138 1234 5678好", "phone", "138 1234 5678"),
        ("138-1234-5678", "phone", "138-1234-5678"),
        ("+86 138 1234 5678", "phone", "+86 138 1234 5678"),
        ("(+86)13812345678", "phone", "(+86)13812345678"),
        ("0086-138-1234-5678", "phone", "0086-138-1234-5678"),
        ("1 3 8 1 2 3 4 5 6 7 8", "phone", "1 3 8 1 2 3 4 5 6 7 8"),
        ("幺三八一二三四五六七八", "phone", "幺三八一二三四五六七八"),
        ("办公室（010）8765 4321转801", "phone", "（010）8765 4321转801"),
        ("办公室0571-87654321", "phone", "0571-87654321"),
        ("the number is (415) 555-2671", "phone", "(415) 555-2671"),
        ("+44 (0)20 7946 0958", "phone", "+44 (0)20 7946 0958"),
        ("01632 960571", "phone", "01632 960571"),
        ("our phone: 8765 4321", "phone", "8765 4321"),
        ("证件" + identity_number() + "好", "id", identity_number()),
        ("证件" + identity_number("11010519900228104") + "好", "id", "11010519900228104X"),
        ("证件11010519900228104Ⅹ好", "id", "11010519900228104Ⅹ"),
        ("证件11010519900228104×好", "id", "11010519900228104×"),
        ("my passport is E12345678", "id", "E12345678"),
        ("我的护照或身份证号：E12345678。", "id", "E12345678"),
        ("my passport or ID is E12345678", "id", "E12345678"),
        ("card 4111 1111 1111 1111, please", "card", "4111 1111 1111 1111"),
        ("卡号4111111111111111的", "card", "4111111111111111"),
        ("my name is Nora Quill and", "name", "Nora Quill"),
        ("my name is nora quill and", "name", "nora quill"),
        ("I'm Nora Quill.", "name", "Nora Quill"),
        ("this is Nora Quill speaking", "name", "Nora Quill"),
        ("Ask Mrs. O'Quill", "name", "O'Quill"),
        ("Nora Quill, 01632 960571", "name", "Nora Quill"),
        ("我叫李小雨想订房", "name", "李小雨"),
        ("我叫李雨想订房", "name", "李雨"),
        ("我是欧阳小雨，", "name", "欧阳小雨"),
        ("请转告王先生", "name", "王"),
        ("联系人：李小雨", "name", "李小雨"),
        ("我的名字是李明", "name", "李明"),
        ("入住人：王芳、李明", "name", "李明"),
        ("入住人王芳和李明，两晚", "name", "李明"),
        ("姓名 约翰·奎尔", "name", "约翰·奎尔"),
        ("李小雨，13812345678", "name", "李小雨"),
    ],
)
def test_a_private_value_is_found_as_it_is_written(text, kind, value):
    assert (kind, value) in spans(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 4111111111111111 costs $12345678.00",
        "订单号13812345678，房间302，每晚1388元",
        "booking KL68850 from 2026-03-05 to 2026-03-08, room 302",
        "4111 1111 1111 1112",
        "贵店的浴袍是如何定的？",
        "你们的早餐如何订的，为何定在十点",
        "the code is AB13812345678",
        identity_number()[:17] + ("1" if identity_number()[17] != "1" else "2"),
        "between 05.11.2026 10:30 and 06.11.2026 11:45",
        "I'm Interested in the Garden Suite. It's Monday.",
        "meet me @ the bar, booked at hotel.example",
        "我是高级会员，我是来订房的，我是想问价格",
        "两位先生和一位女士",
        "我是周五到，我是周日晚上的航班",
        "请打400-820-8820或1-800-555-0199，大堂4008208820",
        "call 400-820-8820 or 1-800-555-0199, +86 400 820 8820, +1 800 555 0199",
        "steps of 100-200-3000",
        "入住人数：2和3，我叫了外卖和车",
        "温度3.14159265度，版本10.15.7，地址192.168.100.1",
    ],
)
def test_what_only_looks_private_is_left(text):
    assert spans(text) == []


def test_a_name_is_found_where_it_was_asked_for_and_only_there():
    assert spans("Quorra Quill", asked="May I have your name?") == [("name", "Quorra Quill")]
    assert spans("李小雨。", asked="请问您的姓名？") == [("name", "李小雨")]
    assert spans("Quorra Quill", asked="Which room?") == []


def test_a_name_found_once_is_found_again_without_a_cue():
    assert spans("我叫李小雨。李小雨要订房") == [("name", "李小雨"), ("name", "李小雨")]
    assert spans("I'm Mrs May, from 3 May on") == [("name", "May")]  # a word of its own is not


def test_a_further_finder_is_asked_and_held_to_its_text():
    def rooms(text: str):
        at = text.find("302")
        return [Found("room", at, at + 3, "302", "a tagger")] if at >= 0 else []

    assert spans("room 302", finders=[rooms]) == [("room", "302")]
    with pytest.raises(DataError, match="not in the text"):
        find("room", finders=[lambda text: [Found("room", 0, 9, "room", "a tagger")]])


def test_overlaps_go_to_the_longest_then_to_the_most_certain():
    short, long = Found("a", 2, 4, "..", ""), Found("b", 0, 3, "...", "", 0.1)
    unsure = Found("c", 0, 3, "...", "", 0.05)
    assert settle([short, unsure, long]) == [long]


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("phone", "13812345678", "+86 138-1234 5678"),
        ("phone", "01087654321", "（010）8765 4321"),
        ("phone", "+86 10 8765 4321", "010-87654321"),
        ("phone", "(415) 555-2671", "+1 415 555 2671"),
        ("phone", "+44 (0)20 7946 0958", "+442079460958"),
        ("phone", "幺三八一二三四五六七八", "１３８１２３４５６７８"),
        ("email", "Kim@Example.com", "kim@example.com"),
        ("email", "kim at example dot com", "kim@example.com"),
        ("card", "4111 1111 1111 1111", "4111-1111-1111-1111"),
        ("id", "11010519491231002x", "110105 19491231 002X"),
        ("id", "11010519491231002×", "11010519491231002Ⅹ"),
        ("email", "kim%40example.com", "kim@example。com"),
        ("phone", "138·1234·5678", "13812345678"),
        ("phone", "138%201234%205678", "13812345678"),
        ("name", "nora  QUILL", "Nora Quill"),
    ],
)
def test_writings_of_one_value_are_the_same(kind, one, other):
    assert same(kind, one) == same(kind, other)


def test_other_values_are_not_the_same():
    assert same("phone", "010-87654321-801") != same("phone", "010-87654321")
    assert same("phone", "010-87654321转801") != same("phone", "010-87654321转802")
    assert same("phone", "+44 20 7946 0958") != same("phone", "13812345678")


@given(st.text(st.sampled_from("我叫李小雨，先生 13812345678@+-().xa.comX <_>name１③Ⅷ\u200bß"), max_size=60))
def test_spans_are_of_the_text_in_order_and_apart(text):
    found = find(text, asked="姓名？ your name?")
    assert all(text[one.start : one.end] == one.text for one in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece", ["1 ", "1-", "a.", "a at ", "A'a", "Ab-", "(", "a@a-", "我叫", "王小·", "order no.", "Ab "]
)
def test_what_is_typed_without_end_is_searched_in_bearable_time(piece):
    assert spans(piece * 2000 + "; kim@example.com")[-1] == ("email", "kim@example.com")
