"""The demo for real, with a base of a few thousand weights: every verb, the server, the chat, in its own process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny_models import tiny_model

WINDOW = 4096


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A random base whose window holds a hotel conversation in a tokenizer of 600 pieces."""
    folder = tiny_model("llama", tmp_path / "base", hidden=16, layers=1)
    for name, key in (("config.json", "max_position_embeddings"), ("tokenizer_config.json", "model_max_length")):
        settings = json.loads((folder / name).read_text(encoding="utf-8"))
        (folder / name).write_text(json.dumps(settings | {key: WINDOW}), encoding="utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_whole_loop_runs_from_logs_to_chat(base: Path, tmp_path: Path):
    words = ["demo", "--base", str(base), "--conversations", "20", "--held-out", "2", "--epochs", "0.1"]
    words += ["--customers", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "dialoop", *words],
        input="\n",
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=580,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    for step in range(1, 7):
        assert f"{step} of 6" in done.stdout
    assert "/chat; take over" in done.stdout
    closing = done.stdout.rstrip("\n").split("\n\n")[-1].splitlines()
    assert len(closing) == 5
    assert "20 made-up conversations" in closing[0]
    made = tmp_path / "demo"
    assert (made / "hotel" / "runs" / "hotel" / "model" / "model.safetensors").is_file()
    assert "<html" in (made / "report" / "report.html").read_text(encoding="utf-8")
    assert len(json.loads((made / "rehearsal.json").read_text(encoding="utf-8"))) > 0
    assert "serving" in (made / "server.log").read_text(encoding="utf-8")
