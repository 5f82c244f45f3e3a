"""Few texts a label: the loss by its formula, steps by label, names as texts, the head's beginning, and whole runs."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from dialoop.conversation import Example
from dialoop.errors import DataError, SettingsError
from dialoop.model import Head, load_base
from dialoop.training import Job, resume, tune
from dialoop.training.batches import Sample
from dialoop.training.contrast import (
    SHARPER,
    TEMPERATURE,
    begin_at_means,
    contrastive_loss,
    few_of_each,
    names_as_texts,
    steps_by_label,
)
from dialoop.training.lessons import LESSONS
from dialoop.training.material import samples_of
from dialoop.training.preparing import prepare
from dialoop.training.settings import TuneSettings, checked

from .test_heads import Lines, scores_file

LABELS = ("book_room", "open_hours", "lost_key")
WORDS = {
    "book_room": ["a quiet room please", "I would like to book a room", "two nights please", "a room for two nights"],
    "open_hours": ["is the library closed", "which day is the library closed", "on Monday", "another day on Monday"],
    "lost_key": ["您的预订号", "四七一一", "您的预订号是四七一一", "还有什么可以帮您的吗"],
}


def settings(**values: object) -> TuneSettings:
    return checked({"device": "cpu", "precision": "float32", **values})


def few_file(folder: Path, texts: int = 8, labels: tuple[str, ...] = LABELS) -> Path:
    words = list(WORDS.values())
    lines = [
        {"text": f"{words[i % 3][n % 4]} {n}", "label": label} for n in range(texts) for i, label in enumerate(labels)
    ]
    (folder / "few.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder / "few.jsonl"


def samples(*labels: int) -> list[Sample]:
    return [Sample(np.zeros(3 + n % 4, np.int32), np.asarray(label, np.int64)) for n, label in enumerate(labels)]


def test_the_loss_is_that_of_the_formula():
    torch.manual_seed(0)
    features, truth = torch.randn(7, 5), [0, 1, 0, 2, 1, 0, 3]
    unit = (features / features.norm(dim=1, keepdim=True)).double().numpy()
    wanted = 0.0
    for i, label in enumerate(truth):
        others = [j for j in range(7) if j != i]
        total = sum(np.exp(unit[i] @ unit[j] / TEMPERATURE) for j in others)
        same = [j for j in others if truth[j] == label]
        wanted -= sum(np.log(np.exp(unit[i] @ unit[j] / TEMPERATURE) / total) for j in same) / max(1, len(same))
    assert float(contrastive_loss(features, torch.tensor(truth))) == pytest.approx(wanted, rel=1e-5)


def test_a_text_that_is_alone_with_its_label_gives_no_loss_and_a_finite_gradient():
    features = torch.randn(3, 4, requires_grad=True)
    loss = contrastive_loss(features, torch.tensor([0, 1, 2]))
    loss.backward()
    assert float(loss.detach()) == 0
    assert torch.isfinite(features.grad).all()


def test_an_epoch_has_every_text_once_and_the_texts_of_a_label_side_by_side():
    given = samples(*[0] * 10, *[1] * 7, *[2] * 2, 3)
    steps = steps_by_label(given, 8, 1000, seed=0, epoch=0, rows=8)
    assert steps == steps_by_label(given, 8, 1000, seed=0, epoch=0, rows=8)
    assert steps != steps_by_label(given, 8, 1000, seed=0, epoch=1, rows=8)
    order = [number for step in steps for portion in step for number in portion]
    assert sorted(order) == list(range(20))
    assert sorted(sum(map(len, step)) for step in steps) == [4, 8, 8]
    labels = [int(given[number].truth) for number in order]
    alone = [n for n in range(20) if labels[n] not in (labels[n - 1 : n] + labels[n + 1 : n + 2])]
    assert [labels[n] for n in alone] == [3]


def test_portions_hold_to_rows_and_positions_but_never_part_two_texts():
    given = samples(*[0] * 6, *[1] * 6)
    longest = max(len(one.ids) for one in given)
    for positions, rows, most in ((1000, 4, 4), (3 * longest, 8, 3), (1, 8, 2)):
        portions = [p for step in steps_by_label(given, 12, positions, seed=0, epoch=0, rows=rows) for p in step]
        assert max(map(len, portions)) == most


def test_labels_that_are_words_are_texts():
    made = {
        str(one.label): one.text
        for one in names_as_texts(["card_arrival", "PinChange", "退款", "w2", "LABEL_3", "a-b"])
    }
    assert made == {"card_arrival": "card arrival", "PinChange": "Pin Change", "退款": "退款"}


def test_a_head_begins_at_the_means_of_its_labels(bases):
    base = load_base(bases["bert"], head=Head(kind="classify", labels=LABELS))
    examples = [Example(text=text, label=label) for label, texts in WORDS.items() for text in texts]
    given = few_of_each(samples_of(examples, base, base.window).samples)
    batches = [LESSONS["classify"].lay(given[at : at + 5], int(base.tokenizer.pad_token_id)) for at in range(0, 12, 5)]
    begin_at_means(base.model, batches, base.device)
    with torch.no_grad():
        said = torch.cat([base.model(**batch.inputs).logits for batch in batches])
    truth = torch.cat([batch.truth for batch in batches])
    assert (said.argmax(dim=1) == truth).float().mean() >= 10 / 12  # of random weights; by chance 4 of 12
    assert float(said.abs().max()) < SHARPER * 1.5


def test_few_of_each_takes_the_first_of_each_label():
    assert Counter(int(one.truth) for one in few_of_each(samples(*[0] * 30, *[1] * 3))) == {0: 16, 1: 3}


def test_it_is_chosen_for_few_texts_on_an_encoder_and_told(bases, tmp_path: Path):
    data = str(few_file(tmp_path))
    few = prepare(Job(data=data, base=str(bases["bert"]), tune=settings(held_out="0")))
    assert few.contrasts
    assert "8 texts a label" in " ".join(few.lines)
    assert "names of 3 labels" in " ".join(few.lines)
    assert len(few.train.samples) == 24 + 3
    assert not prepare(Job(data=data, base=str(bases["qwen3"]), tune=settings(held_out="0"))).contrasts
    assert not prepare(Job(data=data, base=str(bases["bert"]), tune=settings(contrastive="off"))).contrasts
    many = str(few_file(tmp_path, 20))
    assert not prepare(Job(data=many, base=str(bases["bert"]), tune=settings(held_out="0"))).contrasts
    assert prepare(Job(data=many, base=str(bases["bert"]), tune=settings(contrastive="on"))).contrasts


def test_a_run_learns_goes_on_where_it_was_torn_and_its_model_is_an_ordinary_one(bases, tmp_path: Path, monkeypatch):
    job = Job(
        data=str(few_file(tmp_path)),
        base=str(bases["bert"]),
        tune=settings(held_out="0.25", epochs=30, lr=0.01, batch_size=9, patience=99),
    )
    said = Lines()
    whole = tune(job, run=tmp_path / "whole", watch=said)
    assert sum("drawn together" in line for line in said.said) == 1
    assert whole.before is not None
    assert whole.after is not None
    assert whole.after < whole.before
    from dialoop.training import tuning

    real = tuning._Tuning._step

    def torn(self: tuning._Tuning) -> None:
        if self.progress.step == 4:
            raise KeyboardInterrupt
        real(self)
        self._save()

    monkeypatch.setattr(tuning._Tuning, "_step", torn)
    with pytest.raises(KeyboardInterrupt):
        tune(job, run=tmp_path / "torn")
    monkeypatch.setattr(tuning._Tuning, "_step", real)
    again = resume(tmp_path / "torn")
    tuned = load_base(whole.folder)
    assert load_base(again.folder).fingerprint == tuned.fingerprint
    stock = AutoModelForSequenceClassification.from_pretrained(whole.model).eval()
    batch = tuned.tokenizer(["a quiet room please"], return_tensors="pt", return_token_type_ids=False)
    torch.testing.assert_close(stock(**batch).logits, tuned.model(**batch).logits)


def test_a_trained_head_is_gone_on_with_and_not_begun_anew(bases, tmp_path: Path):
    quick = settings(held_out="0", epochs=2, lr=0.003, batch_size=9)
    job = Job(data=str(few_file(tmp_path)), base=str(bases["bert"]), tune=quick)
    first = tune(job, run=tmp_path / "first")
    again = prepare(job.model_copy(update={"base": str(first.model)}))
    assert again.contrasts
    torch.testing.assert_close(again.base.model.classifier.weight, load_base(first.folder).model.classifier.weight)


def test_where_it_cannot_be_it_is_refused(bases, tmp_path: Path):
    on, bert = settings(contrastive="on", held_out="0"), str(bases["bert"])
    with pytest.raises(SettingsError, match="teaches regress"):
        prepare(Job(data=str(scores_file(tmp_path)), base=bert, tune=on))
    with pytest.raises(SettingsError, match="a qwen3 model reads one way"):
        prepare(Job(data=str(few_file(tmp_path)), base=str(bases["qwen3"]), tune=on))
    one_each = few_file(tmp_path, 1)
    with pytest.raises(DataError, match="no label has two texts"):
        prepare(Job(data=str(one_each), base=bert, tune=on))
    assert not prepare(Job(data=str(one_each), base=bert, tune=settings())).contrasts
    (tmp_path / "several.jsonl").write_text('{"text": "a", "labels": ["x"]}\n{"text": "b", "labels": ["y", "x"]}\n')
    with pytest.raises(SettingsError, match="any number of labels"):
        prepare(Job(data=str(tmp_path / "several.jsonl"), base=bert, tune=on))
