"""An understander that reads with ONNX Runtime: the same intents, no torch, bound to its weights; else torch, said."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from dialoop.agent import AgentSettings
from dialoop.cli import main
from dialoop.cli.house import open_house
from dialoop.engine import ScriptedEngine
from dialoop.errors import ModelError, SettingsError
from dialoop.model import load_base, save_model, shelf
from dialoop.model.folder import write_manifest
from dialoop.server import InService, Operators, Running, ServeSettings
from dialoop.understanding import Converted, Understander, convert
from tests.tiny_models import tiny_model
from tests.understanding.intents import OTHERS, WORDS, examples

TEXTS = [one.text for one in examples(40, 5)]


@pytest.fixture(scope="module")
def both(fitted: Path) -> tuple[Understander, Understander]:
    """The same classifier, read with torch and with ONNX Runtime."""
    before = Understander.load(fitted)
    assert before.way == "torch: it was not converted to ONNX (dialoop export)"
    convert(fitted)
    return before, Understander.load(fitted)


def test_the_converted_model_is_taken_by_default(both: tuple[Understander, Understander], fitted: Path):
    before, after = both
    assert after.way == "ONNX Runtime, int8-blocks"
    assert Understander.load(fitted, way="torch").way == "torch"
    assert after.labels == before.labels
    one, two = before.understand_all([*TEXTS, *OTHERS]), after.understand_all([*TEXTS, *OTHERS])
    assert [max(x.intents, key=x.intents.__getitem__) for x in one[:40]] == [next(iter(x.intents)) for x in two[:40]]
    for x, y in zip(one[:40], two[:40], strict=True):
        assert dict(y.intents) == pytest.approx(dict(x.intents), abs=0.05)
    assert sum(x.out_of_scope == y.out_of_scope for x, y in zip(one, two, strict=True)) >= 47


@pytest.mark.parametrize("text", ["", " ", "\n", "😀", "\x00", "a" * 50_000, "<name_1>", "<|im_end|>"])
def test_any_text_is_read_as_before(both: tuple[Understander, Understander], text: str):
    before, after = (one.understand(text) for one in both)
    assert dict(after.intents) == pytest.approx(dict(before.intents), abs=0.1)


def test_messages_of_many_threads_are_read_together_and_come_to_their_own(both: tuple[Understander, Understander]):
    _, understander = both
    texts = [text for texts in WORDS.values() for text in texts] * 5
    alone = [understander.understand(text) for text in texts]
    got: list = [None] * len(texts)
    start = threading.Barrier(len(texts))

    def ask(number: int) -> None:
        start.wait(20)
        got[number] = understander.understand(texts[number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for one, other in zip(got, alone, strict=True):
        assert dict(one.intents) == pytest.approx(dict(other.intents), abs=0.05)


def test_no_torch_and_no_transformers_is_needed_to_read_a_message(
    both: tuple[Understander, Understander], fitted: Path
):
    code = (
        "import sys, json\n"
        "for name in ('torch', 'transformers', 'sklearn', 'scipy'): sys.modules[name] = None\n"
        "from dialoop.understanding import Understander\n"
        f"found = Understander.load({str(fitted)!r}).understand('reserve a room for two nights 3')\n"
        "print(json.dumps([dict(found.intents), found.out_of_scope]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    here = both[1].understand("reserve a room for two nights 3")
    assert json.loads(done.stdout) == [dict(here.intents), here.out_of_scope]


def test_a_conversion_belongs_to_one_model(both: tuple[Understander, Understander], fitted: Path, tmp_path: Path):
    base = load_base(fitted)
    with torch.no_grad():
        next(base.model.parameters()).add_(0.01)
    other = save_model(base, tmp_path / "other")
    kept = json.loads((fitted / "understanding.json").read_text("utf-8")) | {
        "fingerprint": load_base(other).fingerprint
    }
    (other / "understanding.json").write_text(json.dumps(kept), "utf-8")
    (other / "onnx").mkdir()
    for path in (fitted / "onnx").iterdir():
        (other / "onnx" / path.name).write_bytes(path.read_bytes())
    assert "other weights" in Understander.load(other).way
    assert Understander.load(other).way.startswith("torch: ")
    for load in (lambda: Understander.load(other, way="onnx"), lambda: Converted.load(other)):
        with pytest.raises(ModelError, match=r"other weights(.|\n)*dialoop export"):
            load()


def test_without_onnx_runtime_it_is_torch_and_this_is_said(
    both: tuple[Understander, Understander], fitted: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("dialoop.understanding.converted.find_spec", lambda name: None)
    assert Understander.load(fitted).way == "torch: ONNX Runtime is missing (pip install 'dialoop[onnx]')"
    with pytest.raises(SettingsError, match=r"dialoop\[onnx\]"):
        Understander.load(fitted, way="onnx")


def test_what_was_not_converted_cannot_be_insisted_on(run: Path, tmp_path: Path):
    plain = save_model(load_base(run / "model"), tmp_path / "plain")
    with pytest.raises(ModelError, match="was not converted"):
        Understander.load(plain, way="onnx")
    with pytest.raises(SettingsError, match="cuda"):
        Understander.load(plain, way="onnx", device="cuda")


def test_a_version_on_the_shelf_keeps_its_conversion_and_takes_a_new_one(
    both: tuple[Understander, Understander], fitted: Path, tmp_path: Path
):
    kept = shelf(tmp_path / "shelf")
    kept.add(fitted, "v1")
    version = tmp_path / "shelf" / "v1"
    assert Understander.load(version).way == "ONNX Runtime, int8-blocks"
    convert(version, TEXTS, precision="float32")
    assert Understander.load(version).way == "ONNX Runtime, float32"
    assert load_base(version).fingerprint == load_base(fitted).fingerprint


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "conversion.json", "manifest.json"])
def test_a_torn_conversion_is_refused(both: tuple[Understander, Understander], fitted: Path, name: str):
    path = fitted / "onnx" / name
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ModelError, match="torn"):
            Understander.load(fitted)
        path.unlink()
        with pytest.raises(ModelError, match="torn"):
            Understander.load(fitted)
    finally:
        path.write_bytes(whole)
    assert Understander.load(fitted).way == "ONNX Runtime, int8-blocks"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("model.onnx", b"no graph", "ONNX Runtime cannot open it"),
        ("tokenizer.json", b"{}", "tokenizer cannot be read"),
        ("conversion.json", b'{"run": "this"}', "not what was written"),
    ],
)
def test_files_that_are_whole_but_make_no_sense_are_refused(
    both: tuple[Understander, Understander], fitted: Path, name: str, content: bytes, said: str
):
    folder = fitted / "onnx"
    whole = {path: path.read_bytes() for path in folder.iterdir()}
    try:
        (folder / name).write_bytes(content)
        write_manifest(folder)
        with pytest.raises(ModelError, match=rf"{said}(.|\n)*dialoop export"):
            Understander.load(fitted)
    finally:
        for path, before in whole.items():
            path.write_bytes(before)


def test_export_tells_what_it_kept_and_what_is_wrong(
    run: Path, fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    held_out = tmp_path / "held_out.jsonl"
    lines = [json.dumps({"text": one.text, "label": one.label}) + "\n" for one in examples(30, 9)]
    held_out.write_text("".join(lines), "utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["export", str(run), "--held-out", str(held_out), "--json"])
    assert ended.value.code == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["texts"] == 30
    assert "int8-blocks is kept: accuracy" in said.err
    assert "in scope or out of it as before" in said.err
    with pytest.raises(SystemExit) as ended:
        main(["export", str(tiny_model("gpt2", tmp_path / "talks"))])
    assert ended.value.code == 2
    assert "head of kind generate" in capsys.readouterr().err


def test_a_server_says_what_reads_its_messages(
    both: tuple[Understander, Understander],
    fitted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    Path("dialoop.yaml").write_text("base: mini\n", "utf-8")
    settings = ServeSettings(store=str(tmp_path / "s.db"), understanding=str(fitted))
    engine = InService(Running(ScriptedEngine([]), "v1"))
    with open_house({"inn": AgentSettings()}, settings, Operators(None), engine, lambda name: ScriptedEngine([])):
        assert "messages are understood with ONNX Runtime, int8-blocks" in capsys.readouterr().out
    monkeypatch.setattr("dialoop.understanding.converted.find_spec", lambda name: None)
    with open_house({"inn": AgentSettings()}, settings, Operators(None), engine, lambda name: ScriptedEngine([])):
        assert "understood with torch: ONNX Runtime is missing" in capsys.readouterr().out
