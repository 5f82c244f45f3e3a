"""Taggers, scorers and how sure classifiers are: figures against seqeval, scikit-learn and scipy; pages; refusals."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from scipy.stats import pearsonr
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2
from sklearn.metrics import classification_report as by_tag

from dialoop.cli import main
from dialoop.conversation import Example, SlotSpan, write_lines
from dialoop.conversation.export import written
from dialoop.conversation.spans import word_tags
from dialoop.errors import DataError, ModelError
from dialoop.evaluation import EvaluationSettings, compare, evaluate_classifier, evaluate_labelled, show, table
from dialoop.evaluation import tag as tag_module
from dialoop.evaluation.labels import sureness, sureness_sums
from dialoop.evaluation.report import page
from dialoop.model import Head, load_base, save_model
from dialoop.understanding.fitting import calibration_error

from ..tiny_models import tiny_model
from .bases import tiny_base, tiny_classifier

SETTINGS = EvaluationSettings(resamples=200, batch_size=4)
rng = np.random.default_rng(5)


def marked(seed: int) -> list[Example]:
    """Texts of five words with random spans of whole words."""
    dice = np.random.default_rng(seed)
    made = []
    for number in range(25):
        text = " ".join(f"w{number}x{i}" for i in range(5))
        edges = [(text.index(word), text.index(word) + len(word)) for word in text.split()]
        spans, at = [], 0
        while at < 5:
            length = int(dice.integers(1, 3))
            if dice.random() < 0.5 and at + length <= 5:
                label = str(dice.choice(["day", "town", "food"]))
                spans.append(SlotSpan(label=label, start=edges[at][0], end=edges[at + length - 1][1]))
            at += length
        made.append(Example(text=text, spans=tuple(spans), lang="en"))
    return made


@pytest.fixture
def tagger(tmp_path: Path):
    return load_base(tiny_model("bert", tmp_path / "m"), head=Head(kind="tag", labels=("day", "food", "town")))


def says(monkeypatch: pytest.MonkeyPatch, examples: list[Example]) -> None:
    known = {one.text: list(one.spans or ()) for one in examples}

    def found(base, documents, batch_size):
        return [known[text] for texts in documents for text in texts]

    monkeypatch.setattr(tag_module, "tag_documents", found)


def test_figures_of_a_tagger_equal_seqeval_and_scikit_learn(tagger, monkeypatch):
    true, said = marked(1), marked(2)
    mixed = [one if i % 2 else other for i, (one, other) in enumerate(zip(true, said, strict=True))]
    says(monkeypatch, mixed)
    found = evaluate_labelled(tagger, true, SETTINGS)
    tags = [word_tags(one.text, one.spans or ()) for one in true]
    other = [word_tags(one.text, one.spans or ()) for one in mixed]
    report = classification_report(tags, other, mode="strict", scheme=IOB2, output_dict=True, zero_division=0)
    figures = found.figures["all"]
    for average, name in (("micro avg", ""), ("macro avg", "macro_"), ("weighted avg", "weighted_")):
        for ours, theirs in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            assert figures[f"span_{name}{ours}"].value == pytest.approx(report[average][theirs])
    for line in found.labels["spans"]:
        wanted = report[line.label]
        got = (line.precision, line.recall, line.f1, line.support)
        assert got == pytest.approx(tuple(wanted[key] for key in ("precision", "recall", "f1-score", "support")))
    flat = [[tag for one in side for tag in one] for side in (tags, other)]
    words = by_tag(*flat, output_dict=True, zero_division=0)
    assert figures["word_accuracy"].value == pytest.approx(words["accuracy"])
    assert figures["word_macro_f1"].value == pytest.approx(words["macro avg"]["f1-score"])
    assert figures["word_weighted_precision"].value == pytest.approx(words["weighted avg"]["precision"])
    lines = {line.label: line for line in found.labels["words"]}
    assert (lines["O"].f1, lines["O"].support) == pytest.approx((words["O"]["f1-score"], words["O"]["support"]))
    low, high = figures["span_f1"].low, figures["span_f1"].high
    assert low is not None
    assert high is not None
    assert low < figures["span_f1"].value < high


def test_taggers_compare_with_p_and_everything_is_on_the_page_and_in_the_table(tagger, monkeypatch):
    true, said = marked(1), marked(2)
    says(monkeypatch, said)
    before = evaluate_labelled(tagger, true, SETTINGS)
    says(monkeypatch, true)
    found = compare(before, evaluate_labelled(tagger, true, SETTINGS))
    gap = found.differences["all"]["span_f1"]
    assert gap.value == pytest.approx(1 - before.figures["all"]["span_f1"].value)
    assert gap.p is not None
    assert gap.p < 0.05
    text = page(found)
    assert "Spans, label by label" in text
    assert "B-town" in text
    out = io.StringIO()
    show(Console(file=out, width=80), table(found))
    shown = out.getvalue()
    assert "Words, tag by tag" in shown
    assert "F1 before" in shown
    worst = page(before)
    assert "Texts with other spans than said" in worst


def test_spans_that_overlap_and_unknown_labels_are_told(tagger):
    spans = (SlotSpan(label="town", start=0, end=8), SlotSpan(label="hill", start=4, end=8))
    texts = [
        Example(text="New York", spans=spans),
        Example(text="Hill", spans=(SlotSpan(label="hill", start=0, end=4),)),
    ]
    found = evaluate_labelled(tagger, texts, SETTINGS)
    assert any("1 true spans overlap a longer one" in note for note in found.coverage.notes)
    assert any("count as missed: hill" in note for note in found.coverage.notes)
    assert found.figures["all"]["span_f1"].value is not None


def scorer(folder: Path, seed: int = 0):
    torch.manual_seed(seed)
    return load_base(tiny_model("bert", folder / f"s{seed}"), head=Head(kind="regress", mean=1e6, scale=4.0))


def test_figures_of_a_scorer_equal_scipy_and_scores_are_in_their_unit(tmp_path: Path):
    base = scorer(tmp_path)
    with torch.no_grad():
        base.model.classifier.weight.mul_(300)
    words = ("quiet", "York", "library", "房间", "booking")
    texts = [Example(text=f"{words[i % 5]} {words[i % 3]} {i}", score=1e6 + float(rng.normal())) for i in range(30)]
    found = evaluate_labelled(base, texts, SETTINGS)
    said = np.array(
        [1e6 + 4.0 * base.model(**base.tokenizer(one.text, return_tensors="pt")).logits.item() for one in texts]
    )
    true = np.array([one.score for one in texts])
    figures = found.figures["all"]
    assert figures["score_mse"].value == pytest.approx(float(((said - true) ** 2).mean()), rel=1e-3)
    assert figures["score_mae"].value == pytest.approx(float(np.abs(said - true).mean()), rel=1e-3)
    assert figures["score_pearson"].value == pytest.approx(float(pearsonr(said, true)[0]), abs=1e-3)
    assert np.std(said) > 0.01
    other = compare(evaluate_labelled(scorer(tmp_path, 1), texts, SETTINGS), found)
    assert other.differences["all"]["score_mse"].p is not None
    text = page(other)
    assert "Scores said, against the true ones" in text
    assert "Pearson" in text


def test_how_sure_a_classifier_is_and_what_it_took_for_what():
    labels = ("ask", "book", "cancel")
    base = tiny_classifier(labels)
    with torch.no_grad():
        for weight in base.model.parameters():
            weight.mul_(8)
    texts = [Example(text=f"text {i} " + "x" * (i % 9), label=labels[i % 3], lang="en") for i in range(30)]
    found = evaluate_classifier(base, texts, SETTINGS)
    logits = np.concatenate(
        [base.model(**base.tokenizer(one.text, return_tensors="pt")).logits.detach().numpy() for one in texts]
    )
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    truth = np.array([labels.index(str(one.label)) for one in texts])
    assert found.figures["all"]["label_calibration"].value == pytest.approx(calibration_error(chances, truth), abs=1e-5)
    assert sum(one.of for one in found.sureness) == 30
    assert sum(one.of for one in found.confused) == 30
    right = sum(one.of for one in found.confused if one.true == one.said)
    assert right / 30 == pytest.approx(found.figures["all"]["label_accuracy"].value)
    text = page(compare(found, found))
    assert "How sure, and how often right" in text
    assert "What was taken for what" in text
    assert "Label by label" in text


def test_bins_hold_the_edges():
    sums = sureness_sums(np.array([0.0, 1.0, 1.0]), np.array([0.0, 1.0, 0.0]))
    assert [(one.sure, one.right, one.of) for one in sureness(sums)] == [(0.0, 0.0, 1), (1.0, 0.5, 2)]


def test_what_does_not_fit_the_head_is_refused(tagger, tmp_path: Path):
    with pytest.raises(DataError, match="no spans"):
        evaluate_labelled(tagger, [Example(text="a", label="x")], SETTINGS)
    with pytest.raises(DataError, match="no score"):
        evaluate_labelled(scorer(tmp_path), [Example(text="a", label="x")], SETTINGS)
    with pytest.raises(ModelError, match="nothing is known that measures it"):
        evaluate_labelled(tiny_base(), [Example(text="a", label="x")], SETTINGS)


def test_evaluate_a_tagger_from_its_folder_and_refuse_another_head_before(tagger, tmp_path: Path, capsys):
    save_model(tagger, tmp_path / "tagger")
    data = tmp_path / "held-out.conll"
    write_lines(data, written(marked(3), "conll", "lines"))
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(tmp_path / "tagger"), str(data), "--out", str(tmp_path / "out")])
    assert ended.value.code == 0
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert found["figures"]["all"]["span_f1"]["of"] > 0
    assert {line["label"] for line in found["labels"]["words"]} >= {"O", "B-town", "I-town"}
    save_model(scorer(tmp_path), tmp_path / "scorer")
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(tmp_path / "tagger"), str(data), "--before", str(tmp_path / "scorer")])
    assert ended.value.code == 2
    assert "head of kind regress" in capsys.readouterr().err
