"""Runs that are followed by TensorBoard, MLflow and Weights & Biases: what they wrote is read back and is the log's."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dialoop.cli import main
from dialoop.errors import RunError, SettingsError
from dialoop.project import load_project
from dialoop.training import Job, Quiet, checked, resume, tune
from dialoop.training.tracking import figures_of, flat
from dialoop.training.tracking.wandb_file import records
from dialoop.training.watching import Unwanted

from .talks import talks, talks_file
from .trackers import STEPS, Steps, mlflow_client, mlflow_runs, wandb_files

ALL = ["tensorboard", "mlflow", "wandb"]
KILLED = """
import os, signal, sys
from pathlib import Path
from dialoop.training import Quiet, tune
from dialoop.training.settings import read_job

class Kill(Quiet):
    def step(self, report, standing):
        if standing.step == 9:
            os.kill(os.getpid(), signal.SIGKILL)

tune(read_job(Path(sys.argv[1])), run=Path(sys.argv[2]), watch=Kill())
"""


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables take seconds to make: once for all tests."""
    path = tmp_path_factory.mktemp("mlflow") / "run"
    mlflow_client(path)
    return path.parent / "mlflow.db"


@pytest.fixture
def place(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where runs are made: MLflow's store lies there, and nothing is sent to anybody."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "WANDB_DIR", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def job(folder: Path, base: Path, track: list[str], **values) -> Job:
    asked = {"epochs": 3, "lr": 0.01, "batch_size": 4, "look_every": 2, "device": "cpu", "precision": "float32"}
    return Job(
        data=str(talks_file(folder, 30)),
        base=str(base),
        tune=checked(asked | {"patience": 50, "track": track} | values),
    )


def logged(run: Path) -> Steps:
    """What the run's own log holds, as trackers should have it."""
    found: Steps = {}
    for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        for name, figure in figures_of(entry).items():
            found.setdefault(name, []).append((entry["step"], figure))
    return found


def same(told: Steps, wanted: Steps) -> bool:
    """The same steps, each once and in order, with the same figures but for how long things took."""
    told = {name: steps for name, steps in told.items() if not name.startswith("result/")}
    return told.keys() == wanted.keys() and all(
        [step for step, _ in told[name]] == [step for step, _ in steps]
        and (name == "train/seconds" or [value for _, value in told[name]] == pytest.approx([v for _, v in steps]))
        for name, steps in wanted.items()
    )


def own_process() -> dict[str, str]:
    """The environment of a process that shares no process of wandb's with this one."""
    return {name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"}


class Lines(Quiet):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


class Raise(Lines):
    """Raises after a step."""

    def __init__(self, step: int, error: BaseException) -> None:
        super().__init__()
        self.at, self.error = step, error

    def step(self, report, standing) -> None:
        if standing.step == self.at:
            raise self.error


class Stop(Quiet):
    def step(self, report, standing) -> None:
        if standing.step == 5:
            signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("tracker", ALL)
def test_a_tracker_has_what_the_log_has_and_the_run_is_the_same(tracker, bases, place: Path):
    lines = Lines()
    result = tune(job(place, bases["llama"], [tracker]), run=place / "run", watch=lines)
    assert same(STEPS[tracker](place / "run"), logged(place / "run"))
    plain = tune(job(place, bases["llama"], []), run=place / "plain")
    assert (plain.loss, plain.after) == (result.loss, result.after)
    assert not (place / "plain" / "tracking.json").exists()
    assert sum(tracker in line for line in lines.said) == 1


@pytest.mark.parametrize("tracker", ALL)
def test_no_text_of_the_data_and_no_path_of_it_is_told(tracker, bases, place: Path):
    tune(job(place, bases["llama"], [tracker], epochs=1), run=place / "run")
    texts = [str(message.content) for talk in talks(30) for message in talk.messages]
    written = [place / "mlflow.db", *(place / "run").glob("tensorboard/*"), *wandb_files(place / "run")]
    raw = b"".join(path.read_bytes() for path in written)
    assert b"train/loss" in raw
    assert not [text for text in [*texts, str(place / "talks"), sys.executable] if text.encode() in raw]


def test_tensorboard_shows_settings_and_outcome(bases, place: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    result = tune(job(place, bases["llama"], ["tensorboard"], epochs=1), run=place / "run")
    found = EventAccumulator(str(place / "run" / "tensorboard"))
    found.Reload()
    (event,) = found.Tensors("settings/text_summary")
    assert b"| lr | 0.01 |" in event.tensor_proto.string_val[0]
    assert found.Scalars("result/loss")[0].value == pytest.approx(result.after)
    assert "_hparams_/session_start_info" in found.summary_metadata


def test_mlflow_has_settings_outcome_and_status(bases, place: Path):
    result = tune(job(place, bases["llama"], ["mlflow"], epochs=1), run=place / "run")
    (made,) = mlflow_runs(place / "run")
    params = made.data.params
    assert (made.info.run_name, made.info.status) == ("run", "FINISHED")
    assert (params["lr"], params["head"], params["base"]) == ("0.01", "generate", "llama")
    assert params["data_sha256"] == json.loads((place / "run/data.json").read_text())["files"][0]["sha256"]
    assert made.data.metrics["result/loss"] == result.after
    assert made.data.metrics["result/steps"] == result.steps
    assert set(made.data.tags) == {"mlflow.runName"}


def test_wandb_offline_has_settings_outcome_and_exit_status(bases, place: Path):
    result = tune(job(place, bases["llama"], ["wandb"], epochs=1), run=place / "run")
    (path,) = wandb_files(place / "run")
    found = list(records(path))
    begun = next(record.run for record in found if record.HasField("run"))
    config = {item.key: item.value_json for item in begun.config.update}
    assert (begun.project, begun.display_name, json.loads(config["lr"])) == ("dialoop", "run", 0.01)
    summary = {item.key: item.value_json for record in found for item in record.summary.update}
    assert json.loads(summary["result/loss"]) == result.after
    assert [record.exit.exit_code for record in found if record.HasField("exit")] == [0]


def test_stopped_and_gone_on_with_it_is_one_tracked_run_with_each_step_once(bases, place: Path):
    asked = job(place, bases["llama"], ALL)
    assert tune(asked, run=place / "run", watch=Stop()).model is None
    assert mlflow_runs(place / "run")[0].info.status == "KILLED"
    assert len(wandb_files(place / "run")) == 1
    resume(place / "run")
    wanted = logged(place / "run")
    for tracker in ALL:
        assert same(STEPS[tracker](place / "run"), wanted), tracker
    assert mlflow_runs(place / "run")[0].info.status == "FINISHED"
    first, second = wandb_files(place / "run")
    assert first.name == second.name


def test_after_kill_9_no_step_is_there_twice_and_none_is_missing(bases, place: Path):
    asked = job(place, bases["llama"], ALL)
    (place / "job.yaml").write_text(asked.write(), encoding="utf-8")
    command = [sys.executable, "-c", KILLED, str(place / "job.yaml"), str(place / "run")]
    done = subprocess.run(command, check=False, capture_output=True, env=own_process())
    assert done.returncode == -signal.SIGKILL
    assert len(logged(place / "run")["train/loss"]) == 9
    (events,) = (place / "run" / "tensorboard").iterdir()
    events.write_bytes(events.read_bytes()[:-5])  # torn, as a crash of the machine may leave it
    lines = Lines()
    resume(place / "run", watch=lines)
    assert not [line for line in lines.said if "fails" in line]
    wanted = logged(place / "run")
    for tracker in ALL:
        assert same(STEPS[tracker](place / "run"), wanted), tracker


def test_a_tracker_that_fails_in_the_middle_is_said_once_and_catches_up_later(bases, place: Path, monkeypatch):
    from dialoop.training.tracking import mlflow

    monkeypatch.setattr(mlflow, "_EVERY", 0.0)
    store = place / "mlflow.db"

    class Gone(Lines):
        def step(self, report, standing) -> None:
            if standing.step == 4:
                with sqlite3.connect(store) as connection:
                    connection.execute("ALTER TABLE metrics RENAME TO elsewhere")
                connection.close()
            if standing.step == 8:
                signal.raise_signal(signal.SIGTERM)

    lines = Gone()
    result = tune(job(place, bases["llama"], ["mlflow", "tensorboard"]), run=place / "run", watch=lines)
    assert (result.steps, result.model) == (8, None)
    assert sum("mlflow fails, and the run goes on without it" in line for line in lines.said) == 1
    with sqlite3.connect(store) as connection:
        connection.execute("ALTER TABLE elsewhere RENAME TO metrics")
    connection.close()
    assert resume(place / "run").model is not None
    for tracker in ("mlflow", "tensorboard"):
        assert same(STEPS[tracker](place / "run"), logged(place / "run")), tracker


def test_a_server_that_is_not_there_does_not_keep_a_run_from_its_end(bases, place: Path):
    nowhere = {"MLFLOW_TRACKING_URI": "http://anna:secret@127.0.0.1:9", "WANDB_BASE_URL": "http://127.0.0.1:9"}
    environment = {name: value for name, value in own_process().items() if not name.startswith("WANDB_")}
    words = ["tune", str(talks_file(place, 12)), "--base", str(bases["llama"]), "--run", str(place / "run")]
    done = subprocess.run(
        [sys.executable, "-m", "dialoop", *words, "--epochs", "1", "--track", "mlflow", "--track", "wandb"],
        env=environment | nowhere | {"HOME": str(place)},  # where no key is known
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    assert (place / "run" / "model" / "config.json").is_file()
    for tracker in ("mlflow", "wandb"):
        assert done.stderr.count(f"{tracker} fails, and the run goes on without it") == 1
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), "KILLED"), (Unwanted(), "KILLED"), (RunError("the disk is full"), "FAILED")],
    ids=["second Ctrl-C", "pruned", "an error"],
)
def test_however_a_run_ends_its_trackers_are_closed(error, status, bases, place: Path):
    with pytest.raises(type(error)):
        tune(job(place, bases["llama"], ["mlflow"]), run=place / "run", watch=Raise(5, error))
    (made,) = mlflow_runs(place / "run")
    assert made.info.status == status
    assert [step for step, _ in STEPS["mlflow"](place / "run")["train/loss"]] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("tracker", ALL)
