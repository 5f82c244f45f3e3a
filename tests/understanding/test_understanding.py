"""Intents from a tiny tuned classifier: fitted, saved, loaded, read together, and refused where it does not fit."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from dialoop.conversation import Annotations, Conversation, Example, Message, MessageAnnotation
from dialoop.errors import DataError, DialoopError, ModelError, RunError
from dialoop.model import Head, load_base, save_model
from dialoop.understanding import OUT_OF_SCOPE, Understander, fit, fit_model, labelled
from dialoop.understanding.fitting import KEPT
from dialoop.understanding.reading import read_texts
from tests.tiny_models import tiny_model
from tests.understanding.intents import OTHERS, WORDS, examples


@pytest.fixture(scope="module")
def understander(fitted: Path) -> Understander:
    return Understander.load(fitted)


def test_a_model_that_was_not_fitted_says_what_to_do(run: Path, tmp_path: Path):
    copy = save_model(load_base(run / "model"), tmp_path / "model")
    with pytest.raises(ModelError, match="has not been fitted"):
        Understander.load(copy)


def test_intents_come_with_confidence_the_likeliest_first(understander: Understander):
    found = understander.understand("reserve a room for two nights 3")
    assert found.intent == "book"
    assert list(found.intents.values()) == sorted(found.intents.values(), reverse=True)
    assert sum(found.intents.values()) == pytest.approx(1, abs=1e-3)
    assert not found.out_of_scope
    assert set(found.intents) == set(understander.labels) == set(WORDS)


def test_what_is_out_of_scope_is_told_and_has_no_intent(understander: Understander):
    found = understander.understand_all(OTHERS)
    known = understander.understand_all([one.text for one in examples(20, 3)])
    assert sum(one.out_of_scope for one in found) >= 7
    assert sum(one.out_of_scope for one in known) <= 2
    assert all(one.intent is None and one.intents for one in found if one.out_of_scope)
    assert max(one.scope or 0 for one in found if one.out_of_scope) < np.mean([one.scope for one in known])


@pytest.mark.parametrize("text", ["", " ", "\n", "😀", "\x00", "a" * 50_000, "<name_1>", "half a sign: \ud83d"])
def test_any_text_is_understood_somehow(understander: Understander, text: str):
    found = understander.understand(text)
    assert found.intents
    assert all(0 <= value <= 1 for value in found.intents.values())


def test_messages_that_wait_are_read_together(understander: Understander, monkeypatch: pytest.MonkeyPatch):
    texts = [text for texts in WORDS.values() for text in texts] * 5
    alone = understander.understand_all(texts)
    sizes, first_is_in, others_wait = [], threading.Event(), threading.Event()
    read = understander.understand_all

    def watched(some):
        sizes.append(len(some))
        if len(sizes) == 1:
            first_is_in.set()
            assert others_wait.wait(20)
        return read(some)

    monkeypatch.setattr(understander, "understand_all", watched)
    got: list = [None] * len(texts)

    def ask(number: int) -> None:
        got[number] = understander.understand(texts[number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(texts))]
    threads[0].start()
    assert first_is_in.wait(20)
    for thread in threads[1:]:
        thread.start()
    while len(understander._waiting) < len(texts) - 1:
        pass
    others_wait.set()
    for thread in threads:
        thread.join(20)
    assert sizes == [1, 32, len(texts) - 33]
    for one, other in zip(got, alone, strict=True):
        assert one.intents == pytest.approx(other.intents, abs=1e-3)


def test_a_failure_reaches_all_who_wait_and_the_next_message_is_read(
    understander: Understander, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(understander, "understand_all", lambda some: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            understander.understand("book a room")
    assert understander.understand("book a room").intents


@pytest.mark.parametrize("count", [3, 10, 30])
def test_of_few_held_out_messages_no_more_are_lost_than_may_be(run: Path, tmp_path: Path, count: int):
    base = load_base(save_model(load_base(run / "model"), tmp_path / "model"))
    held_out = [Example(text=f"{one.text} {number}", label=one.label) for number, one in enumerate(examples(count, 9))]
    assert fit_model(base, examples(60, 0), held_out).figures.kept >= KEPT


def test_a_temperature_makes_no_other_intent_the_likeliest(understander: Understander, fitted: Path):
    base = load_base(fitted)
    texts = [one.text for one in examples(40, 5)]
    read = read_texts(base, texts)
    said = [base.head.labels[i] for i in read.logits.argmax(axis=1)]
    assert [next(iter(one.intents)) for one in understander.understand_all(texts)] == said


def test_what_is_kept_belongs_to_one_model(fitted: Path, tmp_path: Path):
    base = load_base(fitted)
    with torch.no_grad():
        next(base.model.parameters()).add_(0.01)
    other = save_model(base, tmp_path / "other")
    (other / "understanding.json").write_bytes((fitted / "understanding.json").read_bytes())
    with pytest.raises(ModelError, match="another model"):
        Understander.load(other)


def _spoilt(kept: dict, how: str) -> str:
    if how == "no JSON":
        return "{"
    if how == "unknown key":
        return json.dumps(kept | {"run": "this"})
    if how == "method":
        return json.dumps(kept | {"method": "neighbour", "points": None})
    if how == "cut array":
        return json.dumps(kept | {"method": "neighbour", "points": {"shape": [3, 3], "float32": "AAAA"}})
    return json.dumps(kept | {"temperature": 0})


@pytest.mark.parametrize("how", ["no JSON", "unknown key", "method", "cut array", "temperature"])
def test_a_spoilt_file_is_refused(fitted: Path, how: str):
    path = fitted / "understanding.json"
    whole = path.read_text("utf-8")
    try:
        path.write_text(_spoilt(json.loads(whole), how), "utf-8")
        with pytest.raises(ModelError, match=r"understanding\.json"):
            Understander.load(fitted)
    finally:
        path.write_text(whole, "utf-8")
    assert Understander.load(fitted).labels


def test_without_messages_out_of_scope_the_share_kept_decides(run: Path, tmp_path: Path):
    base = load_base(save_model(load_base(run / "model"), tmp_path / "model"))
    found = fit_model(base, examples(100, 0), examples(60, 9))
    assert found.method == "mahalanobis"
    assert found.figures.auroc is None
    assert found.figures.refused is None
    assert found.figures.kept == pytest.approx(0.95, abs=0.04)


def test_out_of_scope_is_never_an_intent_even_where_it_was_trained(tmp_path: Path):
    labels = (*WORDS, OUT_OF_SCOPE)
    base = load_base(tiny_model("llama", tmp_path / "base"), head=Head(kind="classify", labels=labels))
    base = load_base(save_model(base, tmp_path / "model"))
    others = [Example(text=text, label=OUT_OF_SCOPE) for text in OTHERS]
    fit_model(base, [*examples(60, 0), *others], [*examples(30, 1), *others])
    understander = Understander.load(tmp_path / "model")
    assert set(understander.labels) == set(WORDS)
    assert set(understander.understand("zebra physics").intents) == set(WORDS)


def test_what_cannot_be_fitted_is_told(run: Path, tmp_path: Path):
    base = load_base(run / "model")
    with pytest.raises(DataError, match="held-out"):
        fit_model(base, examples(10, 0), [Example(text="x", label="unknown")])
    with pytest.raises(RunError, match="no model"):
        fit(tmp_path / "nothing")
    with pytest.raises(ModelError, match="one label a text"):
        Understander.load(tiny_model("gpt2", tmp_path / "generates"))


def test_a_run_whose_data_changed_is_not_fitted(run: Path):
    data = Path(json.loads((run / "data.json").read_text())["files"][0]["path"])
    whole = data.read_text("utf-8")
    try:
        data.write_text(whole + json.dumps({"text": "one more", "label": "bye"}) + "\n", "utf-8")
        with pytest.raises(DialoopError, match="changed"):
            fit(run)
    finally:
        data.write_text(whole, "utf-8")


def test_examples_come_from_annotated_messages_of_users():
    conversation = Conversation(
        id="c",
        lang="en",
        messages=[
            Message(role="user", content="hi"),
            Message(role="assistant", content="hello"),
            Message(role="user", content="both"),
            Message(role="user", content="bye"),
        ],
        annotations=Annotations(
            messages=[
                MessageAnnotation(index=0, intents=["greet"]),
                MessageAnnotation(index=1, intents=["greet"]),
                MessageAnnotation(index=2, intents=["book", "find"]),
                MessageAnnotation(index=3, intents={"hotel": "bye"}),
            ]
        ),
    )
    assert [(one.text, one.label, one.lang) for one in labelled([conversation])] == [
        ("hi", "greet", "en"),
        ("bye", "bye", "en"),
    ]


def test_the_room_loads_no_torch():
    code = (
        "import sys, dialoop.understanding as u; u.labelled([]); u.Understanding({}); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
