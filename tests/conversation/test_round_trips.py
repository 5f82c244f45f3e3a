"""What is written in a form is read back the same, and what a form cannot hold is refused rather than lost."""

import errno
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.conversation import (
    Conversation,
    Example,
    Message,
    SlotSpan,
    read_conversations,
    read_examples,
    write_conversations,
    write_lines,
    written,
)
from dialoop.errors import DataError, SettingsError

from .samples import (
    conversations,
    faults,
    letters,
    lines,
    meta,
    names,
    plain_conversations,
    records,
    talk,
    texts,
    write,
)

LABELLED = st.text(letters | st.sampled_from(list(' \n",;\t')), min_size=1, max_size=20).filter(str.strip)


def there_and_back(tmp: Path, items: list[Any], form: str, container: str = "jsonl", **options: Any) -> list[Any]:
    path = tmp / f"file.{container}"
    text = "".join(line + "\n" for line in written(items, form, container, **options))
    path.write_text(text, encoding="utf-8", newline="")
    assert [fault for fault in faults(path, form=form) if fault.level == "error"] == []
    return records(path, form=form)


def plain(conversation: Conversation) -> Conversation:
    """Weight 1 is what a message has that says none."""
    messages = [m.model_copy(update={"weight": None}) if m.weight == 1 else m for m in conversation.messages]
    return conversation.model_copy(update={"messages": messages})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trips")


@given(st.lists(conversations(), min_size=1, max_size=3))
def test_own_form_holds_all(folder: Path, items: list[Conversation]):
    assert there_and_back(folder, items, "openai") == items
    assert [plain(one) for one in there_and_back(folder, items, "openai", "json")] == [plain(one) for one in items]


@given(conversations())
def test_sharegpt_holds_calls_and_weights(folder: Path, item: Conversation):
    lean = item.model_copy(
        update={
            "annotations": None,
            "messages": [message.model_copy(update={"name": None, "rejected": None}) for message in item.messages],
        }
    )
    assert there_and_back(folder, [lean], "sharegpt") == [lean]
    assert there_and_back(folder, [item], "sharegpt", drop=("annotations", "name", "rejected")) == [lean]


@given(st.lists(plain_conversations(), min_size=1, max_size=3))
def test_alpaca_holds_plain_turns(folder: Path, items: list[Conversation]):
    assert there_and_back(folder, items, "alpaca") == items


@given(plain_conversations())
def test_pairs_hold_turns_with_one_target(folder: Path, item: Conversation):
    messages = [m.model_copy(update={"weight": 0}) if m.role == "assistant" else m for m in item.messages[:-1]]
    one_target = item.model_copy(update={"messages": [*messages, item.messages[-1]]})
    assert there_and_back(folder, [one_target], "pairs") == [one_target]


stripped = texts.map(lambda text: re.sub(r"\s*\n\s*", "\n", text.strip()))


@given(st.lists(plain_conversations(text=stripped), min_size=1, max_size=3))
def test_transcripts_hold_plain_turns_or_refuse(folder: Path, items: list[Conversation]):
    try:
        back = there_and_back(folder, items, "transcript", "txt")
    except DataError:
        return  # spaces that only Unicode knows: refused, not lost
    assert back == items


def example_of(text: str, known: dict[str, Any], **what: Any) -> Example:
    known = {key: value for key, value in known.items() if key != "outcome"}
    return Example(text=text, **known, **what)


@given(LABELLED, meta, names, st.lists(names, max_size=3), st.floats(allow_nan=False, allow_infinity=False))
@pytest.mark.parametrize("container", ["jsonl", "csv", "tsv"])
def test_labels_and_scores(folder: Path, container: str, text: str, known, label: str, labels: list[str], score: float):
    for form, example in (
        ("labels", example_of(text, known, label=label)),
        ("labels", example_of(text, known, labels=tuple(labels))),
        ("scores", example_of(text, known, score=score)),
    ):
        assert there_and_back(folder, [example], form, container) == [example]


@st.composite
def tagged(draw: st.DrawFn) -> Example:
    """Words with spans over whole words that do not overlap."""
    words = draw(st.lists(st.text(st.sampled_from("ab9é上海'-.,"), min_size=1, max_size=4), min_size=1, max_size=6))
    text = " ".join(words)
    starts = [sum(len(word) + 1 for word in words[:index]) for index in range(len(words))]
    spans, index = [], 0
    while index < len(words):
        last = min(index + draw(st.integers(0, 2)), len(words) - 1)
        if draw(st.booleans()):
            end = starts[last] + len(words[last])
            spans.append(SlotSpan(label=draw(names), start=starts[index], end=end))
        index = last + 1
    return example_of(text, draw(meta), spans=tuple(spans))


@given(st.lists(tagged(), min_size=1, max_size=3))
def test_spans_and_columns(folder: Path, items: list[Example]):
    for form, container in (("spans", "jsonl"), ("spans", "csv"), ("conll", "conll")):
        assert there_and_back(folder, items, form, container) == items


