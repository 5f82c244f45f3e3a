"""What a file holds becomes samples of the head that fits it, and nothing is dropped without being counted."""

import json
from pathlib import Path

import pytest

from dialoop.conversation import write_conversations
from dialoop.errors import DataError, SettingsError
from dialoop.model import Head, load_base
from dialoop.training import TuneSettings
from dialoop.training.material import choose_head, part, read_records, samples_of

from .talks import pairs_file, talks, talks_file, texts_file


def written(folder: Path, *lines: object, name: str = "data.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_conversations_call_for_generate_and_labelled_texts_for_classify(tmp_path: Path):
    logs = read_records(talks_file(tmp_path, 3))
    assert choose_head(logs, "auto", logs.conversations) == Head()
    texts = read_records(texts_file(tmp_path))
    assert choose_head(texts, "auto", texts.examples) == Head(kind="classify", labels=("place", "thing"))
    several = read_records(texts_file(tmp_path, multi=True))
    assert choose_head(several, "classify", several.examples).multi_label


@pytest.mark.parametrize("wanted", ["classify", "generate"])
def test_a_head_that_the_data_cannot_teach_is_refused(wanted, tmp_path: Path):
    records = read_records(talks_file(tmp_path, 3) if wanted == "classify" else texts_file(tmp_path))
    with pytest.raises(DataError, match="this file holds"):
        choose_head(records, wanted, records.conversations or records.examples)


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ([{"text": "a", "score": 0.5}, {"text": "b", "score": 0.5}], "every score is 0.5"),
        ([{"text": "a", "score": 1e308}, {"text": "b", "score": -1e308}, {"text": "c", "score": 1e308}], "no mean"),
        ([{"text": "a", "spans": []}, {"text": "b", "spans": []}], "no text has a span"),
        ([{"text": "a", "label": "x"}, {"text": "b", "label": "x"}], "the only label is 'x'"),
    ],
)
def test_texts_that_classify_cannot_learn_from_are_refused(lines, what, tmp_path: Path):
    records = read_records(written(tmp_path, *lines))
    with pytest.raises(DataError, match=what):
        choose_head(records, "auto", records.examples)


def test_a_faulty_line_is_told_with_its_place(tmp_path: Path):
    path = talks_file(tmp_path, 2)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"messages": [{"role": "wizard", "content": "x"}]}\n')
    with pytest.raises(DataError) as error:
        read_records(path)
    assert str(error.value.where) == f"{path}:3"
    assert "dialoop check" in (error.value.remedy or "")


def test_targets_are_the_answers_of_weight_1(bases, tmp_path: Path):
    base = load_base(bases["llama"])
    conversations = talks(2, turns=2)
    conversations[0].messages[2].weight = 0
    write_conversations(tmp_path / "w.jsonl", conversations)
    side = samples_of(read_records(tmp_path / "w.jsonl").conversations, base, base.window)
    taught = [base.tokenizer.decode(sample.ids[sample.truth]) for sample in side.samples]
    wanted = [
        "".join(f"{message.content}<|im_end|>\n" for message in one.messages if message.is_target)
        for one in conversations
    ]
    assert [text.replace("\n", "") for text in taught] == [text.replace("\n", "") for text in wanted if text]
    assert side.counts.without_targets == sum(not text for text in wanted)
    assert side.counts.targets == sum(sample.count for sample in side.samples)


def test_what_does_not_fit_the_window_is_counted(bases):
    base = load_base(bases["llama"])
    side = samples_of(talks(6, turns=4), base, 64)
    assert side.counts.turns_left_out > 0
    assert all(len(sample.ids) <= 64 for sample in side.samples)
    whole = samples_of(talks(6, turns=4), base, base.window)
    assert side.counts.targets + side.counts.answers_lost >= 1
    assert whole.counts.turns_left_out == whole.counts.answers_lost == 0


def test_long_texts_are_cut_and_counted_and_unknown_labels_left_out(bases, tmp_path: Path):
    base = load_base(bases["bert"], head=Head(kind="classify", labels=("place", "thing")))
    lines = [{"text": "a lamp " * 60, "label": "thing"}, {"text": "hall", "label": "place"}]
    records = read_records(written(tmp_path, *lines, {"text": "blue", "label": "colour"}))
    side = samples_of(records.examples, base, 32)
    assert (side.counts.texts_cut, side.counts.unknown_labels, side.counts.samples) == (1, 1, 2)
    assert [len(sample.ids) <= 32 for sample in side.samples] == [True, True]
    assert side.samples[0].ids[-1] == base.tokenizer.sep_token_id


def test_below_twenty_conversations_all_are_trained_on_and_that_is_said(tmp_path: Path):
    split, other = part(read_records(pairs_file(tmp_path)), None, 0)
    assert (len(split.train), split.held_out, other) == (3, [], None)
    assert "all 3 conversations are trained on" in (split.note or "")


def test_a_share_or_a_file_is_held_out(tmp_path: Path):
    records = read_records(talks_file(tmp_path, 100))
    default, _ = part(records, None, 0)
    half, _ = part(records, "0.5", 0)
    assert 0 < len(default.held_out) < len(half.held_out)
    assert {one.id for one in half.train} | {one.id for one in half.held_out} == {one.id for one in talks(100)}
    by_file, other = part(records, str(talks_file(tmp_path, 5, 9, name="dev.jsonl")), 0)
    assert (len(by_file.train), len(by_file.held_out)) == (100, 5)
    assert other is not None
    assert other.sha256 != records.sha256


@pytest.mark.parametrize("held_out", ["1.5", "-0.1", "nowhere.jsonl"])
def test_what_cannot_be_held_out_is_refused(held_out, tmp_path: Path):
    with pytest.raises(SettingsError, match="held_out is"):
        part(read_records(talks_file(tmp_path, 30)), held_out, 0)


def test_held_out_of_another_kind_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="holds no conversations"):
        part(read_records(talks_file(tmp_path, 30)), str(texts_file(tmp_path)), 0)


@pytest.mark.parametrize("held_out", [None, "0.2", "file"])
def test_what_is_out_of_scope_is_held_out_and_not_learnt(held_out, tmp_path: Path):
    rows = [{"text": f"{label} {n}", "label": label} for n in range(40) for label in ("ask", "book", "out_of_scope")]
    other = written(tmp_path, *rows[:3], name="other.jsonl")
    records = read_records(written(tmp_path, *rows))
    split, _ = part(records, str(other) if held_out == "file" else held_out, 0)
    assert "out_of_scope" not in {one.label for one in split.train}
    assert [one.label for one in split.held_out].count("out_of_scope") == 40 + (held_out == "file")
    assert "texts labelled out_of_scope are held out" in (split.note or "")
    assert choose_head(records, "auto", split.train).labels == ("ask", "book")


@pytest.mark.parametrize("values", [{"fresh_values": 0.5}, {"look_answers": 4}])
def test_what_belongs_to_conversations_is_refused_for_labelled_texts(values, tmp_path: Path):
    texts = read_records(texts_file(tmp_path))
    with pytest.raises(SettingsError, match="belong to conversations"):
        choose_head(texts, "auto", texts.examples, TuneSettings.model_validate(values))
