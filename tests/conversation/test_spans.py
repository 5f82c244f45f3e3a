"""Tags in every scheme, and spans that overlap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.conversation import Example, SlotSpan, scan
from dialoop.conversation.export import written
from dialoop.conversation.spans import SCHEMES, in_scheme, runs_of, without_overlaps, words
from dialoop.errors import SettingsError

IOB2 = ["B-a", "I-a", "B-a", "O", "B-b", "B-a", "I-a", "I-a"]


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("IOB1", ["I-a", "I-a", "B-a", "O", "I-b", "I-a", "I-a", "I-a"]),
        ("IOB2", IOB2),
        ("BILOU", ["B-a", "L-a", "U-a", "O", "U-b", "B-a", "I-a", "L-a"]),
        ("BIOES", ["B-a", "E-a", "S-a", "O", "S-b", "B-a", "I-a", "E-a"]),
    ],
)
def test_the_same_spans_in_each_scheme(scheme, tags):
    assert in_scheme(IOB2, scheme) == tags


@given(st.lists(st.sampled_from([None, "a", "b"]), min_size=1, max_size=9), st.data())
def test_what_is_written_in_a_scheme_is_read_back(labels, data):
    text = " ".join(f"w{number}" for number in range(len(labels)))
    spans, at = [], 0
    for number, label in enumerate(labels):
        end = at + len(f"w{number}")
        follows = spans and spans[-1].end == at - 1 and spans[-1].label == label
        if follows and data.draw(st.booleans()):
            spans[-1] = SlotSpan(label=label, start=spans[-1].start, end=end)
        elif label:
            spans.append(SlotSpan(label=label, start=at, end=end))
        at = end + 1
    example = Example(text=text, spans=tuple(spans))
    for scheme in SCHEMES:
        lines = list(written([example], "conll", "lines", scheme=scheme))  # compares what it reads back
        assert lines[0] == f"# text = {text}"


def test_a_file_in_bilou_is_read_as_it_was_written(tmp_path):
    example = Example(text="from New York to Ulm", spans=(SlotSpan(label="town", start=5, end=13),))
    path = tmp_path / "a.conll"
    path.write_text("\n".join(written([example], "conll", "lines", scheme="BILOU")) + "\n", encoding="utf-8")
    assert "New\tB-town\nYork\tL-town" in path.read_text(encoding="utf-8")
    assert list(scan(path)) == [example]


def test_a_form_without_tags_takes_no_scheme():
    with pytest.raises(SettingsError, match="no tags"):
        list(written([], "spans", "jsonl", scheme="IOB1"))


def test_of_spans_that_overlap_the_longest_is_kept_then_the_first():
    a, b = SlotSpan(label="a", start=0, end=3), SlotSpan(label="b", start=2, end=7)
    c, d = SlotSpan(label="c", start=6, end=9), SlotSpan(label="d", start=9, end=10)
    assert without_overlaps([d, c, b, a]) == ([b, d], [a, c])
    assert without_overlaps([c, a]) == ([a, c], [])


def test_an_inside_tag_that_continues_nothing_begins_a_span():
    assert runs_of([2, 2, 1, 0, 4, 2], ("x", "y")) == [("x", 0, 1), ("x", 2, 2), ("y", 4, 4), ("x", 5, 5)]


def test_words_and_wide_characters_part_where_they_meet():
    text = "4分以上，500元 Hotel酒店"
    assert [text[start:end] for start, end in words(text)] == [*"4分以上，", "500", "元", "Hotel", "酒", "店"]
