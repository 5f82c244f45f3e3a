from pathlib import Path

from dialoop.conversation import (
    Example,
    Passage,
    SlotSpan,
    documents,
    read_examples,
    split_examples,
    write_lines,
    written,
)


def span(label: str, start: int, end: int) -> SlotSpan:
    return SlotSpan(label=label, start=start, end=end)


def test_spans_go_into_a_passage_and_come_back():
    texts = ["Ulm lost.", "", "It was 星期一 in Ulm"]
    spans = [[span("town", 0, 3)], [], [span("day", 7, 10), span("town", 14, 17)]]
    passage = Passage.of(texts)
    joined = passage.joined(spans)
    assert [passage.text[one.start : one.end] for one in joined] == ["Ulm", "星期一", "Ulm"]
    assert passage.parted(joined) == spans


def test_a_span_over_the_end_of_a_text_is_cut_there():
    passage = Passage.of(["in New", "York"])
    assert passage.parted([span("town", 3, 11)]) == [[span("town", 3, 6)], [span("town", 0, 4)]]


def test_documents_are_runs_of_one_name():
    names = [None, None, "a", "a", "b", None, "a"]
    examples = [Example(text=str(n), spans=(), document=name) for n, name in enumerate(names)]
    assert [[one.text for one in some] for some in documents(examples)] == [
        ["0"],
        ["1"],
        ["2", "3"],
        ["4"],
        ["5"],
        ["6"],
    ]


def test_columns_tell_documents_and_keep_them(tmp_path: Path):
    plain = "-DOCSTART- -X- O\n\nUlm B-town\nwon O\n\nMore O\n\n-DOCSTART- -X- O\nBern B-town\n"
    (tmp_path / "a.conll").write_text(plain, encoding="utf-8")
    read = list(read_examples(tmp_path / "a.conll"))
    assert [(one.text, one.document) for one in read] == [("Ulm won", "1"), ("More", "1"), ("Bern", "2")]
    for name, form, container in (("b.conll", "conll", "text"), ("b.jsonl", "spans", "jsonl")):
        write_lines(tmp_path / name, written(read, form, container))
        assert list(read_examples(tmp_path / name)) == read
    (tmp_path / "c.conll").write_text("Ulm B-town\n\nBern B-town\n", encoding="utf-8")
    assert [one.document for one in read_examples(tmp_path / "c.conll")] == [None, None]


def test_a_document_stays_on_one_side_of_a_split():
    examples = [Example(text=f"text {n}", spans=(), document=str(n // 10)) for n in range(200)]
    split = split_examples(examples, held_out=0.2)
    sides = [{one.document for one in side} for side in (split.train, split.held_out)]
    assert all(sides)
    assert not sides[0] & sides[1]
