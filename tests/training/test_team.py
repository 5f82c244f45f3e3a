"""Two processes that train together give the losses of one; stopped and gone on with, those of an undisturbed run."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from dialoop.errors import SettingsError
from dialoop.model import load_base
from dialoop.training import Job, tune
from tests.training.talks import talks_file, texts_file
from tests.training.test_heads import settings

LIMIT = 180
"""Seconds that a run may take."""


def command(data: Path, base: Path, run: Path, *more: str) -> list[str]:
    told = f"tune {data} --base {base} --run {run} --lr 0.003 --epochs 2 --batch-size 6 --dropout 0"
    # one GPU has no room for two processes; without any, "auto" must join them on the processor
    device = "cpu" if torch.cuda.is_available() else "auto"
    return [sys.executable, "-m", "dialoop", *told.split(), "--precision", "float32", "--device", device, *more]


def tuned(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=LIMIT, check=False)


def entries(run: Path, name: str) -> list[float]:
    lines = (json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines())
    return [entry[name] for entry in lines if name in entry]


def test_two_processes_give_the_losses_and_the_model_of_one(bases, tmp_path: Path):
    for kind, data in (("qwen3", talks_file(tmp_path, 26)), ("bert", texts_file(tmp_path))):
        runs = [tmp_path / f"{kind}{number}" for number in (1, 2)]
        for number, run in enumerate(runs, start=1):
            done = tuned(data, bases[kind], run, "--processes", str(number))
            assert done.returncode == 0, done.stderr
            assert done.stdout.strip() == str(run / "model")
        for name in ("loss", "gradient", "held_out"):
            one, both = (entries(run, name) for run in runs)
            assert len(one) > 2
            assert both == pytest.approx(one, rel=2e-4)
        weights = [dict(load_base(run / "model").model.named_parameters()) for run in runs]
        torch.testing.assert_close(weights[0], weights[1], atol=2e-3, rtol=0)


def test_a_stop_reaches_all_and_the_run_goes_on_to_the_same_losses(bases, tmp_path: Path):
    data, both = talks_file(tmp_path, 40), ("--processes", "2", "--look-every", "2", "--dropout", "0.2")
    whole, run = tmp_path / "whole", tmp_path / "run"
    assert tuned(data, bases["qwen3"], whole, *both).returncode == 0
    going = subprocess.Popen(
        command(data, bases["qwen3"], run, *both), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline and not ((run / "log.jsonl").exists() and len(entries(run, "loss")) > 3):
        time.sleep(0.02)
    going.send_signal(signal.SIGTERM)
    told = going.communicate(timeout=LIMIT)[1]
    assert going.returncode == 128 + signal.SIGTERM, told
    assert "stopped after step" in told
    assert (run / "checkpoint").is_dir()
    resumed = [sys.executable, "-m", "dialoop", "tune", "--run", str(run), "--resume"]
    done = subprocess.run(resumed, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    assert entries(run, "loss") == entries(whole, "loss")


def test_what_is_wrong_is_told_once_and_ends_all(bases, tmp_path: Path):
    (tmp_path / "none.jsonl").write_text("", encoding="utf-8")
    done = tuned(tmp_path / "none.jsonl", bases["qwen3"], tmp_path / "run", "--processes", "2")
    assert done.returncode == 2
    assert done.stderr.count("what to do") == 1
    assert not (tmp_path / "run").exists()


def test_a_single_process_refuses_to_be_two(bases, tmp_path: Path):
    assert "RANK" not in os.environ
    job = Job(data=str(talks_file(tmp_path, 20)), base=str(bases["qwen3"]), tune=settings(processes=2))
    with pytest.raises(SettingsError, match="processes is 2, and there are 1"):
        tune(job, run=tmp_path / "run")