def test_a_tracker_that_is_not_installed_is_refused_before_anything_is_written(
    tracker, bases, tmp_path: Path, monkeypatch
):
    monkeypatch.setitem(sys.modules, tracker, None)
    with pytest.raises(SettingsError, match=f"the tracker {tracker} is not installed") as error:
        tune(job(tmp_path, bases["llama"], [tracker]), run=tmp_path / "run")
    assert error.value.remedy == f"pip install 'dialoop[track-{tracker}]'"
    assert not (tmp_path / "run").exists()


def test_nothing_is_loaded_that_was_not_asked_for(bases, tmp_path: Path):
    asked = job(tmp_path, bases["llama"], [], epochs=1)
    (tmp_path / "job.yaml").write_text(asked.write(), encoding="utf-8")
    code = (
        "import sys\nfrom pathlib import Path\nfrom dialoop.training import tune\n"
        "from dialoop.training.settings import read_job\n"
        f"tune(read_job(Path({str(tmp_path / 'job.yaml')!r})), run=Path({str(tmp_path / 'run')!r}))\n"
        "sys.exit(str([name for name in ('tensorboard', 'mlflow', 'wandb') if name in sys.modules] or '') or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("tensorboard", ["tensorboard"]),
        (["mlflow,wandb", " tensorboard"], ["mlflow", "wandb", "tensorboard"]),
        (["mlflow", "mlflow"], ["mlflow"]),
        ("", []),
        (None, []),
    ],
)
def test_trackers_are_named_with_commas_or_one_by_one(given, kept):
    assert checked({"track": given}).track == kept


