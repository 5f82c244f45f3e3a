"""Searches with real runs of tiny bases: pruned, failed, killed, side by side, gone on with, reported."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
import yaml
from optuna.trial import TrialState

from dialoop.cli import main
from dialoop.errors import DataError, RunError, SettingsError
from dialoop.model import load_base
from dialoop.model.folder import verify
from dialoop.training import Job, TuneSettings, tune
from dialoop.training.search import Range, SearchSettings, resume_search, search
from dialoop.training.search.study import KILLED

from ...browser import opened_page
from ...tiny_models import tiny_model
from ..talks import talks_file, texts_file

SPACE = {"lr": Range(low=2e-3, high=2e-2, log=True), "batch_size": [4, 8]}
KILLED_IN_TRIAL_2 = """
import json, os, signal, sys
from pathlib import Path
from dialoop.training import Job
from dialoop.training.search import SearchSettings, search, trials

class Kill(trials._PruningWatch):
    def step(self, report, standing):
        super().step(report, standing)
        if self.trial.number == 2 and standing.step == 9:
            os.kill(os.getpid(), signal.SIGKILL)

trials._PruningWatch = Kill
told = json.loads(sys.argv[1])
search(Job.model_validate(told["job"]), SearchSettings.model_validate(told["search"]), folder=Path(told["folder"]))
"""


def job(folder: Path, base: Path, **values) -> Job:
    fixed = {"epochs": 4, "held_out": "0.2", "device": "cpu", "precision": "float32"}
    return Job(data=str(texts_file(folder)), base=str(base), tune=TuneSettings.model_validate(fixed | values))


def silent(line: str) -> None:
    assert line


def models(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob("trials/*/model"))


def states(study: optuna.Study) -> list[str]:
    return [one.state.name for one in study.get_trials()]


def test_a_search_keeps_the_best_model_and_the_settings_that_make_it_again(bases, tmp_path: Path):
    asked = SearchSettings(trials=3, space=SPACE, pruner="none", metric="loss")
    result = search(job(tmp_path, bases["bert"]), asked, folder=tmp_path / "s", say=silent)
    values = [one.value for one in result.study.get_trials()]
    assert states(result.study) == ["COMPLETE"] * 3
    assert len(set(values)) == 3
    assert result.value == min(values)
    assert models(tmp_path / "s") == [f"{result.best:04d}"]
    assert result.model is not None
    assert load_base(result.model).head.kind == "classify"
    again = tune(Job.model_validate(yaml.safe_load((tmp_path / "s" / "best.yaml").read_text())), run=tmp_path / "again")
    assert again.after == result.value
    assert verify(tmp_path / "again" / "model") == verify(result.model)
    with pytest.raises(RunError, match="taken"):
        search(job(tmp_path, bases["bert"]), asked, folder=tmp_path / "s", say=silent)


def test_the_first_trial_is_what_tune_takes_by_itself(bases, tmp_path: Path):
    settings = SearchSettings(trials=1)
    result = search(job(tmp_path, bases["bert"], batch_size=8), settings, folder=tmp_path / "s", say=silent)
    assert "batch_size" not in result.plan.space
    assert {"lr", "warmup", "weight_decay", "dropout", "optimiser"} <= set(result.plan.space)
    first = result.study.get_trials()[0].params
    assert first["lr"] == pytest.approx(result.plan.tune["lr"])
    assert (first["warmup"], first["weight_decay"], first["optimiser"]) == (0.05, 0.01, "adamw")


def test_a_trial_behind_the_others_is_ended_early_and_leaves_no_weights(bases, tmp_path: Path):
    space = {"lr": [0.01, 0.011, 0.012, 0.013, 1e-7]}
    asked = SearchSettings(trials=1, space=space)
    folder = tmp_path / "s"
    result = search(job(tmp_path, bases["bert"], batch_size=4), asked, folder=folder, say=silent)
    for lr in (0.011, 0.012, 0.013, 1e-7):
        result.study.enqueue_trial({"lr": lr})
    result = resume_search(folder, asked, trials=5, say=silent)
    last = result.study.get_trials()[-1]
    assert states(result.study) == ["COMPLETE"] * 4 + ["PRUNED"]
    run = folder / "trials" / f"{last.number:04d}"
    assert json.loads((run / "run.json").read_text())["status"] == "pruned"
    assert not (run / "checkpoint").exists()
    assert not (run / "model").exists()
    steps = [line for line in (run / "log.jsonl").read_text().splitlines() if '"loss"' in line]
    whole = [line for line in (folder / "trials/0000/log.jsonl").read_text().splitlines() if '"loss"' in line]
    assert len(steps) < len(whole)
    assert "after " in (folder / "report.html").read_text()


def test_a_trial_that_diverges_has_failed_and_the_search_goes_on(bases, tmp_path: Path, monkeypatch):
    from dialoop.training.search import trials

    def diverging(job: Job, **others):
        if job.tune.lr == 0.002:
            raise RunError("the loss is nan")
        return tune(job, **others)

    monkeypatch.setattr(trials, "tune", diverging)
    asked = SearchSettings(trials=4, space={"lr": [0.001, 0.002], "batch_size": [4, 8, 16]}, pruner="none")
    result = search(job(tmp_path, bases["bert"], epochs=1), asked, folder=tmp_path / "s", say=silent)
    found = {one.params["lr"]: one.state.name for one in result.study.get_trials()}
    assert len(result.study.get_trials()) == 4
    assert found == {0.001: "COMPLETE", 0.002: "FAIL"}


@pytest.mark.parametrize(
    "error", [RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), MemoryError()]
)
def test_a_trial_without_memory_has_failed_and_the_search_goes_on(bases, tmp_path: Path, monkeypatch, error):
    from dialoop.training.search import trials

    def full(job: Job, **others):
        raise error

    monkeypatch.setattr(trials, "tune", full)
    asked = SearchSettings(trials=2, space=SPACE)
    result = search(job(tmp_path, bases["bert"], epochs=1), asked, folder=tmp_path / "s", say=silent)
    assert states(result.study) == ["FAIL", "FAIL"]
    assert result.model is None


def test_values_that_do_not_agree_fail_their_trial_alone(bases, tmp_path: Path):
    space = {"optimiser": ["adamw", "sgd"], "nesterov": [True]}
    result = search(
        job(tmp_path, bases["bert"], epochs=1),
        SearchSettings(trials=6, space=space, pruner="none"),
        folder=tmp_path / "s",
        say=silent,
    )
    found = {one.params["optimiser"]: one.state.name for one in result.study.get_trials()}
    assert found == {"adamw": "FAIL", "sgd": "COMPLETE"}


def test_after_kill_9_the_trial_under_way_is_marked_failed_and_gone_on_with(bases, tmp_path: Path):
    folder = tmp_path / "s"
    asked = SearchSettings(trials=4, space=SPACE, pruner="none", metric="loss")
    told = {
        "job": job(tmp_path, bases["bert"], epochs=3).model_dump(mode="json", exclude_unset=True),
        "search": asked.model_dump(mode="json"),
        "folder": str(folder),
    }
    command = [sys.executable, "-c", KILLED_IN_TRIAL_2, json.dumps(told)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    said: list[str] = []
    result = resume_search(folder, asked, say=said.append)
    trials = result.study.get_trials()
    assert states(result.study) == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert trials[2].user_attrs[KILLED] is True
    assert trials[3].params == trials[2].params
    assert "trial 3: goes on with trial 2" in said
    assert result.done == 4
    assert not (folder / "trials" / "0002").exists()
    steps = [json.loads(line)["step"] for line in (folder / "trials/0003/log.jsonl").read_text().splitlines()]
    assert steps == sorted(steps)
    assert "1 trials were killed" in (folder / "report.html").read_text()
    as_asked = Job.model_validate(yaml.safe_load((folder / "trials/0003/settings.yaml").read_text()))
    undisturbed = tune(as_asked, run=tmp_path / "undisturbed")
    assert undisturbed.after == trials[3].value


def test_two_workers_share_a_sqlite_file_and_the_trials(bases, tmp_path: Path):
    asked = SearchSettings(trials=4, workers=2, space=SPACE, pruner="none")
    result = search(job(tmp_path, bases["bert"], epochs=1), asked, folder=tmp_path / "s", say=silent)
    trials = result.study.get_trials()
    assert states(result.study) == ["COMPLETE"] * 4
    assert os.getpid() not in {one.user_attrs["worker"] for one in trials}
    assert models(tmp_path / "s") == [f"{result.best:04d}"]


def test_ctrl_c_puts_the_trial_back(bases, tmp_path: Path, monkeypatch):
    from dialoop.training.search import trials

    class Stop(trials._PruningWatch):
        def step(self, report, standing) -> None:
            super().step(report, standing)
            if self.trial.number == 1 and standing.step == 2:
                signal.raise_signal(signal.SIGINT)

    asked = SearchSettings(trials=3, space=SPACE, pruner="none")
    with monkeypatch.context() as patch:
        patch.setattr(trials, "_PruningWatch", Stop)
        result = search(job(tmp_path, bases["bert"]), asked, folder=tmp_path / "s", say=silent)
    assert result.stopped_by == signal.SIGINT
    assert states(result.study) == ["COMPLETE", "FAIL", "WAITING"]
    result = resume_search(tmp_path / "s", asked, say=silent)
    assert states(result.study) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]


def test_one_search_at_a_time_is_at_work_in_a_folder(bases, tmp_path: Path):
    from dialoop.training.search.folder import SearchFolder

    asked = SearchSettings(trials=1, space=SPACE)
    search(job(tmp_path, bases["bert"], epochs=1), asked, folder=tmp_path / "s", say=silent)
    with SearchFolder(tmp_path / "s").claimed(), pytest.raises(RunError, match="at work"):
        resume_search(tmp_path / "s", asked, say=silent)


def test_other_data_or_another_base_does_not_go_on(bases, tmp_path: Path):
    base = tmp_path / "base"
    shutil.copytree(bases["bert"], base)
    asked, folder = SearchSettings(trials=2, space=SPACE, pruner="none"), tmp_path / "s"
    first = job(tmp_path, base, epochs=1)
    search(first, asked.model_copy(update={"trials": 1}), folder=folder, say=silent)
    data = Path(first.data)
    text = data.read_text(encoding="utf-8")
    data.write_text(text + '{"text": "one more thing", "label": "thing"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="the data has changed since the search began"):
        resume_search(folder, asked, trials=2, say=silent)
    data.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        resume_search(folder, asked, trials=2, say=silent)
    data.write_text(text, encoding="utf-8")
    tiny_model("bert", base, seed=1)
    with pytest.raises(RunError, match="the base has changed since the search began"):
        resume_search(folder, asked, trials=2, say=silent)


def test_data_that_changes_under_way_ends_the_search_and_no_trial(bases, tmp_path: Path, monkeypatch):
    from dialoop.training.search import trials

    asked = job(tmp_path, bases["bert"], epochs=1)
    text = Path(asked.data).read_text(encoding="utf-8")

    def changing(one: Job, **others):
        result = tune(one, **others)
        Path(one.data).write_text(text + '{"text": "one more thing", "label": "thing"}\n', encoding="utf-8")
        return result

    settings = SearchSettings(trials=3, space=SPACE, pruner="none")
    with monkeypatch.context() as patch:
        patch.setattr(trials, "tune", changing)
        with pytest.raises(DataError, match="the data has changed"):
            search(asked, settings, folder=tmp_path / "s", say=silent)
    Path(asked.data).write_text(text, encoding="utf-8")
    assert states(resume_search(tmp_path / "s", settings, say=silent).study) == ["COMPLETE"] * 3


def test_values_that_the_data_does_not_take_fail_their_trial_alone(bases, tmp_path: Path):
    told = job(tmp_path, bases["gpt2"], epochs=1, batch_size=4)
    told = told.model_copy(update={"data": str(talks_file(tmp_path, 30))})
    asked = SearchSettings(trials=1, space={"window": [16, 256]}, pruner="none")
    result = search(told, asked, folder=tmp_path / "s", say=silent)
    result.study.enqueue_trial({"window": 16})
    result = resume_search(tmp_path / "s", asked, trials=2, say=silent)
    assert {one.params["window"]: one.state.name for one in result.study.get_trials()} == {
        16: "FAIL",
        256: "COMPLETE",
    }
    assert "not one token would be learnt" in (tmp_path / "s" / "report.html").read_text()


def test_a_classifier_is_judged_by_what_its_weights_are_kept_by(bases, tmp_path: Path):
    asked = SearchSettings(trials=1, space=SPACE)
    metrics = [
        search(job(tmp_path, bases["bert"], epochs=1, **told), asked, folder=tmp_path / name, say=silent).plan.metric
        for name, told in (("kept_by_accuracy", {}), ("kept_by_loss", {"stop_on": "loss"}))
    ]
    assert metrics == ["label_accuracy", "loss"]


def test_another_metric_is_measured_and_made_high(bases, tmp_path: Path):
    asked = SearchSettings(trials=2, space=SPACE, metric="label_accuracy")
    result = search(job(tmp_path, bases["bert"], epochs=1), asked, folder=tmp_path / "s", say=silent)
    assert result.value == max(one.value for one in result.study.get_trials())
    assert result.value is not None
    assert 0 <= result.value <= 1


def test_a_rank_is_searched_beside_whether_there_is_an_adapter(bases, tmp_path: Path):
    space = {"adapter": ["none", "lora"], "lora_rank": [4, 8]}
    asked = SearchSettings(trials=4, space=space, pruner="none")
    result = search(job(tmp_path, bases["bert"], epochs=1), asked, folder=tmp_path / "s", say=silent)
    assert states(result.study) == ["COMPLETE"] * 4
    assert {one.params["adapter"] for one in result.study.get_trials()} == {"none", "lora"}


def test_a_tagger_is_searched_by_a_measure_of_spans(bases, tmp_path: Path):
    spans = [{"start": 3, "end": 6, "label": "city"}]
    rows = [{"text": f"to Ulm please {n}", "spans": spans} for n in range(30)]
    data = tmp_path / "spans.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = job(tmp_path, bases["bert"], epochs=1).model_copy(update={"data": str(data)})
    asked = SearchSettings(trials=1, space=SPACE, metric="span_f1")
    result = search(told, asked, folder=tmp_path / "s", say=silent)
    assert result.value is not None
    assert 0 <= result.value <= 1


def test_looks_come_ten_times_a_run_where_steps_are_made_of_several_batches(bases, tmp_path: Path):
    asked = SearchSettings(trials=1, space={"lr": [0.001]}, pruner="none")
    result = search(
        job(tmp_path, bases["bert"], epochs=10, batch_size=2, accumulate=3), asked, folder=tmp_path / "s", say=silent
    )
    lines = next(result.folder.glob("trials/*/log.jsonl")).read_text().splitlines()
    assert sum("held_out" in line for line in lines) >= 10


@pytest.mark.parametrize(
    ("settings", "values", "told"),
    [
        (SearchSettings(metric="beauty"), {}, "metric is 'beauty'"),
        (SearchSettings(metric="call_exact"), {}, "not measured with the head classify"),
        (SearchSettings(metric="span_f1"), {}, "choose among loss, label_accuracy"),
        (SearchSettings(space={"optimiser": ["sgd", "muon"]}), {"optimiser": "adamw"}, "both set and searched"),
        (SearchSettings(space={"lr": [0.1, 0.01]}), {"lr": 0.1}, "both set and searched"),
        (SearchSettings(), {"held_out": "0"}, "nothing is held out"),
        (SearchSettings(storage="nonsense"), {}, "no address"),
        (SearchSettings(space={"beta": [0.1, 0.5]}), {"objective": "dpo"}, "makes another loss of the loss"),
        (SearchSettings(space={"crf": [True, False]}, metric="span_f1"), {}, "with --pruner none"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_is_written(
    bases,
    tmp_path: Path,
    settings,
    values,
    told,
):
    with pytest.raises(SettingsError, match=told):
        search(job(tmp_path, bases["bert"], **values), settings, folder=tmp_path / "s", say=silent)
    assert not (tmp_path / "s").exists()


def test_a_password_is_never_written_down(bases, tmp_path: Path):
    asked = SearchSettings(trials=1, storage="postgresql://anna:secret@127.0.0.1:1/none")
    with pytest.raises(SettingsError, match="cannot be opened") as caught:
        search(job(tmp_path, bases["bert"]), asked, folder=tmp_path / "s", say=silent)
    assert "secret" not in str(caught.value)
    assert "secret" not in "".join(path.read_text() for path in (tmp_path / "s").iterdir())
    with pytest.raises(SettingsError, match="password"):
        resume_search(tmp_path / "s", SearchSettings(), say=silent)


def test_the_command_line_writes_a_page_that_a_browser_shows_without_a_network(
    bases,
    tmp_path: Path,
    monkeypatch,
    capsys,
):
    data = texts_file(tmp_path)
    monkeypatch.chdir(tmp_path)
    space = "    batch_size: [4, 8]\n    lr: {low: 2.0e-3, high: 2.0e-2, log: true}\n"
    project = f"base: {bases['bert']}\ntune:\n  epochs: 4\nsearch:\n  trials: 4\n  space:\n{space}"
    Path("dialoop.yaml").write_text(project, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["search", str(data), "--held-out", "0.2", "--out", "s", "--pruner", "none"])
    assert ended.value.code == 0, capsys.readouterr().err
    told = capsys.readouterr()
    assert told.out.strip().splitlines()[-1].startswith("s/trials/")
    assert "best.yaml" in told.err
    with opened_page(width=420) as (page, complaints):
        page.goto((tmp_path / "s" / "report.html").as_uri())
        assert page.locator("tr.best").count() == 1
        assert page.locator("img").count() == 3
        widths = page.eval_on_selector_all("img", "images => images.map(image => image.naturalWidth)")
        assert all(widths)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert complaints == []


def test_an_option_that_says_what_is_the_default_is_the_same_for_all_trials(bases, tmp_path: Path, capsys):
    args = [
        "search",
        str(texts_file(tmp_path)),
        "--base",
        str(bases["bert"]),
        "--held-out",
        "0.2",
        "--out",
        str(tmp_path / "s"),
    ]
    with pytest.raises(SystemExit) as ended:
        main([*args, "--trials", "1", "--epochs", "1", "--optimiser", "adamw", "--patience", "3"])
    assert ended.value.code == 0, capsys.readouterr().err
    plan = json.loads((tmp_path / "s" / "plan.json").read_text())
    assert "optimiser" not in plan["space"]
    assert {"optimiser": "adamw", "patience": 3}.items() <= plan["tune"].items()
    assert "warmup" in plan["space"]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--metric", "loss"], "metric is 'loss', and the search was begun with 'label_accuracy'"),
        (["--metric", "auto"], None),
        (["--pruner", "none"], "pruner is 'none', and the search was begun with 'median'"),
        (["--base", "mini"], "base is 'mini', and the search was begun with"),
        (["--warmup", "0.1"], "warmup is 0.1, and the search was begun with 0.05"),
        (["--lr", "0.01"], "lr is 0.01, and the search was begun with 'a space to search'"),
        (["--space", "other.yaml"], "the space holds warmup, and the search was begun with another one: lr"),
        (["--epochs", "1", "--precision", "auto", "--trials", "1"], None),
    ],
)
def test_going_on_with_something_else_is_refused(words, what, bases, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text("lr: [0.001, 0.002]\n", encoding="utf-8")
    Path("other.yaml").write_text("warmup: [0.0, 0.1]\n", encoding="utf-8")
    begin = ["search", str(texts_file(tmp_path)), "--base", str(bases["bert"]), "--held-out", "0.2", "--epochs", "1"]
    with pytest.raises(SystemExit) as ended:
        main([*begin, "--space", "space.yaml", "--out", "s", "--trials", "1"])
    assert ended.value.code == 0, capsys.readouterr().err
    plan = Path("s/plan.json").read_text(encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["search", "--out", "s", "--resume", *words])
    told = " ".join(capsys.readouterr().err.split())
    assert (ended.value.code == 0) == (what is None), told
    assert what is None or what in told
    assert Path("s/plan.json").read_text(encoding="utf-8") == plan


def test_trials_can_be_read_with_optuna_alone(bases, tmp_path: Path):
    asked = SearchSettings(trials=1, space=SPACE)
    result = search(job(tmp_path, bases["bert"], epochs=1), asked, folder=tmp_path / "s", say=silent)
    url = f"sqlite:///{tmp_path / 's' / 'study.db'}"
    assert [one.study_name for one in optuna.get_all_study_summaries(url)] == [result.plan.study]
    assert optuna.load_study(study_name=None, storage=url).get_trials(states=(TrialState.COMPLETE,))
