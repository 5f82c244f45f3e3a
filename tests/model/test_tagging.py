"""Texts in windows of tokens, tags of characters and back, on every kind of tokenizer, the bundled one too."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dialoop.conversation import SlotSpan
from dialoop.conversation.spans import runs_of, without_overlaps
from dialoop.errors import ModelError
from dialoop.model import AdapterSettings, Head, load_base, save_model, tag_texts
from dialoop.model.backbone import open_tokenizer
from dialoop.model.heads import CASINGS, tag_scores, transitions_of
from dialoop.model.names import resolve_model
from dialoop.model.windows import casing_of, read_text, truth_of

from ..tiny_models import tiny_bert_tokenizer, tiny_model, tiny_tokenizer

TOKENIZERS = {
    "byte-level": tiny_tokenizer(),
    "bert": tiny_bert_tokenizer(),
    "mini": open_tokenizer(resolve_model("mini")),
}
TEXT = st.text(st.sampled_from("ab  New York2, 三间房🙂é\n"), min_size=1, max_size=60)


@pytest.mark.parametrize("name", TOKENIZERS)
@given(text=TEXT, window=st.integers(6, 40))
@settings(max_examples=60, deadline=None)
def test_every_letter_is_in_one_unit_and_every_unit_in_one_window(name, text, window):
    reading = read_text(TOKENIZERS[name], text, window)
    covered = [place for start, end in reading.edges for place in range(start, end)]
    assert covered == sorted(set(covered))
    assert {place for place, letter in enumerate(text) if not letter.isspace()} <= set(covered)
    assert sum(len(one.places) for one in reading.windows) == len(reading.edges)
    assert [one.first for one in reading.windows] == list(
        np.cumsum([0, *(len(one.places) for one in reading.windows)])[:-1]
    )
    assert all(len(one.ids) == len(one.casing) <= window for one in reading.windows)
    whole = read_text(TOKENIZERS[name], text, 10_000)
    assert whole.edges == reading.edges
    assert [one.ids[place] for one in reading.windows for place in one.places] == [
        one.ids[place] for one in whole.windows for place in one.places
    ]


@pytest.mark.parametrize("name", TOKENIZERS)
@given(text=TEXT, data=st.data())
@settings(max_examples=60, deadline=None)
def test_spans_become_tags_and_spans_again(name, text, data):
    reading = read_text(TOKENIZERS[name], text, 10_000)
    labels, spans = ("a", "b"), []
    if reading.edges:
        for _ in range(data.draw(st.integers(0, 3))):
            first = data.draw(st.integers(0, len(reading.edges) - 1))
            last = data.draw(st.integers(first, len(reading.edges) - 1))
            label = data.draw(st.sampled_from(labels))
            spans.append(SlotSpan(label=label, start=reading.edges[first][0], end=reading.edges[last][1]))
    kept, _ = without_overlaps(spans)
    numbers, inexact = truth_of(reading, kept, labels)
    back = [
        SlotSpan(label=label, start=reading.edges[first][0], end=reading.edges[last][1])
        for label, first, last in runs_of(numbers.tolist(), labels)
    ]
    assert back == kept
    assert inexact == 0


def test_a_span_that_ends_within_a_token_is_counted_and_takes_the_whole_of_it():
    reading = read_text(TOKENIZERS["byte-level"], "the library is closed", 100)
    start = next(start for start, end in reading.edges if end - start > 3)
    numbers, inexact = truth_of(reading, [SlotSpan(label="a", start=start, end=start + 2)], ("a",))
    assert (inexact, numbers.sum()) == (1, 1)


def test_a_window_without_room_is_refused():
    with pytest.raises(ModelError, match="no room"):
        read_text(TOKENIZERS["bert"], "a quiet room", 2)


@pytest.mark.parametrize(
    ("word", "casing"),
    [
        ("york", "lower"),
        (" York", "initial"),
        ("I", "initial"),
        ("UK", "upper"),
        ("iPad", "mixed"),
        ("7th", "lower"),
        ("42", "digits"),
        (",", "none"),
        ("三", "lower"),
    ],
)
def test_casing(word, casing):
    assert CASINGS[casing_of(word)] == casing


@pytest.mark.parametrize("kind", ["bert", "llama", "gpt2", "qwen3"])
@pytest.mark.parametrize("crf", [False, True], ids=["plain", "crf"])
def test_a_tagger_is_saved_and_loaded_whole_and_tags_texts_of_any_length(kind, crf, tmp_path):
    torch.manual_seed(1)
    head = Head(kind="tag", labels=("a", "b"), crf=crf, casing=crf)
    base = load_base(tiny_model(kind, tmp_path / "m"), head=head)
    with torch.no_grad():
        for name in ("crf", "casing") if crf else ():
            for weight in getattr(base.model, name).parameters():
                torch.nn.init.normal_(weight)
        for name, weight in base.model.named_parameters():
            if name.startswith(("score", "classifier")):
                weight.mul_(30)
    texts = ["A quiet room", "", "  ", "York or Ulm? " * 90]
    found = tag_texts(base, texts, batch_size=3)
    assert found[1] == found[2] == []
    assert found[0] or found[3]
    assert tag_texts(base, [texts[3]]) == [found[3]]
    again = load_base(save_model(base, tmp_path / "out"))
    assert again.head == head
    assert tag_texts(again, texts) == found
    if crf:
        np.testing.assert_array_equal(transitions_of(again.model), transitions_of(base.model))
        retold = load_base(tmp_path / "out", head=Head(kind="tag", labels=("x",), crf=True))
        assert not transitions_of(retold.model).any()


def test_an_adapter_trains_the_crf_as_well_and_both_forms_keep_it(tmp_path):
    head = Head(kind="tag", labels=("a",), crf=True, casing=True)
    base = load_base(tiny_model("llama", tmp_path / "m"), head=head, adapter=AdapterSettings(r=2))
    trained = {name.split(".")[2] for name, p in base.model.named_parameters() if p.requires_grad}
    assert {"crf", "casing", "score"} <= trained
    with torch.no_grad():
        for weight in base.model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight))
    moves = transitions_of(base.model)
    inputs = {"input_ids": torch.tensor([[5, 6, 7]]), "casing": torch.tensor([[1, 2, 3]])}
    with torch.no_grad():
        wanted = tag_scores(base.model, inputs)
        for form in ("whole", "adapter"):
            again = load_base(save_model(base, tmp_path / form, form=form))
            torch.testing.assert_close(tag_scores(again.model, inputs), wanted, rtol=1e-3, atol=1e-4)
            np.testing.assert_array_equal(transitions_of(again.model), moves)


def test_only_a_tagger_tags(tmp_path):
    base = load_base(tiny_model("bert", tmp_path / "m"), head=Head(kind="classify", labels=("a", "b")))
    with pytest.raises(ModelError, match="not tag"):
        tag_texts(base, ["a"])
