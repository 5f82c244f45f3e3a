"""The card of a tuned model: the hub's form, the run's facts, no sentence of the data, and the model still loads."""

import json
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from dialoop.model import load_base
from dialoop.model.folder import MANIFEST
from dialoop.training import Job, checked, tune
from dialoop.training.card import licence_of
from dialoop.training.tuning import RunResult

from .talks import talks, talks_file, texts_file


def tuned(folder: Path, data: Path, base: Path | str, **values) -> RunResult:
    asked = {"epochs": 1, "lr": 0.01, "batch_size": 4, "device": "cpu", "precision": "float32"}
    return tune(Job(data=str(data), base=str(base), tune=checked(asked | values)), run=folder / "first-try")


def card_of(result: RunResult) -> str:
    assert result.model is not None
    return (result.model / "README.md").read_text(encoding="utf-8")


def test_the_card_tells_the_facts_of_the_run(bases, tmp_path: Path):
    data = talks_file(tmp_path, 30)
    result = tuned(tmp_path, data, bases["llama"], adapter="lora", seed=3)
    text = card_of(result)
    card = ModelCard(text)
    assert card.data.library_name == "transformers"
    assert card.data.pipeline_tag == "text-generation"
    assert card.data.license == "unknown"
    assert card.data.tags == ["dialoop", "generate", "lora"]
    assert card.data.base_model is None
    facts = json.loads((result.folder / "data.json").read_text(encoding="utf-8"))
    record = json.loads((result.folder / "run.json").read_text(encoding="utf-8"))
    for fact in (
        "# first-try",
        facts["files"][0]["sha256"],
        f"Trained on {facts['train']['records']} records",
        f"held out: {facts['held_out']['records']}",
        record["base"],
        f"torch {record['versions']['torch']}",
        f"| loss | {result.before:.4f} | {result.after:.4f} |",
        f"in {result.steps} steps",
        "through an adapter (`lora`) that is merged in",
    ):
        assert fact in text
    settings = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])["tune"]
    assert checked(settings).model_dump(include={"adapter", "seed", "lr"}) == {"adapter": "lora", "seed": 3, "lr": 0.01}


def test_no_sentence_of_the_data_and_no_path_stands_in_it(bases, tmp_path: Path):
    held = talks_file(tmp_path, 5, 9, name="dev.jsonl")
    text = card_of(tuned(tmp_path, talks_file(tmp_path, 30), bases["llama"], held_out=str(held)))
    said = [str(message.content) for talk in [*talks(30), *talks(5, 9)] for message in talk.messages]
    assert not [sentence for sentence in said if sentence in text]
    assert str(tmp_path) not in text
    assert "`talks.jsonl`" in text
    assert "`dev.jsonl`" in text


def test_transformers_loads_the_folder_and_the_manifest_holds_the_card(bases, tmp_path: Path):
    result = tuned(tmp_path, talks_file(tmp_path, 8), bases["llama"])
    AutoModelForCausalLM.from_pretrained(result.model)
    AutoTokenizer.from_pretrained(result.model)
    assert "README.md" in json.loads((result.folder / "model" / MANIFEST).read_text())["files"]
    load_base(result.folder)


def test_a_classifier_has_figures_of_labels_before_and_after(bases, tmp_path: Path):
    result = tuned(tmp_path, texts_file(tmp_path, 30), bases["bert"], contrastive="off", epochs=3)
    text = card_of(result)
    assert ModelCard(text).data.pipeline_tag == "text-classification"
    assert "2 labels." in text
    first = json.loads((result.folder / "log.jsonl").read_text().splitlines()[0])
    assert f"| accuracy | {first['accuracy']:.4f} | {result.figures['accuracy']:.4f} |" in text
    AutoModelForSequenceClassification.from_pretrained(result.model)


@pytest.mark.parametrize("head", ["tag", "regress"])
def test_other_heads_have_a_card_as_well(head, bases, tmp_path: Path):
    path = tmp_path / "data.jsonl"
    records = {
        "tag": [
            {"text": f"go to the hall {i}", "spans": [{"label": "place", "start": 10, "end": 14}]} for i in range(30)
        ],
        "regress": [{"text": f"it was number {i}", "score": i / 10} for i in range(30)],
    }[head]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    values = {"crf": True} if head == "tag" else {}
    text = card_of(tuned(tmp_path, path, bases["bert"], **values))
    assert ("load it with dialoop" in text) is (head == "tag")
    assert ("squared error" in text) is (head == "regress")


def test_languages_are_those_of_the_data(bases, tmp_path: Path):
    path = tmp_path / "talks.jsonl"
    lines = [one.model_copy(update={"lang": lang}) for one, lang in zip(talks(4), ("en", "zh", "En", "?"), strict=True)]
    path.write_text("".join(line.model_dump_json(exclude_none=True) + "\n" for line in lines), encoding="utf-8")
    text = card_of(tuned(tmp_path, path, bases["llama"]))
    assert ModelCard(text).data.language == ["en", "zh"]
    assert "Nothing was held out" in text


def test_the_licence_of_the_base_goes_on(bases, tmp_path: Path):
    first = tuned(tmp_path, talks_file(tmp_path, 8), bases["llama"])
    assert first.model is not None
    assert licence_of(load_base(first.model), "first") == "unknown"
    for header, licence in (
        ("---\nlicense: apache-2.0\n---\n# Mine\n", "apache-2.0"),
        ("# No header\n", "unknown"),
        ("---\nlicense: [broken\n---\n", "unknown"),
    ):
        base = tmp_path / "base"
        base.mkdir(exist_ok=True)
        for path in bases["llama"].iterdir():
            (base / path.name).write_bytes(path.read_bytes())
        (base / "README.md").write_text(header, encoding="utf-8")
        assert licence_of(load_base(base), str(base)) == licence
    assert licence_of(load_base("mini"), "mini") == "cc-by-sa-4.0"
