"""A run that was killed or asked to stop goes on to the very losses of an undisturbed one."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dialoop.cli import main
from dialoop.errors import RunError
from dialoop.model.folder import verify
from dialoop.training import Job, Quiet, TuneSettings, resume, tune, tuning

from .talks import talks_file, texts_file

KILLED = """
import os, signal, sys
from pathlib import Path
from dialoop.training import Quiet, tune
from dialoop.training.settings import read_job

class Kill(Quiet):
    def step(self, report, standing):
        if standing.step == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)

tune(read_job(Path(sys.argv[1])), run=Path(sys.argv[2]), watch=Kill())
"""


def job(folder: Path, base: Path, **values) -> Job:
    asked = {"epochs": 3, "lr": 0.01, "batch_size": 4, "look_every": 2, "device": "cpu", "precision": "float32"}
    tune_settings = TuneSettings.model_validate(asked | {"patience": 50} | values)
    return Job(data=str(talks_file(folder, 30)), base=str(base), tune=tune_settings)


def told(run: Path) -> list[dict]:
    """The log, but for how long things took."""
    entries = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{key: value for key, value in entry.items() if key != "seconds"} for entry in entries]


class Stop(Quiet):
    """Sends this process a signal after a step."""

    def __init__(self, step: int, number: int) -> None:
        self.at, self.number = step, number

    def step(self, report, standing) -> None:
        if standing.step == self.at:
            signal.raise_signal(self.number)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"optimiser": "muon", "dropout": 0.1},
        {"adapter": "lora", "lora_dropout": 0.1},
        {"optimiser": "sgd", "nesterov": True, "layer_decay": 0.8, "unfreeze": 0.7},
    ],
    ids=["adamw", "muon with dropout", "lora with dropout", "sgd unfreezing"],
)
def test_after_kill_9_the_losses_are_those_of_an_undisturbed_run(values, bases, tmp_path: Path):
    asked = job(tmp_path, bases["gpt2"], **values)
    whole = tune(asked, run=tmp_path / "whole")
    assert whole.steps > 15
    (tmp_path / "job.yaml").write_text(asked.write(), encoding="utf-8")
    command = [sys.executable, "-c", KILLED, str(tmp_path / "job.yaml"), str(tmp_path / "killed"), "9"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == -signal.SIGKILL
    assert len(told(tmp_path / "killed")) < len(told(tmp_path / "whole"))
    assert (tmp_path / "killed" / "checkpoint").is_dir()
    result = resume(tmp_path / "killed")
    assert told(tmp_path / "killed") == told(tmp_path / "whole")
    assert verify(result.folder / "model") == verify(whole.folder / "model")
    assert (result.before, result.after, result.loss) == (whole.before, whole.after, whole.loss)


@pytest.mark.parametrize(
    "values",
    [
        {"optimiser": "adam", "train": "top:1"},
        {"optimiser": "adamw", "beta1": 0.8, "unfreeze": 0.5, "freeze_embeddings": True},
        {"adapter": "dora", "lora_dropout": 0.1, "layer_decay": 0.5},
        {"adapter": "ia3", "optimiser": "sgd"},
        {"average": "ema", "optimiser": "muon", "accumulate": 2, "unfreeze": 0.4},
        {"stop_on": "reply_chrf", "look_answers": 2, "average": "ema"},
        {"average": "tail", "average_tail": 0.8, "schedule": "inverse_sqrt"},
        {"base_share": 0.3, "text_weight": 0.4, "average": "tail"},
    ],
    ids=[
        *("adam of the top layer", "unfreezing", "dora", "ia3 by sgd", "moving average", "by answers", "tail average"),
        "a share of the base",
    ],
)
def test_a_run_that_was_stopped_goes_on_bit_by_bit(values, bases, tmp_path: Path):
    asked = job(tmp_path, bases["llama"], epochs=2, **values)
    whole = tune(asked, run=tmp_path / "whole")
    assert tune(asked, run=tmp_path / "stopped", watch=Stop(5, signal.SIGTERM)).model is None
    result = resume(tmp_path / "stopped")
    assert told(tmp_path / "stopped") == told(tmp_path / "whole")
    assert verify(result.folder / "model") == verify(whole.folder / "model")


def test_killed_before_its_first_checkpoint_it_begins_again(bases, tmp_path: Path):
    asked = job(tmp_path, bases["llama"], epochs=1)
    tune(asked, run=tmp_path / "whole")
    tune(asked, run=tmp_path / "killed", watch=Stop(3, signal.SIGTERM))
    shutil.rmtree(tmp_path / "killed" / "checkpoint")
    resume(tmp_path / "killed")
    assert told(tmp_path / "killed") == told(tmp_path / "whole")


def test_a_line_of_the_log_that_was_torn_is_passed_over(bases, tmp_path: Path):
    asked = job(tmp_path, bases["llama"], epochs=1)
    tune(asked, run=tmp_path / "whole")
    tune(asked, run=tmp_path / "stopped", watch=Stop(3, signal.SIGTERM))
    with (tmp_path / "stopped" / "log.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')
    resume(tmp_path / "stopped")
    assert told(tmp_path / "stopped") == told(tmp_path / "whole")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_verb_saves_at_a_signal_and_says_how_to_go_on(
    number, status, bases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    words = ["tune", str(talks_file(tmp_path, 30)), "--base", str(bases["llama"]), "--run", "a run", "--epochs", "2"]
    with monkeypatch.context() as patch:
        patch.setattr("dialoop.training.bar.TerminalWatch.step", Stop(5, number).step)
        with pytest.raises(SystemExit) as ended:
            main([*words, "--batch-size", "4"])
    assert ended.value.code == status
    said = capfd.readouterr().err
    assert "stopped after step 5, and saved" in said
    assert "dialoop tune --run 'a run' --resume" in said
    run = json.loads(Path("a run/run.json").read_text(encoding="utf-8"))
    assert run["status"] == "stopped"
    with pytest.raises(SystemExit) as ended:
        main(["tune", "--run", "a run", "--resume"])
    assert not ended.value.code
    assert "going on after step 5" in capfd.readouterr().err
    assert Path("a run/model/config.json").is_file()


def test_a_run_that_has_ended_does_not_go_on(bases, tmp_path: Path):
    tune(job(tmp_path, bases["llama"], epochs=1), run=tmp_path / "run")
    with pytest.raises(RunError, match="this run has ended"):
        resume(tmp_path / "run")


def test_changed_data_or_another_base_is_refused(bases, tmp_path: Path):
    own = tmp_path / "base"
    shutil.copytree(bases["llama"], own)
    asked = job(tmp_path, own, epochs=1)
    tune(asked, run=tmp_path / "run", watch=Stop(3, signal.SIGTERM))
    shutil.rmtree(own)
    shutil.copytree(bases["qwen3"], own)
    with pytest.raises(RunError, match="the base has changed"):
        resume(tmp_path / "run")
    shutil.rmtree(own)
    shutil.copytree(bases["llama"], own)
    talks_file(tmp_path, 31)
    with pytest.raises(RunError, match="the data has changed"):
        resume(tmp_path / "run")


HOLDING = """
import sys
from pathlib import Path
from dialoop.training.run_folder import RunFolder

