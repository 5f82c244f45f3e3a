"""`dialoop evaluate` as it is run: models and data from files, paths said, refusals with exit status 2."""

import json
from pathlib import Path

import pytest

from dialoop.cli import main
from dialoop.conversation import write_conversations
from dialoop.evaluation import ToolsSeen

from ..tiny_models import tiny_model
from .bases import booking

LOGS = [booking(number, lang=lang) for number in (1, 2) for lang in ("en", "zh")]
QUICK = ("--max-new-tokens", "4")


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *map(str, args)])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_conversations(folder / "held-out.jsonl", LOGS)
    write_conversations(folder / "train.jsonl", [booking(9)])
    tiny_model("llama", folder / "base")
    tiny_model("llama", folder / "run" / "model")
    return folder


def test_before_and_after_from_folders(capsys, world, tmp_path):
    out = tmp_path / "report"
    status, shown, told = run(
        capsys,
        *(world / "run" / "model", world / "held-out.jsonl", "--before", world / "base"),
        *("--train", world / "train.jsonl", "--out", out, *QUICK),
    )
    assert status == 0, told
    assert str(out / "report.html") in told
    assert str(out / "evaluation.json") in told
    found = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    assert found["after"]["coverage"]["used"] == found["before"]["coverage"]["used"] == 4
    assert "seen tools" in found["after"]["figures"]
    assert found["differences"]["all"]["perplexity"]["value"] == 0.0  # the same weights twice
    assert "Exact call" in shown


def test_the_record_of_the_run_tells_which_tools_were_seen(capsys, world, tmp_path):
    ToolsSeen.of([booking(9, name="another_tool")]).write(world / "run")
    try:
        args = (world / "run" / "model", world / "held-out.jsonl", "--out", tmp_path, *QUICK)
        status, _, told = run(capsys, *args)
    finally:
        (world / "run" / "tools_seen.json").unlink()
    assert status == 0, told
    found = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert found["figures"]["unseen tools"]["call_exact"]["of"] == 4
    assert "seen tools" not in found["figures"]


def test_limit_and_json(capsys, world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, shown, told = run(capsys, world / "base", world / "held-out.jsonl", "--limit", 2, "--no-generate", "--json")
    found = json.loads(shown)
    assert status == 0, told
    assert (found["coverage"]["given"], found["coverage"]["used"]) == (4, 2)
    assert any("2 of 4 conversations, chosen by hash" in note for note in found["coverage"]["notes"])
    assert (tmp_path / "evaluations" / "base-on-held-out" / "report.html").is_file()


def test_labelled_texts_for_a_classifier(capsys, tmp_path):
    from dialoop.model import Head, load_base, save_model

    tiny_model("bert", tmp_path / "bert")
    head = Head(kind="classify", labels=("ask", "book"))
    save_model(load_base(tmp_path / "bert", head=head), tmp_path / "model")
    lines = [json.dumps({"text": f"text {i}", "label": ("ask", "book")[i % 2]}) + "\n" for i in range(6)]
    (tmp_path / "intents.jsonl").write_text("".join(lines))
    args = (tmp_path / "model", tmp_path / "intents.jsonl", "--before", tmp_path / "model", "--out", tmp_path / "r")
    status, shown, told = run(capsys, *args)
    assert status == 0, told
    assert "F1 (macro)" in shown
    found = json.loads((tmp_path / "r" / "evaluation.json").read_text(encoding="utf-8"))
    assert found["differences"]["all"]["label_accuracy"]["value"] == 0.0


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("{base}", "{world}/none.jsonl"), "none.jsonl"),
        (("{world}/nowhere", "{logs}"), "nowhere"),
        (("{base}", "{logs}", "--before", "{world}/nowhere"), "nowhere"),
        (("{base}", "{logs}", "--train", "{world}/none.jsonl"), "none.jsonl"),
        (("{base}", "{logs}", "--max-new-tokens", "100000"), "--max-new-tokens"),
        (("{base}", "{world}/texts.jsonl"), "texts.jsonl"),
        (("{base}", "{logs}", "--out", "{logs}"), "held-out.jsonl"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_message(capsys, world, tmp_path, args, told):
    (world / "texts.jsonl").write_text('{"text": "hello", "label": "greet"}\n')
    places = {"world": world, "base": world / "base", "logs": world / "held-out.jsonl"}
    filled = [arg.format(**places) for arg in args]
    status, _, error = run(capsys, *filled, *(() if "--out" in args else ("--out", tmp_path)))
    assert status == 2
    assert told in error
    assert "what to do:" in error
    assert "Traceback" not in error


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_measured(capsys, tmp_path):
    """Neither the model nor the data is there, and yet it is the file in the way that is told."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        status, _, told = run(capsys, tmp_path / "none", tmp_path / "none.jsonl", "--out", out)
        assert status == 2
        assert f"{tmp_path / 'file'}: this is a file, and the report needs a folder" in told


def test_a_base_whose_own_template_hides_tools_is_measured_with_the_tuned_one(capsys, world, tmp_path):
    base = tiny_model("llama", tmp_path / "base")
    bare = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    (base / "chat_template.jinja").write_text(bare, encoding="utf-8")
    status, _, told = run(
        capsys,
        *(world / "run" / "model", world / "held-out.jsonl", "--before", base, "--out", tmp_path / "out", *QUICK),
    )
    assert status == 0, told
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert any("chat template chatml" in note for note in found["notes"])
    assert found["differences"]["all"]["perplexity"]["value"] == 0.0  # the same weights, the same text
    status, _, told = run(capsys, base, world / "held-out.jsonl", "--out", tmp_path / "alone", *QUICK)
    assert status == 2
    assert "leaves tools out" in told