def test_equal_records_give_equal_files(tmp_path: Path):
    items = list(read_conversations(write(tmp_path / "a.jsonl", talk(), talk(id="t2"))))
    assert write_conversations(tmp_path / "b.jsonl.gz", items) == 2
    assert list(read_conversations(tmp_path / "b.jsonl.gz")) == items
    write_conversations(tmp_path / "c.jsonl.gz", items)
    assert (tmp_path / "b.jsonl.gz").read_bytes() == (tmp_path / "c.jsonl.gz").read_bytes()


def conversation(*messages: Message, **fields: Any) -> Conversation:
    return Conversation(id="c", messages=list(messages), **fields)


ASK, SAY = Message(role="user", content="a"), Message(role="assistant", content="b")
NOTED = conversation(ASK, SAY, annotations={"messages": []})
OFF = SAY.model_copy(update={"weight": 0})


@pytest.mark.parametrize(
    ("form", "record", "reason"),
    [
        ("sharegpt", NOTED, "annotations"),
        ("alpaca", NOTED, "annotations"),
        ("pairs", NOTED, "annotations"),
        ("transcript", NOTED, "annotations"),
        ("alpaca", conversation(ASK, OFF), "weight 0"),
        ("transcript", conversation(ASK, OFF), "weight 0"),
        ("pairs", conversation(ASK, OFF), "target"),
        ("pairs", conversation(ASK, SAY, ASK, SAY), "target"),
        ("alpaca", conversation(SAY, ASK, SAY), "strict turns"),
        ("pairs", conversation(ASK), "strict turns"),
        ("transcript", conversation(ASK, Message(role="assistant", content="b\n\nc")), "blank lines"),
        ("transcript", conversation(ASK, Message(role="assistant", content=" b")), "spaces at the edges"),
        ("alpaca", conversation(ASK, SAY, tools=[{"function": {"name": "f"}}]), "tools"),
        ("sharegpt", conversation(ASK, SAY.model_copy(update={"rejected": "c"})), "rejected"),
        ("labels", conversation(ASK, SAY), "holds examples"),
        ("openai", Example(text="a", label="b"), "holds conversations"),
        ("labels", Example(text="a", score=1.0), "cannot hold an example with scores"),
        ("conll", Example(text="a", label="b"), "hold spans"),
        ("conll", Example(text="a\nb", spans=()), "line's end"),
        ("conll", Example(text=" a b ", spans=(SlotSpan(label="x", start=0, end=2),)), "differ in spans"),
        (
            "conll",
            Example(text="a b", spans=(SlotSpan(label="x", start=0, end=3), SlotSpan(label="y", start=2, end=3))),
            "overlapping",
        ),
        ("conll", Example(text="a", spans=(SlotSpan(label="x y", start=0, end=1),)), "space in it"),
        ("conll", Example(text="a", spans=(), extra={"k": 1}), "cannot hold k"),
    ],
)
def test_what_a_form_cannot_hold_is_refused(form: str, record: Conversation | Example, reason: str):
    with pytest.raises(DataError, match=reason) as caught:
        list(written([record], form, "jsonl"))
    assert caught.value.remedy
    left_out: list[Any] = []
    assert list(written([record], form, "jsonl", left_out=left_out)) == []
    assert reason in left_out[0].reason


def test_dropping_must_be_asked_for_by_a_known_name():
    assert len(list(written([NOTED], "alpaca", "jsonl", drop=["annotations"]))) == 1
    with pytest.raises(SettingsError, match="'calls' cannot be dropped"):
        list(written([NOTED], "alpaca", "jsonl", drop=["calls"]))


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text("old\n")
    with pytest.raises(DataError):
        write_lines(path, written([conversation(ASK, SAY), NOTED], "alpaca", "jsonl"))
    with pytest.raises(DataError, match="surrogate"):
        write_lines(path, ["fine", "\ud800"])
    assert path.read_text() == "old\n"
    assert [file.name for file in tmp_path.iterdir()] == ["a.jsonl"]


@pytest.mark.parametrize("name", ["none/a.jsonl", ".", "a.jsonl/b.jsonl"])
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, name: str):
    (tmp_path / "a.jsonl").write_text("x")
    with pytest.raises(DataError) as caught:
        write_lines(tmp_path / name, ["x"])
    assert caught.value.remedy


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.jsonl"
    path.write_text("old\n")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="No space left") as caught:
        write_lines(path, ["new"])
    assert "make room" in str(caught.value.remedy)
    assert path.read_text() == "old\n"
    assert [file.name for file in tmp_path.iterdir()] == ["a.jsonl"]


@given(lines)
def test_examples_keep_their_place_out_of_comparisons(text: str):
    assert Example(text=text, label="a") == Example(text=text, label="a", place=None)


def test_examples_can_be_written_and_read_as_lines(tmp_path: Path):
    items = [Example(text="Hi", label="greet", extra={"k": [1]})]
    write_lines(tmp_path / "a.jsonl.gz", written(items, "labels", "jsonl"))
    assert list(read_examples(tmp_path / "a.jsonl.gz")) == items
