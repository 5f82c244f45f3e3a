"""Markdown cut into sections: headings, anchors, what is no heading, long ones, words of guests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.knowledge import sections
from dialoop.knowledge.sections import LONGEST


def made(text: str, name: str = "a.md") -> list[tuple[str, str]]:
    return [(one.source, one.text) for one in sections(text, name)]


def test_each_heading_begins_a_section_and_names_its_place():
    text = "before\n\n# One\n\nfirst\n\n## Two  words! ##\nsecond\n\n# One\nthird\n"
    assert made(text) == [
        ("a.md", "before"),
        ("a.md#one", "first"),
        ("a.md#two--words", "second"),
        ("a.md#one-1", "third"),
    ]


def test_underlined_headings_are_headings_and_lines_and_lists_are_not():
    assert made("Pets\n====\nyes\n\nCars\n---\nno\n\n---\n\n- a\n---\nb\n") == [
        ("a.md#pets", "yes"),
        ("a.md#cars", "no\n\n---\n\n- a\n---\nb"),
    ]


def test_code_holds_no_headings_and_front_matter_is_no_text():
    assert made("---\ntitle: x\n---\n# A\n```sh\n# no heading\n~~~\n```\n# B\nb\n") == [
        ("a.md#a", "```sh\n# no heading\n~~~\n```"),
        ("a.md#b", "b"),
    ]


def test_what_looks_like_a_heading_but_is_none():
    assert made("#no\n####### seven\n    # four spaces\n") == [("a.md", "#no\n####### seven\n    # four spaces")]


def test_sections_without_text_and_comments_are_left_out():
    assert made("# A\n\n## B\n<!-- a note\nof ours -->\n\n## C\nc <!-- hidden --> d\n") == [("a.md#c", "c  d")]


def test_a_comment_over_many_lines_hides_headings_and_code():
    assert made("# A\n<!--\n# Hidden\n```\nsecret\n-->\na\n# B\nb") == [("a.md#a", "a"), ("a.md#b", "b")]


def test_code_holds_no_comments():
    text = "`<!-- also: x -->` a\n\n```html\n<!-- also: y -->\n```"
    (one,) = sections(f"# A\n{text}\n", "a.md")
    assert (one.text, one.also) == (text, "")


def test_what_only_looks_like_the_end_or_the_beginning_of_code_is_none():
    assert made("# A\n```inline``` a\n# B\n````\n```\n# no\n````js\n````\n# C\nc") == [
        ("a.md#a", "```inline``` a"),
        ("a.md#b", "````\n```\n# no\n````js\n````"),
        ("a.md#c", "c"),
    ]


def test_text_between_two_rules_at_the_top_is_no_front_matter():
    assert made("---\n\nNo pets.\n\n---\n\n# A\na") == [("a.md", "---\n\nNo pets.\n\n---"), ("a.md#a", "a")]
    for matter in ("---\n---", "--- \ntitle: x\ntags:\n- a\n--- ", "+++\ntitle = 'x'\n+++"):
        assert made(f"{matter}\n# A\na") == [("a.md#a", "a")]


def test_each_place_has_one_name():
    assert [source for source, _ in made("# A\na\n# A-1\nb\n# A\nc\n# <b>A</b>\nd")] == [
        "a.md#a",
        "a.md#a-1",
        "a.md#a-2",
        "a.md#a-3",
    ]


def test_the_words_of_guests_go_to_the_sections_below_where_there_is_no_text():
    found = sections(
        "# Pets <!-- also: dog -->\n## Fee\n5 euros\n## Beds\nfree\n# Cars\n<!-- also: van -->\nyes", "a.md"
    )
    assert [(one.heading, one.also) for one in found] == [("Fee", "dog"), ("Beds", "dog"), ("Cars", "van")]


@pytest.mark.parametrize("line", ["- number {} of a list", "{}. a point of it", "| {} | a cell | another |"])
def test_a_long_list_is_cut_between_its_lines(line: str):
    lines = [line.format(number) for number in range(200)]
    found = sections("# A\n" + "\n".join(lines), "a.md")
    assert len(found) > 2
    assert all(len(one.text) <= LONGEST for one in found)
    assert "\n".join(one.text for one in found).split("\n") == lines


def test_a_table_in_pieces_has_its_head_in_each():
    head, rows = "| room | price |\n|---|---|", [f"| room {number} | {number} euros |" for number in range(150)]
    found = [one.text for one in sections("\n".join(["# A", head, *rows]), "a.md")]
    assert all(one.startswith(head + "\n") and len(one) <= LONGEST for one in found)
    assert [row for one in found for row in one.split("\n")[2:]] == rows


def test_the_words_of_guests_are_kept_apart():
    (one,) = sections("# Pets\n<!-- also: dog,\n cat -->\nYes.\n<!-- ALSO: puppy -->", "a.md")
    assert one.also.split() == ["dog,", "cat", "puppy"]
    assert one.text == "Yes."


def test_headings_above_are_known_and_marks_taken_off():
    *_, one = sections("# House\n## [Rooms](x.md)\n### `Bath` and **bed**\nyes", "a.md")
    assert one.above == ("House", "Rooms")
    assert one.heading == "Bath and bed"


@pytest.mark.parametrize(
    ("name", "text", "lang"),
    [
        ("rules.zh.md", "hello", "zh"),
        ("a/rules.en-GB.md", "你好", "en"),
        ("rules.md", "你好", "zh"),
        ("rules.md", "hello", None),
        ("v1.2.md", "hello", None),
        ("RULES.ZH.MD", "hello", "zh"),
    ],
)
def test_the_language_is_that_of_the_name_or_the_script(name: str, text: str, lang: str | None):
    assert sections(text, name)[0].lang == lang


@pytest.mark.parametrize(
    ("heading", "lang", "shown"),
    [("Pets", "en", "Pets: Yes."), ("Pets?", "en", "Pets? Yes."), ("宠物", "zh", "宠物：Yes.")],
)
def test_what_is_shown_reads_well(heading: str, lang: str, shown: str):
    assert sections(f"# {heading}\nYes.", f"a.{lang}.md")[0].shown == shown


def test_windows_lines_are_lines():
    assert made("# A\r\n\r\ntext\r\nmore\r\n") == [("a.md#a", "text\nmore")]


def test_a_long_section_is_cut_between_paragraphs_and_sentences_and_nothing_is_lost():
    paragraphs = [" ".join(f"Sentence {n} of {p}." for n in range(60)) for p in range(4)]
    found = sections("# A\n\n" + "\n\n".join(paragraphs), "a.md")
    assert len(found) > 3
    assert {one.source for one in found} == {"a.md#a"}
    assert all(len(one.text) <= LONGEST for one in found)
    assert " ".join(one.text for one in found).split() == " ".join(paragraphs).split()


def test_chinese_sentences_are_cut_without_spaces():
    text = "".join(f"这是第{n}句话，没有空格。" for n in range(200))
    found = sections(text, "a.md")
    assert all(len(one.text) <= LONGEST for one in found)
    assert "".join(one.text for one in found) == text


@given(st.text(alphabet="# ab\n`~-=<>!-也。.\r", max_size=300))
def test_any_text_is_cut_without_an_error_and_no_word_is_lost(text: str):
    found = sections(text, "a.md")
    assert all(one.text.strip() == one.text and one.text for one in found)
    kept = "".join(one.text + one.heading + "".join(one.above) for one in found)
    if "<!--" not in text and "---" not in text and all(one.heading for one in found[1:]):
        last = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[-1].strip()
        if last and not set(last) & set("#`~-=<>!"):
            assert last in kept
