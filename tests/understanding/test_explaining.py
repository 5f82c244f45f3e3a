"""Why a text has its label: what the words add makes up the logit, the nearest texts, the terminal and the page."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from dialoop.cli import main
from dialoop.conversation import Example
from dialoop.conversation.spans import words
from dialoop.errors import DataError, ModelError, SettingsError
from dialoop.model import Base, Head, load_base
from dialoop.understanding import Understander, convert
from dialoop.understanding.explaining import explain_text, nearest_texts, reader_of
from dialoop.understanding.explanation_page import explanation_page, shaded
from dialoop.understanding.reading import read_texts
from tests.browser import opened_page
from tests.tiny_models import tiny_model
from tests.understanding.intents import enliven, examples

TEXT = "Could you book a quiet room, 请预订 room 7?"


def labelling(kind: str, folder: Path, *, several: bool = False) -> Base:
    """A tiny base whose fresh head says something different of each text."""
    base = load_base(
        tiny_model(kind, folder / kind), head=Head(kind="classify", labels=("a", "b", "c"), multi_label=several)
    )
    enliven(base.model)
    return base


@pytest.mark.parametrize("kind", ["qwen3", "gpt2", "llama", "bert"])
def test_what_the_words_add_makes_up_the_difference_of_the_logit(kind: str, tmp_path: Path):
    base = labelling(kind, tmp_path)
    for label in ("a", "c"):
        why = explain_text(base, TEXT, label=label, steps=200)
        assert why.label == label
        assert why.whole == pytest.approx(read_texts(base, [TEXT]).logits[0, "abc".index(label)], abs=1e-4)
        assert sum(abs(one.adds) for one in why.pieces) > 0.05
        assert sum(one.adds for one in why.pieces) + why.off == pytest.approx(why.whole - why.empty)
        assert abs(why.off) < 0.01 * sum(abs(one.adds) for one in why.pieces)
        assert [(one.start, one.end) for one in why.pieces] == words(TEXT)


def test_the_shares_are_the_integral_of_the_gradient(tmp_path: Path):
    """Taken once more by hand: the midpoint rule over many points, for an encoder whose mask is the empty token."""
    base = labelling("bert", tmp_path)
    why = explain_text(base, "good morning", label="b", steps=200)
    ids = base.tokenizer("good morning", return_tensors="pt")["input_ids"]
    embed = base.model.get_input_embeddings()
    empty_ids = ids.clone()
    empty_ids[0, 1:-1] = base.tokenizer.mask_token_id
    whole, empty = embed(ids).detach(), embed(empty_ids).detach()
    total = torch.zeros_like(whole)
    for point in (torch.arange(400) + 0.5) / 400:
        given = (empty + point * (whole - empty)).requires_grad_()
        base.model(inputs_embeds=given, attention_mask=torch.ones_like(ids)).logits[0, 1].backward()
        assert given.grad is not None
        total += given.grad / 400
    shares = ((whole - empty) * total).sum(-1)[0].numpy()
    assert shares[[0, -1]] == pytest.approx([0, 0])
    assert sum(one.adds for one in why.pieces) == pytest.approx(shares.sum(), abs=1e-3)
    offsets = base.tokenizer("good morning", return_offsets_mapping=True)["offset_mapping"]
    first = sum(share for share, (start, end) in zip(shares, offsets, strict=True) if start < end and end <= 4)
    assert why.pieces[0].adds == pytest.approx(first, abs=1e-3)


@pytest.mark.parametrize(
    ("text", "label", "word"),
    [("book a room 3", "book", "book"), ("good bye 3", "bye", "good"), ("再见 1", "bye", "见")],
)
def test_the_words_of_an_intent_speak_for_it_and_against_others(run: Path, text: str, label: str, word: str):
    base = load_base(run / "model")
    why = explain_text(base, text)
    assert why.label == label
    assert list(why.chances) == sorted(why.chances, key=lambda one: -why.chances[one])
    first = max(why.pieces, key=lambda one: one.adds)
    assert text[first.start : first.end] == word
    assert first.adds > 5 * why.pieces[-1].adds  # the number says nothing
    against = explain_text(base, text, label="price")
    assert min(against.pieces, key=lambda one: one.adds).start == first.start
    assert against.whole < against.empty


def test_labels_of_any_number_have_chances_of_their_own(tmp_path: Path):
    base = labelling("bert", tmp_path, several=True)
    why = explain_text(base, TEXT)
    wanted = torch.from_numpy(read_texts(base, [TEXT]).logits[0]).sigmoid().numpy()
    assert why.chances == pytest.approx({label: float(wanted[i]) for i, label in enumerate("abc")})
    assert why.label == "abc"[int(wanted.argmax())]


def test_a_text_beyond_the_window_is_cut_and_this_is_said(tmp_path: Path):
    base = labelling("llama", tmp_path)
    why = explain_text(base, "book a room " * 300, steps=4)
    assert why.cut
    assert why.pieces[-1].adds == 0
    assert not explain_text(base, TEXT, steps=4).cut


def test_the_nearest_texts_come_first_and_each_once(run: Path):
    base = load_base(run / "model")
    taught = examples(60, 0)
    found = nearest_texts(reader_of(base), taught[0].text, taught, 4)
    assert found[0].text == taught[0].text
    assert found[0].cosine == pytest.approx(1, abs=1e-5)
    assert found[0].labels == (taught[0].label,)
    assert len({one.text for one in found}) == 4
    assert [one.cosine for one in found] == sorted((one.cosine for one in found), reverse=True)
    features = read_texts(base, [taught[0].text, found[3].text]).features.astype(np.float64)
    cosine = features[0] @ features[1] / np.linalg.norm(features[0]) / np.linalg.norm(features[1])
    assert found[3].cosine == pytest.approx(cosine, abs=1e-5)
    assert nearest_texts(reader_of(base), "x", [], 4) == ()
    assert nearest_texts(reader_of(base), "x", taught, 0) == ()


def test_what_cannot_be_explained_is_told(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    base = load_base(run / "model")
    with pytest.raises(SettingsError, match=r"no label 'fly'(.|\n)*book, bye, price"):
        explain_text(base, "x", label="fly")
    with pytest.raises(DataError, match="no word"):
        explain_text(base, " \n")
    with pytest.raises(ModelError, match="head of kind generate"):
        explain_text(load_base(tiny_model("gpt2", tmp_path / "talks")), "x")
    monkeypatch.setattr("dialoop.understanding.explaining.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"dialoop\[explain\]"):
        explain_text(base, "x")


def test_the_page_holds_all_of_it_and_asks_for_nothing(run: Path):
    text = 'book <script>alert("x")</script> & a room'
    taught = [*examples(20, 0), Example(text="<b>bold</b> room", label="book")]
    why = explain_text(load_base(run / "model"), text, train=taught, nearest=30)
    page = explanation_page(why)
    assert not re.search(r"<script|<b>|https?://|src=|@import|url\(", page)
    assert "&lt;b&gt;bold&lt;/b&gt; room" in page
    assert "".join(part for part, _, _ in shaded(why)) == text
    assert max(abs(strength) for _, strength, _ in shaded(why)) == 1
    assert f"{max(one.adds for one in why.pieces):+.3f}" in page


def test_the_verb_tells_it_and_writes_the_page(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    page = tmp_path / "why.html"
    with pytest.raises(SystemExit) as ended:
        main(["explain", str(run), "--text", "what is the price", "--report", str(page)])
    assert ended.value.code == 0
    said = capsys.readouterr()
    assert "why price: logit" in said.out
    assert re.search(r"[+-]\d\.\d{3}  price", said.out)
    assert "nearest of 95 training texts" in said.out  # the run's own, without those that it held out
    assert "price: what is the price" in said.out
    with opened_page(width=390) as (opened, complaints):
        opened.goto(page.as_uri())
        opened.wait_for_load_state("networkidle")
        assert not complaints
        assert opened.locator("h1").inner_text() == "price"
        assert opened.locator(".shown").inner_text() == "what is the price"
        assert opened.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_run_whose_data_is_gone_still_tells_why(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    moved = Path(shutil.copytree(run, tmp_path / "moved"))
    settings = (moved / "settings.yaml").read_text("utf-8")
    (moved / "settings.yaml").write_text(settings.replace("intents.jsonl", "gone.jsonl"), "utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["explain", str(moved), "--text", "what is the price \ud83d"])
    assert ended.value.code == 0
    said = capsys.readouterr()
    assert "why price: logit" in said.out
    assert "training texts of the run cannot be read" in said.err
    assert "--train FILE" in said.err


def test_training_texts_come_from_a_file_and_none_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    base = tmp_path / "bert"
    labelling("bert", tmp_path)
    data = tmp_path / "taught.jsonl"
    data.write_text("".join(json.dumps({"text": f"room {n}", "label": "a"}) + "\n" for n in range(7)), "utf-8")
    config = json.loads((base / "config.json").read_text("utf-8"))
    config["architectures"], config["id2label"] = ["BertForSequenceClassification"], {"0": "a", "1": "b"}
    (base / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(SystemExit):
        main(["explain", str(base), "--text", "room 3", "--train", str(data), "--nearest", "2"])
    said = capsys.readouterr()
    assert "nearest of 7 training texts" in said.out
    assert "1.000  a: room 3" in said.out
    with pytest.raises(SystemExit):
        main(["explain", str(base), "--text", "room 3"])
    assert "--train FILE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (["model"], "no conversation was named"),
        (["model", "c1", "--text", "x"], "'c1' was given besides it"),
        (["store.db", "c1", "--label", "a"], "go with --text"),
        (["model", "--text", "x", "--true-values"], "--true-values goes with a conversation"),
    ],
)
def test_what_does_not_go_together_is_refused(capsys: pytest.CaptureFixture[str], args: list[str], what: str):
    with pytest.raises(SystemExit) as ended:
        main(["explain", *args])
    assert ended.value.code == 2
    assert what in capsys.readouterr().err


def test_many_texts_are_read_with_the_conversion_where_there_is_one(run: Path):
    taught = examples(30, 0)
    before = nearest_texts(reader_of(load_base(run / "model")), "book a room", taught, 3)
    convert(run, precision="float32")
    read = reader_of(load_base(run / "model"))
    assert type(getattr(read, "__self__", None)).__name__ == "Converted"
    after = nearest_texts(read, "book a room", taught, 3)
    assert [one.cosine for one in after] == pytest.approx([one.cosine for one in before], abs=1e-4)
    with pytest.raises(ModelError, match="fitted"):
        Understander.load(run)