with RunFolder(Path(sys.argv[1])).claimed():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_processes_are_never_at_work_in_one_run(bases, tmp_path: Path):
    tune(job(tmp_path, bases["gpt2"], epochs=1), run=tmp_path / "run", watch=Stop(3, signal.SIGTERM))
    before = (tmp_path / "run" / "run.json").read_text(encoding="utf-8")
    command = [sys.executable, "-c", HOLDING, str(tmp_path / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunError, match="a run is at work in this folder"):
            resume(tmp_path / "run")
        assert (tmp_path / "run" / "run.json").read_text(encoding="utf-8") == before
        other.kill()
    assert resume(tmp_path / "run").model is not None


def _chosen_otherwise(run: Path, change) -> None:
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    change(record["chosen"])
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")


def test_a_run_of_an_earlier_version_goes_on_by_the_figure_it_was_told(bases, tmp_path: Path):
    asked = job(tmp_path, bases["bert"], epochs=2, stop_on="macro_f1")
    asked = asked.model_copy(update={"data": str(texts_file(tmp_path))})
    whole = tune(asked, run=tmp_path / "whole")
    tune(asked, run=tmp_path / "stopped", watch=Stop(5, signal.SIGTERM))
    _chosen_otherwise(tmp_path / "stopped", lambda chosen: chosen.pop("stop_on"))
    assert resume(tmp_path / "stopped").figures == whole.figures
    assert json.loads((tmp_path / "stopped" / "run.json").read_text())["chosen"]["stop_on"] == "macro_f1"


def test_a_run_of_a_later_version_is_refused(bases, tmp_path: Path):
    tune(job(tmp_path, bases["gpt2"], epochs=1), run=tmp_path / "run", watch=Stop(3, signal.SIGTERM))
    _chosen_otherwise(tmp_path / "run", lambda chosen: chosen.update(newer=1))
    with pytest.raises(RunError, match="not what this version chooses"):
        resume(tmp_path / "run")


def test_where_there_is_no_run_nothing_goes_on(tmp_path: Path):
    with pytest.raises(RunError, match="there is no run"):
        resume(tmp_path / "nowhere")


@pytest.mark.parametrize(("words", "what"), [(["--lr", "0.5"], "lr is 0.5"), (["--base", "mine"], "base is 'mine'")])
def test_going_on_with_other_settings_is_refused(words, what, bases, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    tune(job(tmp_path, bases["llama"], epochs=1), run=tmp_path / "run", watch=Stop(3, signal.SIGTERM))
    with pytest.raises(SystemExit) as ended:
        main(["tune", "--run", str(tmp_path / "run"), "--resume", *words])
    assert ended.value.code == 2
    assert f"{what}, and the run was begun with" in capfd.readouterr().err


def test_a_run_stopped_during_its_first_look_has_looked_and_goes_on_as_if_undisturbed(bases, tmp_path, monkeypatch):
    asked = job(tmp_path, bases["gpt2"], patience=1)
    whole = tune(asked, run=tmp_path / "whole")
    measured = tuning.mean_loss

    def stopped(*told):
        signal.raise_signal(signal.SIGINT)
        return measured(*told)

    monkeypatch.setattr(tuning, "mean_loss", stopped)
    assert tune(asked, run=tmp_path / "run").stopped_by == signal.SIGINT
    monkeypatch.undo()
    assert [entry["step"] for entry in told(tmp_path / "run")] == [0]
    result = resume(tmp_path / "run")
    assert told(tmp_path / "run") == told(tmp_path / "whole")
    assert result.steps == whole.steps > 0
