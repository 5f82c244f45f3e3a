"""`dialoop check` as it is run: exit status, what it says, its JSON. The base is a tiny random one in a folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from dialoop.cli import main

from ..evaluation.bases import letters

TALK = {
    "id": "one",
    "lang": "en",
    "messages": [
        {"role": "user", "content": "Is breakfast included?"},
        {"role": "assistant", "content": "Yes, from seven to ten."},
        {"role": "user", "content": "[bold]Thanks[/bold]"},
        {"role": "assistant", "content": "You are welcome [/]."},
    ],
}


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["check", *map(str, args)])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def written(path: Path, *talks: dict) -> Path:
    path.write_text("".join(json.dumps(talk, ensure_ascii=False) + "\n" for talk in talks), encoding="utf-8")
    return path


def many(count: int = 20) -> list[dict]:
    """Conversations with nothing to warn of."""
    talks = []
    for number in range(count):
        messages = [
            {"role": "user", "content": f"Is room {number} free?"},
            {"role": "assistant", "content": f"Room {number} is free for {number + 1} nights."},
        ]
        talks.append({"id": f"talk-{number}", "lang": "en", "messages": messages})
    return talks


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    words = letters()
    words.save_pretrained(folder)
    small = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(words), max_position_embeddings=256, **small)).save_pretrained(folder)
    return folder


def test_sound_files_exit_with_0(capsys, tmp_path):
    status, out, _ = run(capsys, written(tmp_path / "logs.jsonl", *many()))
    assert status == 0
    assert "20 conversations" in out
    assert out.rstrip().endswith("fine: nothing to mend")


def test_warnings_exit_with_1_only_when_strict(capsys, tmp_path):
    file = written(tmp_path / "logs.jsonl", *many(), {**many()[0], "id": "again"})
    status, out, _ = run(capsys, file)
    assert status == 0
    assert "1 duplicates" in out
    assert "usable, with warnings" in out
    assert run(capsys, file, "--strict")[0] == 1


def test_a_leak_between_two_files_is_told_with_both_places(capsys, tmp_path):
    train, dev = written(tmp_path / "t.jsonl", *many()), written(tmp_path / "d.jsonl", *many()[:2])
    status, out, _ = run(capsys, train, dev)
    assert status == 0
    assert "leaks between files or splits" in out
    assert f"{train}:1 and {dev}:1" in out


def test_faults_exit_with_2_and_say_place_reason_and_remedy(capsys, tmp_path):
    file = written(tmp_path / "logs.jsonl", *many())
    file.write_text(file.read_text() + '{"id": "bad", "messages": [{"role": "robot", "content": "x"}]}\n')
    status, out, err = run(capsys, file)
    assert status == 2
    assert f"{file}:21" in out
    assert "robot" in out
    assert "what to do:" in out
    assert "Traceback" not in out + err


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00rubbish\x00", b"[" * 10_000, b"\x1f\x8b\x08broken"])
def test_files_that_are_no_data_are_faults(capsys, tmp_path, content):
    file = tmp_path / "logs.jsonl"
    file.write_bytes(content)
    status, out, err = run(capsys, file)
    assert status == 2
    assert "what to do:" in out
    assert "Traceback" not in out + err


def test_a_missing_file_is_a_fault(capsys, tmp_path):
    status, out, err = run(capsys, tmp_path / "none.jsonl")
    assert status == 2
    assert "none.jsonl" in out + err


def test_no_target_anywhere_is_a_fault_without_any_base(capsys, tmp_path):
    talks = many()
    for talk in talks:
        talk["messages"][1]["weight"] = 0
    status, out, _ = run(capsys, written(tmp_path / "logs.jsonl", *talks))
    assert status == 2
    assert "nothing would be learnt" in " ".join(out.split())


def test_with_a_base_lengths_targets_and_distance_are_told(capsys, tmp_path, base):
    status, out, err = run(capsys, written(tmp_path / "logs.jsonl", TALK), "--base", base)
    assert status == 0, err
    flat = " ".join(out.split())
    assert "window 256 tokens" in flat
    assert "45 of " in flat
    assert "perplexity" in flat
    assert "Yes, from seven to ten.<|im_end|>" in flat
    assert "[bold]Thanks[/bold]" in flat  # words of the data are no markup
    assert "You are welcome [/]." in flat


def test_targets_are_green_in_a_terminal(capsys, tmp_path, base, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    _, out, _ = run(capsys, written(tmp_path / "logs.jsonl", TALK), "--base", base)
    assert "\x1b[1;32mYes, from seven to ten.<|im_end|>\x1b[0m" in out
    assert "\x1b[1;32mIs breakfast" not in out


def test_json_holds_everything(capsys, tmp_path, base):
    status, out, _ = run(capsys, written(tmp_path / "logs.jsonl", TALK), "--base", base, "--json")
    found = json.loads(out)
    assert status == 0
    assert found["verdict"] == "warnings"  # one conversation is too few to hold any out
    assert found["inspection"]["files"][0]["conversations"] == 1
    fit = found["fits"][0]
    assert 0 < fit["target_tokens"] < fit["tokens"]
    assert fit["nearness"][0]["lang"] == "en"
    assert [stretch["target"] for stretch in fit["example"]] == [False, True, False, True]


def test_labelled_texts_are_looked_at_too(capsys, tmp_path, base):
    lines = [{"text": f"text number {i}", "label": ("ask", "book")[i % 2]} for i in range(24)]
    status, out, _ = run(capsys, written(tmp_path / "intents.jsonl", *lines), "--base", base)
    assert status == 0
    assert "ask 12, book 12" in out
    assert "24 labelled texts" in out


def test_a_base_that_is_not_there_is_refused(capsys, tmp_path):
    status, _, err = run(capsys, written(tmp_path / "logs.jsonl", TALK), "--base", tmp_path / "nowhere")
    assert status == 2
    assert "nowhere" in err


def test_a_packaged_template_takes_the_place_of_the_bases_own(capsys, tmp_path, base):
    path = written(tmp_path / "talks.jsonl", *many())
    plain = run(capsys, path, "--base", base, "--json")[1]
    status, shown, _ = run(capsys, path, "--base", base, "--template", "llama3", "--json")
    assert status == 0
    assert json.loads(plain)["fits"][0]["example"][1]["text"].endswith("<|im_end|>")
    assert json.loads(shown)["fits"][0]["example"][1]["text"].endswith("<|eot_id|>")
    for more, what in ((("--template", "llama3"), "none is named"), (("--base", base, "--template", "x"), "known:")):
        status, _, told = run(capsys, path, *more)
        assert status == 2
        assert what in " ".join(told.split())


def test_files_alone_need_no_torch(tmp_path):
    file = written(tmp_path / "logs.jsonl", *many())
    code = (
        "import sys\nfrom dialoop.cli import main\n"
        f"try:\n    main(['check', {str(file)!r}])\nexcept SystemExit as ended:\n    assert not ended.code\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
