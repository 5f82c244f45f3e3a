import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score

from dialoop.conversation import Example, SlotSpan
from dialoop.errors import DataError, ModelError
from dialoop.evaluation import EvaluationSettings, compare, evaluate_classifier

from .bases import tiny_base, tiny_classifier

SETTINGS = EvaluationSettings(resamples=200, batch_size=4)
LABELS = ("ask", "book", "cancel")
rng = np.random.default_rng(3)
TEXTS = [
    Example(text=f"text {i} " + "x" * int(rng.integers(0, 20)), label=LABELS[int(rng.integers(0, 3))], lang="en")
    for i in range(30)
]


def one_by_one(base, texts):
    with torch.no_grad():
        return [base.model(**base.tokenizer(one.text, return_tensors="pt")).logits[0] for one in texts]


def spread(base):
    """Random weights say one label of everything; larger ones do not."""
    with torch.no_grad():
        for weight in base.model.parameters():
            weight.mul_(8)
    return base


def test_figures_equal_scikit_learn_and_batches_equal_one_by_one():
    base = spread(tiny_classifier(LABELS))
    found = evaluate_classifier(base, TEXTS, SETTINGS)
    true, said = [one.label for one in TEXTS], [LABELS[int(row.argmax())] for row in one_by_one(base, TEXTS)]
    assert [one.said_labels for one in found.answers] == [[label] for label in said]
    assert len(set(said)) > 1
    figures = found.figures["all"]
    assert figures["label_accuracy"].value == pytest.approx(accuracy_score(true, said))
    for average in ("macro", "weighted", "micro"):
        expected = f1_score(true, said, average=average, zero_division=0.0)
        assert figures[f"label_{average}_f1"].value == pytest.approx(expected)
    assert figures["label_accuracy"].low <= figures["label_accuracy"].value <= figures["label_accuracy"].high
    assert figures["label_accuracy"].of == 30


def test_any_number_of_labels():
    base = spread(tiny_classifier(LABELS, multi_label=True))
    texts = [Example(text=one.text, labels=("ask", "book") if i % 2 else ()) for i, one in enumerate(TEXTS)]
    found = evaluate_classifier(base, texts, SETTINGS)
    said = [(row.sigmoid() > 0.5).int().tolist() for row in one_by_one(base, texts)]
    true = [[int(label in one.labels) for label in LABELS] for one in texts]
    assert found.figures["all"]["label_accuracy"].value == pytest.approx(accuracy_score(true, said))
    micro = f1_score(true, said, average="micro", zero_division=0.0)
    assert found.figures["all"]["label_micro_f1"].value == pytest.approx(micro)


def test_unknown_labels_and_long_texts_are_told():
    texts = [Example(text="y" * 100, label="refund"), *TEXTS[:5]]
    found = evaluate_classifier(tiny_classifier(LABELS), texts, SETTINGS)
    assert any("refund" in note for note in found.coverage.notes)
    assert any("1 texts are longer than the window of 64" in note for note in found.coverage.notes)


def test_limit_and_comparison():
    settings = SETTINGS.model_copy(update={"limit": 10})
    before = evaluate_classifier(tiny_classifier(LABELS), TEXTS, settings)
    after = evaluate_classifier(spread(tiny_classifier(LABELS)), TEXTS, settings)
    assert before.coverage.used == 10
    found = compare(before, after)
    gap = after.figures["all"]["label_accuracy"].value - before.figures["all"]["label_accuracy"].value
    assert found.differences["all"]["label_accuracy"].value == pytest.approx(gap)


def test_what_does_not_fit_the_head_is_refused():
    with pytest.raises(ModelError, match="not classify"):
        evaluate_classifier(tiny_base(), TEXTS, SETTINGS)
    spans = (SlotSpan(label="a", start=0, end=1),)
    with pytest.raises(DataError, match="neither a label"):
        evaluate_classifier(tiny_classifier(LABELS), [Example(text="a", spans=spans)], SETTINGS)
    with pytest.raises(DataError, match="no labelled text"):
        evaluate_classifier(tiny_classifier(LABELS), [], SETTINGS)
