"""Days are read as people say them."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.errors import DataError
from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel.days import DAY, chinese_number, parse_day, spoken_day

TODAY = date(2026, 3, 4)  # a Wednesday


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2026-03-05", date(2026, 3, 5)),
        ("2026/3/5", date(2026, 3, 5)),
        ("5 March", date(2026, 3, 5)),
        ("5th of March", date(2026, 3, 5)),
        ("the 5th of march", date(2026, 3, 5)),
        ("March 5th, 2027", date(2027, 3, 5)),
        ("mar. 5", date(2026, 3, 5)),
        ("3 March", date(2027, 3, 3)),
        ("4 March", TODAY),
        ("29 February", date(2028, 2, 29)),
        ("tomorrow", date(2026, 3, 5)),
        ("the day after tomorrow", date(2026, 3, 6)),
        ("this Friday", date(2026, 3, 6)),
        ("next  friday", date(2026, 3, 13)),
        ("next Monday", date(2026, 3, 9)),
        ("3月5日", date(2026, 3, 5)),
        ("3月5号", date(2026, 3, 5)),
        ("三月五号", date(2026, 3, 5)),
        ("十二月三十一日", date(2026, 12, 31)),
        ("2027年1月2日", date(2027, 1, 2)),
        ("后天", date(2026, 3, 6)),
        ("这周日", date(2026, 3, 8)),
        ("下周一", date(2026, 3, 9)),
        ("下个星期天", date(2026, 3, 15)),
    ],
)
def test_a_day_is_read(said: str, day: date):
    if said == "29 February":
        assert parse_day(said, date(2028, 1, 1)) == day
    else:
        assert parse_day(said, TODAY) == day


@pytest.mark.parametrize(
    "said",
    ["", "soon", "31 April", "2月30日", "十三月一号", "三十五月一号", "2026-13-01", "99月99日", "3月0号", "5 Octember"],
)
def test_what_names_no_day_is_refused(said: str):
    with pytest.raises(DataError, match="no day can be read"):
        parse_day(said, TODAY)


def test_a_day_that_is_past_is_refused():
    with pytest.raises(DataError, match="before today, 2026-03-04"):
        parse_day("2026-03-03", TODAY)


@given(
    st.dates(date(2024, 1, 1), date(2030, 12, 31)),
    st.integers(0, 300),
    st.sampled_from(["en", "zh"]),
    st.integers(0, 999),
)
def test_a_day_that_is_said_is_read_back(today: date, ahead: int, lang: str, seed: int):
    day = today + timedelta(days=ahead)
    said = spoken_day(day, today, lang, Dice(seed))
    assert parse_day(said, today) == day
    sentence = f"好的，{said}，住3晚。" if lang == "zh" else f"Right, {said}, for 3 nights."
    assert re.findall(DAY, sentence) == [said]


@given(st.text(max_size=30))
def test_any_text_is_a_day_or_a_data_error(text: str):
    try:
        day = parse_day(text, TODAY)
    except DataError:
        return
    assert day >= TODAY


def test_chinese_numbers():
    assert [chinese_number(n) for n in (1, 10, 11, 20, 31)] == ["一", "十", "十一", "二十", "三十一"]
