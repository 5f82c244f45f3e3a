"""Heads that understand, converted to ONNX: the answers stay what they were, and what is worse is not kept."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from dialoop.conversation import Example, SlotSpan
from dialoop.errors import DataError, ModelError, RunError, SettingsError
from dialoop.model import AdapterSettings, Base, Head, load_base, save_model, tag_texts
from dialoop.model.heads import transitions_of
from dialoop.model.scoring import score_texts
from dialoop.understanding import Conversion, Converted, convert, converting
from dialoop.understanding.converting import alike
from dialoop.understanding.reading import read_texts
from tests.tiny_models import MADE_UP, tiny_model
from tests.understanding.intents import enliven

TEXTS = [*MADE_UP, "a", "", "\n", "😀 <|im_end|>", "x y " * 400]
HEADS = {
    "qwen3": Head(kind="classify", labels=("a", "b", "c")),
    "bert": Head(kind="classify", labels=("a", "b", "c", "d"), multi_label=True),
    "gpt2": Head(kind="regress", mean=3.5, scale=2.0),
    "llama": Head(kind="tag", labels=("city", "day"), crf=True, casing=True),
}


def saved(kind: str, head: Head, folder: Path, *, seed: int = 0) -> Path:
    """A tiny model whose answers differ from text to text, written down."""
    base = load_base(tiny_model(kind, folder / f"{kind}-base-{seed}"), head=head)
    enliven(base.model, seed)
    return save_model(base, folder / f"{kind}-{seed}")


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Base, Converted]]:
    """Of each kind of head the model and its float32 conversion."""
    made = {}
    for kind, head in HEADS.items():
        folder = saved(kind, head, tmp_path_factory.mktemp("converted"))
        convert(folder, TEXTS, precision="float32")
        made[kind] = (load_base(folder), Converted.load(folder))
    return made


@pytest.mark.parametrize("kind", ["qwen3", "bert", "gpt2"])
def test_float32_gives_the_logits_and_features_of_the_model(converted: dict, kind: str):
    base, other = converted[kind]
    texts = [text for text in TEXTS if text]  # the model itself reads no empty text with this tokenizer
    one, two = read_texts(base, texts), other.read(texts)
    np.testing.assert_allclose(two.logits, one.logits, atol=2e-4)
    np.testing.assert_allclose(two.features, one.features, atol=2e-4)
    assert np.ptp(one.logits, axis=0).min() > 0.1  # the texts differ, so the comparison says something


def test_labels_of_any_number_have_chances_of_their_own(converted: dict):
    base, other = converted["bert"]
    wanted = torch.from_numpy(read_texts(base, TEXTS).logits).sigmoid().numpy()
    np.testing.assert_allclose([list(one.values()) for one in other.labels(TEXTS)], wanted, atol=1e-4)
    assert list(other.labels(TEXTS)[0]) == list(HEADS["bert"].labels)


def test_chances_of_one_label_sum_to_one(converted: dict):
    _, other = converted["qwen3"]
    assert all(sum(one.values()) == pytest.approx(1) for one in other.labels(TEXTS))
    assert other.labels([]) == []


def test_scores_are_in_the_unit_that_was_learnt(converted: dict):
    base, other = converted["gpt2"]
    texts = [text for text in TEXTS if text]
    assert other.scores(texts) == pytest.approx(score_texts(base, texts), abs=1e-3)


def test_spans_are_those_of_the_model_in_texts_of_any_length(converted: dict):
    base, other = converted["llama"]
    found = tag_texts(base, TEXTS)
    assert other.spans(TEXTS) == found
    assert sum(map(len, found)) > 20
    moves = transitions_of(base.model)
    assert moves is not None
    np.testing.assert_allclose(other.conversion.transitions, moves)


def test_an_answer_of_another_head_is_refused(converted: dict):
    with pytest.raises(ModelError, match="of kind regress, not classify"):
        converted["gpt2"][1].labels(["x"])
    with pytest.raises(ModelError, match="of kind classify, not tag"):
        converted["bert"][1].spans(["x"])
    with pytest.raises(ModelError, match="of kind tag, not classify or regress"):
        converted["llama"][1].read(["x"])


def test_an_adapter_is_converted_with_its_base(tmp_path: Path):
    base = load_base(saved("bert", HEADS["bert"], tmp_path), adapter=AdapterSettings(r=2))
    with torch.no_grad():
        for name, weight in base.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.3)
    folder = save_model(base, tmp_path / "adapter", form="adapter")
    made = convert(folder, TEXTS, precision="float32")
    assert made.fingerprint == load_base(folder).fingerprint
    wanted = read_texts(load_base(folder), TEXTS).logits
    np.testing.assert_allclose(Converted.load(folder).read(TEXTS).logits, wanted, atol=2e-4)
    plain = read_texts(load_base(saved("bert", HEADS["bert"], tmp_path / "again")), TEXTS).logits
    assert np.abs(plain - wanted).max() > 0.01


def test_an_encoder_that_is_read_by_the_mean_of_its_tokens_is_converted(tmp_path: Path):
    folder = saved("bert", Head(kind="classify", labels=("a", "b", "c"), pooling="mean"), tmp_path)
    convert(folder, TEXTS, precision="float32")
    one, two = read_texts(load_base(folder), TEXTS), Converted.load(folder).read(TEXTS)
    np.testing.assert_allclose(two.features, one.features, atol=2e-4)
    np.testing.assert_allclose(two.logits, one.logits, atol=2e-4)
    assert np.ptp(one.logits, axis=0).min() > 0.1


def test_a_run_is_converted_to_int8_and_checked_on_what_it_held_out(run: Path):
    made = convert(run, precision="int8")
    assert made.precision == "int8"
    assert (made.texts, made.measure) == (25, "accuracy")
    assert made.accuracy == 1.0
    assert made.tried["int8"].accuracy == 1.0
    assert made.tried["int8"].size < made.tried["float32"].size
    kept = run / "model" / "onnx"
    graph = onnx.load(kept / "model.onnx")
    assert any(node.op_type in ("MatMulInteger", "DynamicQuantizeMatMul") for node in graph.graph.node)
    assert sorted(path.name for path in kept.iterdir()) == [
        "conversion.json",
        "manifest.json",
        "model.onnx",
        "tokenizer.json",
    ]
    assert Conversion.model_validate_json((kept / "conversion.json").read_bytes()) == made
    assert "int8 is kept: accuracy 100.00% → 100.00%" in made.told()
    load_base(run / "model")  # the model's own manifest still holds


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Base]:
    """A classifier, and one of the same shape with other weights."""
    folder = tmp_path_factory.mktemp("others")
    one, two = (saved("bert", Head(kind="classify", labels=("a", "b", "c")), folder, seed=seed) for seed in (0, 1))
    return one, load_base(two)


def other_answers(monkeypatch: pytest.MonkeyPatch, base: Base, *names: str) -> None:
    """Let the int8 graphs of these names answer with the weights of another model."""
    write = converting.write_graph
    kinds = dict(converting.INT8["int8"])
    worse = {name: (lambda graph, to: write(base, to)) if name in names else kinds[name] for name in kinds}
    monkeypatch.setitem(converting.INT8, "int8", list(worse.items()))


def test_what_loses_more_than_was_allowed_is_not_kept_and_this_is_said(
    others: tuple[Path, Base], monkeypatch: pytest.MonkeyPatch
):
    folder, other = others
    labels = [one.argmax() for one in read_texts(load_base(folder), MADE_UP).logits]
    given = [Example(text=text, label="abc"[label]) for text, label in zip(MADE_UP, labels, strict=True)]
    other_answers(monkeypatch, other, "int8", "int8-blocks")
    made = convert(folder, given, precision="int8")
    assert made.precision == "float32"
    assert made.tried["float32"].lost == 0
    assert made.tried["int8"].lost > 0.2
    assert made.tried["int8-blocks"].lost > 0.2
    for words in ("float32 is kept", "int8 loses", "int8-blocks loses", "more than 0.2"):
        assert words in made.told()
    assert not (folder / "onnx" / "int8.onnx").exists()
    found = Converted.load(folder).read(MADE_UP).logits
    np.testing.assert_allclose(found, read_texts(load_base(folder), MADE_UP).logits, atol=2e-4)
    assert convert(folder, given, precision="int8", most_lost=100).precision == "int8"


def test_blocks_are_kept_where_one_scale_loses_too_much(others: tuple[Path, Base], monkeypatch: pytest.MonkeyPatch):
    folder, other = others
    other_answers(monkeypatch, other, "int8")
    made = convert(folder, TEXTS, precision="int8", most_lost=20)
    assert made.precision == "int8-blocks"
    assert list(made.tried) == ["float32", "int8", "int8-blocks"]
    graph = onnx.load(folder / "onnx" / "model.onnx")
    assert any(node.op_type == "MatMulNBits" for node in graph.graph.node)
    read = Converted.load(folder).read
    together = read(TEXTS).logits
    wanted = read_texts(load_base(folder), TEXTS).logits
    assert np.abs(together - wanted).max() < 0.1 * np.ptp(wanted)
    alone = np.concatenate([read([text]).logits for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-3)  # whatever is read beside it


def test_a_graph_that_answers_otherwise_is_refused_and_nothing_is_written(
    others: tuple[Path, Base], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    _, other = others
    folder = saved("bert", Head(kind="classify", labels=("a", "b", "c")), tmp_path)
    write = converting.write_graph
    monkeypatch.setattr(converting, "write_graph", lambda base, path: write(other, path))
    with pytest.raises(ModelError, match="the conversion is not right"):
        convert(folder, MADE_UP)
    assert not (folder / "onnx").exists()
    assert not list(folder.glob(".onnx*"))


def test_what_cannot_be_converted_or_checked_is_told(run: Path, others: tuple[Path, Base], tmp_path: Path):
    with pytest.raises(ModelError, match="head of kind generate"):
        convert(tiny_model("gpt2", tmp_path / "talks"), ["x"])
    with pytest.raises(DataError, match="no held-out texts"):
        convert(others[0])
    with pytest.raises(SettingsError, match="most_lost"):
        convert(others[0], ["x"], most_lost=-1)
    data = Path(json.loads((run / "data.json").read_text("utf-8"))["files"][0]["path"])
    whole = data.read_text("utf-8")
    try:
        data.write_text(whole + json.dumps({"text": "one more", "label": "bye"}) + "\n", "utf-8")
        with pytest.raises(RunError, match="changed"):
            convert(run)
    finally:
        data.write_text(whole, "utf-8")


def test_a_missing_package_is_named_with_the_extra(run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dialoop.understanding.graph.find_spec", lambda name: None if name == "onnxscript" else name)
    with pytest.raises(SettingsError, match=r"needs onnxscript(.|\n)*dialoop\[onnx\]"):
        convert(run)


def test_answers_are_compared_by_kind():
    assert alike("classify", [{"a"}, {"b"}, set(), {"a", "b"}], [{"a"}, {"a"}, set(), {"a"}]) == 0.5
    spans = [{("city", 0, 2)}, {("city", 3, 5), ("day", 6, 7)}], [{("city", 0, 2)}, {("city", 3, 4)}]
    assert alike("tag", *spans) == pytest.approx(2 / 5)
    assert alike("tag", [set()], [set()]) == 1
    assert alike("regress", [1.0, 2.0, 4.0], [1.0, 2.0, 3.0]) == pytest.approx(0.5)
    assert alike("regress", [2.0], [2.0]) == 1


def test_texts_with_truth_that_the_model_cannot_give_count_by_their_answers_alone(tmp_path: Path):
    folder = saved("bert", Head(kind="tag", labels=("city",)), tmp_path)
    given = [
        Example(text="York on Monday", spans=(SlotSpan(label="city", start=0, end=4),)),
        Example(text="no truth", label="x"),
    ]
    made = convert(folder, given, precision="float32")
    assert made.texts == 2
    assert made.measure == "F1 of spans"
    assert made.accuracy is not None
    assert convert(folder, given[1:], precision="float32").accuracy is None
    assert "no truth to measure by" in convert(folder, given[1:], precision="float32").told()
