"""What is found in files: forms, faults, counts, duplicates, leaks."""

from pathlib import Path

import pytest

from dialoop.conversation import Example, Inspection, inspect_file, inspect_files, language_of
from dialoop.errors import SettingsError

from .samples import call, chat, talk, write


def test_counts_of_a_file(tmp_path: Path):
    path = write(
        tmp_path / "a.jsonl",
        talk(lang="en", source="desk", split="train", customer="k1", outcome="booked"),
        talk(id="t2", customer="k1", messages=[*talk()["messages"][:2], {"role": "assistant", "content": "Where?"}]),
        chat("你好", "您好", id="t3", annotations={"messages": [{"index": 0, "intents": ["greet"]}]}),
        "broken",
        chat("Hi", "", id="t4"),
    )
    (file,) = inspect_file(path).files
    assert (file.form, file.conversations, file.examples) == ("openai", 3, 0)
    assert "OpenAI chat" in file.description
    assert (file.refused, file.errors, file.warnings) == (2, 2, 0)
    assert file.faults_by_kind == {"json": 1, "empty_message": 1}
    assert file.languages == {"unstated": 1, "en": 1, "zh": 1}
    assert file.roles == {"assistant": 4, "user": 3, "system": 2, "tool": 1}
    assert (file.sources, file.splits, file.outcomes, file.customers) == ({"desk": 1}, {"train": 1}, {"booked": 1}, 1)
    assert file.tool_calls == {"find_table": 1}
    assert file.intents == {"greet": 1}
    assert file.targets == 4
    assert file.bytes == path.stat().st_size
    spread = file.messages_a_conversation
    assert (spread.count, spread.least, spread.median, spread.most) == (3, 2, 3, 5)
    assert file.characters_a_message["user"].most == len("A table in Ulm, please.")
    assert file.target_characters == len("There are two.") + len("Where?") + len("您好") + len(
        call()["function"]["name"] + call()["function"]["arguments"]
    )


def test_each_fault_is_told_with_place_reason_and_remedy(tmp_path: Path):
    result = inspect_file(write(tmp_path / "a.jsonl", chat("Hi", "Hello"), "{", chat("Hi", "")))
    assert [(fault.line, fault.level) for fault in result.faults] == [(2, "error"), (3, "error")]
    assert all(fault.path.endswith("a.jsonl") and fault.reason and fault.remedy for fault in result.faults)
    assert result.errors == result.faults_total == 2


def test_faults_beyond_what_is_kept_are_counted(tmp_path: Path):
    result = inspect_file(write(tmp_path / "a.jsonl", chat("Hi", "Hello"), *["{"] * 1500))
    assert len(result.faults) == 1000
    assert result.faults_total == result.errors == result.files[0].refused == 1500


def test_duplicates_inside_a_part_and_leaks_between_parts(tmp_path: Path):
    train = write(tmp_path / "train.jsonl", chat("Hi there", "Hello", id="a"), chat("Hi there", "Hello", id="b"))
    dev = write(tmp_path / "dev.jsonl", chat("hi, there!", "HELLO", id="c"), chat("Other", "Thing", id="a"))
    result = inspect_files([train, dev])
    assert [(one.what, one.first[-1], one.second[-1]) for one in result.duplicates] == [("same", "1", "2")]
    assert [(one.what, one.value) for one in result.leaks] == [("near", None), ("id", "a")]
    assert result.leaks[0].first == f"{train}:1"
    assert result.leaks[0].second == f"{dev}:1"
    assert (result.duplicates_total, result.leaks_total) == (1, 2)


def test_splits_of_one_file_are_parts(tmp_path: Path):
    path = write(
        tmp_path / "all.jsonl",
        chat("a", "b", id="1", split="train", customer="k"),
        chat("c", "d", id="2", split="train", customer="k"),
        chat("e", "f", id="3", split="dev", customer="k"),
    )
    result = inspect_file(path)
    assert result.duplicates == []
    assert [(one.what, one.value, one.second[-1]) for one in result.leaks] == [("customer", "k", "3")]


def test_one_text_with_two_labels_is_a_contradiction(tmp_path: Path):
    rows = [{"text": "Hi", "label": "greet"}, {"text": "hi!", "label": "leave"}, {"text": "Hi", "label": "greet"}]
    result = inspect_file(write(tmp_path / "a.jsonl", *rows))
    assert [(one.what, one.value) for one in result.contradictions] == [("label", "greet / leave")]
    assert result.duplicates_total == 2


def test_labels_out_of_balance_are_noted(tmp_path: Path):
    rows = [{"text": f"t{number}", "label": "much"} for number in range(40)] + [{"text": "x", "label": "rare"}]
    result = inspect_file(write(tmp_path / "a.jsonl", *rows))
    assert result.files[0].labels == {"much": 40, "rare": 1}
    assert any("out of balance" in note for note in result.notes)
    assert any("'rare'" in note for note in result.notes)
    even = inspect_file(write(tmp_path / "b.jsonl", *rows[:20], *[{"text": f"y{n}", "label": "b"} for n in range(20)]))
    assert even.notes == []


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("你好 Anna, 明天见", "zh"),
        ("明日は行きます", "ja"),
        ("내일 봐요", "ko"),
        ("see you", "unstated"),
        ("12:30!", "unstated"),
        ("a 好 long English sentence with one sign", "unstated"),
    ],
)
def test_the_language_is_what_the_script_shows(text: str, lang: str):
    assert language_of(Example(text=text, label="x")) == lang
    assert language_of(Example(text=text, label="x", lang="fr")) == "fr"


def test_scores_and_slots_are_counted(tmp_path: Path):
    scores = inspect_file(write(tmp_path / "s.jsonl", {"text": "a", "score": -1}, {"text": "b", "score": 2.5}))
    assert scores.files[0].scores == (-1.0, 2.5)
    spans = inspect_file(write(tmp_path / "t.jsonl", {"text": "ab", "spans": [{"label": "x", "start": 0, "end": 1}]}))
    assert spans.files[0].slots == {"x": 1}


def test_no_target_and_few_records_are_noted(tmp_path: Path):
    path = write(tmp_path / "a.jsonl", {"messages": [{"role": "user", "content": "Hi"}]})
    notes = inspect_file(path).notes
    assert any("nothing would be learnt" in note for note in notes)
    assert any("below 20" in note for note in notes)


def test_files_that_cannot_be_read_are_findings_too(tmp_path: Path):
    odd = tmp_path / "odd.txt"
    odd.write_text("nothing known here\n")
    result = inspect_files([tmp_path / "none.jsonl", tmp_path, odd])
    assert [file.form for file in result.files] == [None, None, None]
    assert [file.errors for file in result.files] == [1, 1, 1]


def test_findings_are_plain_data(tmp_path: Path):
    result = inspect_file(write(tmp_path / "a.jsonl", talk(), "x"))
    assert Inspection.model_validate_json(result.model_dump_json()) == result


def test_an_unknown_form_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="no form"):
        inspect_file(write(tmp_path / "a.jsonl", talk()), form="xml")
