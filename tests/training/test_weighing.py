"""Class weights and label smoothing: by the formulas, however a step is parted, told, and refused."""

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor

from dialoop.conversation import Example, SlotSpan
from dialoop.errors import SettingsError
from dialoop.model import Base, Head, head_loss, load_base, sentences
from dialoop.training import Job, tune
from dialoop.training.lessons import LESSONS
from dialoop.training.loop import Gear, take_step
from dialoop.training.material import read_records, samples_of
from dialoop.training.optimise import make_optimisers
from dialoop.training.preparing import prepare
from dialoop.training.settings import TuneSettings, checked
from dialoop.training.weighing import Weighing, weighing_of

from .talks import calls_file
from .test_heads import Lines, scores_file, spans_file
from .test_preference import edits_file

LABELS = ("ask", "book", "leave")
SINGLE = Head(kind="classify", labels=LABELS)
SEVERAL = Head(kind="classify", labels=LABELS, multi_label=True)
TAGS = Head(kind="tag", labels=("day", "town"))
TEXTS = [Example(text=f"text {i}", label=LABELS[(i % 7) // 3]) for i in range(14)]  # 6 ask, 6 book, 2 leave
MANY = [Example(text=f"text {i}", labels=LABELS[: i % 4]) for i in range(8)]  # 6, 4 and 2 of 8
SPANS = [
    Example(
        text="Ulm on Monday", spans=(SlotSpan(label="town", start=0, end=3), SlotSpan(label="day", start=7, end=13))
    ),
    Example(text="a quiet room in York, please", spans=(SlotSpan(label="town", start=16, end=20),)),
]


def settings(**values: object) -> TuneSettings:
    return checked({"device": "cpu", "precision": "float32", **values})


def laid(base: Base, examples: list[Example]):
    samples = samples_of(examples, base, base.window).samples
    return samples, LESSONS[base.head.kind].lay(samples, int(base.tokenizer.pad_token_id))


@pytest.mark.parametrize("rows", [True, False], ids=["rows of segments", "padded"])
def test_words_count_less_than_calls_and_the_first_token_of_an_answer(rows, bases, tmp_path: Path):
    data = calls_file(tmp_path, 6)
    asked = settings(text_weight=0.25, held_out="0", batch_size=6)
    prepared = prepare(Job(data=str(data), base=str(bases["llama"]), tune=asked))
    prepared = replace(prepared, chosen=replace(prepared.chosen, rows=rows))
    model, batches = prepared.base.model.eval(), prepared.batches(prepared.train.samples, [list(range(6))])
    counted, losses = list[float](), list[float]()
    for conversation in read_records(data).conversations:
        (one,) = sentences(conversation.messages, conversation.tools, prepared.base.tokenizer)
        logits = model(torch.tensor([one.ids])).logits[0, :-1].detach()
        each = F.cross_entropy(logits, torch.tensor(one.ids[1:]), reduction="none").tolist()
        answers = [message for message in conversation.messages if message.is_target]
        for (begin, end), message in zip(answered(one.targets), answers, strict=True):
            counted += [1.0 if message.tool_calls or place == begin else 0.25 for place in range(begin, end)]
            losses += each[begin - 1 : end - 1]
    assert set(counted) == {0.25, 1.0}
    with torch.no_grad():
        found = sum(float(prepared.taught(model, batch)) for batch in batches)
    assert found == pytest.approx(np.dot(counted, losses) / np.mean(counted), rel=1e-4)
    assert "words count 0.25 of what calls count" in "\n".join(prepared.lines)


def answered(targets: list[bool]) -> list[tuple[int, int]]:
    """Where each answer begins and ends."""
    turns = [n for n, (one, other) in enumerate(pairwise([False, *targets, False])) if one != other]
    return list(zip(turns[::2], turns[1::2], strict=True))


def test_words_are_weighed_where_answers_are_written_alone(bases, tmp_path: Path):
    for name, more, what in (("scores", {}, "belongs to a generate head"), ("edits", {"objective": "dpo"}, "nll")):
        data = scores_file(tmp_path) if name == "scores" else edits_file(tmp_path)
        with pytest.raises(SettingsError, match=what):
            prepare(Job(data=str(data), base=str(bases["llama"]), tune=settings(text_weight=0.5, **more)))


def outputs(base: Base, batch) -> Tensor:
    with torch.no_grad():
        return base.model(**batch.inputs).logits.double()


def test_one_label_counts_the_weight_of_the_truth_and_the_truth_is_smoothed(bases):
    base = load_base(bases["bert"], head=SINGLE)
    samples, batch = laid(base, TEXTS)
    weighing = weighing_of(settings(class_weights="balanced", label_smoothing=0.2), SINGLE, samples)
    counts = Counter(str(one.label) for one in TEXTS)
    weights = np.array([14 / (3 * counts[label]) for label in LABELS])
    np.testing.assert_allclose(weighing.weights, weights)
    assert np.mean([weights[LABELS.index(str(one.label))] for one in TEXTS]) == pytest.approx(1)
    wanted = 0.0
    for nats, example in zip(outputs(base, batch).log_softmax(1).numpy(), TEXTS, strict=True):
        label = LABELS.index(str(example.label))
        truth = np.full(3, 0.2 / 3)
        truth[label] += 0.8
        wanted -= weights[label] * float(truth @ nats)
    assert float(weighing.loss(base.model, batch).detach()) == pytest.approx(wanted, rel=1e-5)


def test_several_labels_weigh_the_texts_that_have_them(bases):
    base = load_base(bases["bert"], head=SEVERAL)
    samples, batch = laid(base, MANY)
    weighing = weighing_of(settings(class_weights="balanced", label_smoothing=0.1), SEVERAL, samples)
    weights = np.array([2 / 6, 4 / 4, 6 / 2])
    np.testing.assert_allclose(weighing.weights, weights)
    p = outputs(base, batch).sigmoid().numpy()
    truth = np.array([[label in one.labels for label in LABELS] for one in MANY]) * 0.9 + 0.05
    wanted = -(weights * truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean(axis=1).sum()
    assert float(weighing.loss(base.model, batch).detach()) == pytest.approx(wanted, rel=1e-5)


def test_tags_are_weighed_token_by_token(bases):
    base = load_base(bases["bert"], head=TAGS)
    samples, batch = laid(base, SPANS)
    weighing = weighing_of(settings(class_weights={"O": 0.5, "town": 3}), TAGS, samples)
    weights = np.array([0.5, 1, 1, 3, 3])
    nats, truth = outputs(base, batch).log_softmax(2).numpy(), batch.truth.numpy()
    wanted = -sum(weights[truth[b, t]] * nats[b, t, truth[b, t]] for b, t in np.argwhere(truth != -100))
    assert float(weighing.loss(base.model, batch).detach()) == pytest.approx(wanted, rel=1e-5)
    even = weighing_of(settings(class_weights="balanced"), TAGS, samples)
    counts = np.bincount(truth[truth != -100], minlength=5)
    occurs = counts > 0
    assert 2 < occurs.sum() < 5  # one tag never occurs: its weight is 1, and nothing is divided by zero
    np.testing.assert_allclose((even.weights.numpy() * counts)[occurs], counts.sum() / occurs.sum())
    np.testing.assert_array_equal(even.weights.numpy()[~occurs], 1)


@pytest.mark.parametrize("head", [SINGLE, SEVERAL, TAGS], ids=["one label", "several", "tags"])
def test_without_weights_and_smoothing_it_is_the_heads_own_loss(head: Head, bases):
    base = load_base(bases["bert"], head=head)
    examples = {"tag": SPANS}.get(head.kind, MANY if head.multi_label else TEXTS)
    _, batch = laid(base, examples)
    plain = head_loss(head, base.model, batch.inputs, batch.truth)
    torch.testing.assert_close(Weighing(head, None, 0.0).loss(base.model, batch), plain)


def test_however_a_step_is_parted_it_is_the_same_step(bases):
    taught = settings(class_weights="balanced", label_smoothing=0.1, dropout=0, optimiser="sgd", momentum=0)
    reports, weights = [], []
    for cuts in ([0, 14], [0, 3, 4, 11, 14]):
        torch.manual_seed(0)
        base = load_base(bases["bert"], head=SINGLE)
        samples = samples_of(TEXTS, base, base.window).samples
        weighing = weighing_of(taught, SINGLE, samples)
        moves = taught.optimiser_settings(0.1)
        lay = LESSONS["classify"].lay
        parts = [lay(samples[a:b], int(base.tokenizer.pad_token_id)) for a, b in pairwise(cuts)]
        gear = Gear(Accelerator(cpu=True), bf16=False)
        reports.append(
            take_step(gear, base.model, make_optimisers(base.model, moves), moves, parts, weighing.loss, 0.5)
        )
        weights.append(torch.cat([p.detach().flatten() for p in base.model.parameters()]))
    assert reports[0].loss == pytest.approx(reports[1].loss, rel=1e-6)
    assert reports[0].gradient == pytest.approx(reports[1].gradient, rel=1e-5)
    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=1e-6)


def labels_file(folder: Path, count: int = 44) -> Path:
    names = ["room" if number % 4 else "table" for number in range(count)]
    lines = [{"text": f"{number} {name}s please", "label": name} for number, name in enumerate(names)]
    (folder / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder / "labels.jsonl"


def test_a_run_learns_with_them_says_so_and_looks_without(bases, tmp_path: Path):
    said = Lines()
    plainly = settings(epochs=1, lr=1e-9, held_out="0.3", contrastive="off")
    asked = plainly.model_copy(update={"class_weights": "balanced", "label_smoothing": 0.1})
    job = Job(data=str(labels_file(tmp_path)), base=str(bases["bert"]), tune=asked)
    result = tune(job, run=tmp_path / "weighed", watch=said)
    plain = tune(job.model_copy(update={"tune": plainly}), run=tmp_path / "plain")
    assert result.before == pytest.approx(plain.before, rel=1e-6)  # looked at alike
    assert result.loss != pytest.approx(plain.loss, rel=1e-3)  # learnt otherwise
    told = [line for line in said.said if line.startswith("while learning")]
    assert len(told) == 1
    assert "(room) to" in told[0]
    assert told[0].endswith("(table), label smoothing 0.1; the held-out loss is without")


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"class_weights": "balanced"}, "belong to a classify or tag head, and this data teaches regress"),
        ({"label_smoothing": 0.1}, "belongs to a classify head, and this data teaches regress"),
    ],
)
def test_heads_without_labels_refuse_them(values, what, bases, tmp_path: Path):
    job = Job(data=str(scores_file(tmp_path)), base=str(bases["bert"]), tune=settings(**values))
    with pytest.raises(SettingsError, match=what):
        prepare(job)
    answers = Job(data=str(edits_file(tmp_path)), base=str(bases["gpt2"]), tune=settings(**values))
    with pytest.raises(SettingsError, match="teaches generate"):
        prepare(answers)


def test_a_crf_and_labels_that_are_not_there_are_refused(bases, tmp_path: Path):
    data, base = str(spans_file(tmp_path)), str(bases["bert"])
    with pytest.raises(SettingsError, match="a CRF scores whole rows"):
        prepare(Job(data=data, base=base, tune=settings(class_weights="balanced", crf=True)))
    with pytest.raises(SettingsError, match="'towns'") as error:
        prepare(Job(data=data, base=base, tune=settings(class_weights={"towns": 2})))
    assert "did you mean 'town'" in str(error.value.remedy)


@pytest.mark.parametrize("wrong", ["evenly", "[1, 2]", "{}", {"a": 0}, {"a": "much"}, {"a": float("inf")}, {"a": True}])
def test_weights_that_cannot_be_are_refused(wrong):
    with pytest.raises(SettingsError, match="class_weights"):
        settings(class_weights=wrong)


def test_weights_by_label_are_the_same_in_a_project_file_and_on_the_command_line():
    assert settings(class_weights={"a": 2}) == settings(class_weights='{"a": 2}')
    assert settings(class_weights=None).class_weights == "none"