def test_an_unknown_tracker_is_refused():
    with pytest.raises(SettingsError, match="is 'tensorbord'"):
        checked({"track": "tensorbord"})


def test_the_project_file_and_the_command_line_name_trackers(bases, place: Path, monkeypatch, capfd):
    monkeypatch.chdir(place)
    Path("dialoop.yaml").write_text("tune:\n  track: tensorboard\n  epochs: 1\n", encoding="utf-8")
    assert load_project(Path("dialoop.yaml"))["search"] == {"track": ["tensorboard"], "epochs": 1.0}
    words = ["tune", str(talks_file(place, 6)), "--base", str(bases["llama"]), "--run"]
    for run, others in (("one", []), ("two", ["--track", "wandb,mlflow"])):
        with pytest.raises(SystemExit) as ended:
            main([*words, run, *others])
        assert not ended.value.code, capfd.readouterr().err
    assert (Path("one/tensorboard").is_dir(), Path("two/tensorboard").is_dir()) == (True, False)
    assert list(json.loads(Path("two/tracking.json").read_text())) == ["wandb", "mlflow"]


def test_nested_settings_are_told_flat():
    recipe = {"name": "tiny", "model": {"hidden": 16, "heads": None}, "phases": [{"rows": 2}]}
    assert flat(recipe) == {"name": "tiny", "model.hidden": 16, "phases": '[{"rows": 2}]'}


def test_trials_of_a_search_are_followed_each_by_itself(bases, place: Path, monkeypatch):
    from dialoop.training.search import SearchSettings, search, trials

    class Behind(trials._PruningWatch):
        def step(self, report, standing) -> None:
            if self.trial.number == 1 and standing.step == 3:
                raise Unwanted

    monkeypatch.setattr(trials, "_PruningWatch", Behind)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place / 'mlflow.db'}")
    asked = job(place, bases["llama"], ["mlflow", "tensorboard"], epochs=1, held_out="0.2")
    space = SearchSettings(trials=2, space={"warmup": [0.0, 0.1]}, pruner="none")
    search(asked, space, folder=place / "hall", say=lambda line: None)
    found = {made.info.run_name: made.info.status for made in mlflow_runs(place / "any")}
    assert found == {"hall-0000": "FINISHED", "hall-0001": "KILLED"}
    for number in (0, 1):
        run = place / "hall" / "trials" / f"{number:04d}"
        assert same(STEPS["tensorboard"](run), logged(run))


def test_trackers_cannot_be_searched():
    from dialoop.training.search import space

    with pytest.raises(SettingsError, match="`track` cannot be searched"):
        space.checked_space({"track": ["mlflow"]})
