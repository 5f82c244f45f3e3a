"""Settings of tuning: refused where no one knows them, kept with a run so that it can be repeated."""

from pathlib import Path

import pytest

from dialoop.errors import SettingsError
from dialoop.training import Job, TuneSettings, checked
from dialoop.training.settings import default_batch_size, default_epochs, default_rate, read_job

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("values", "what", "remedy"),
    [
        ({"epoch": 3}, "no setting `epoch`", "did you mean `epochs`?"),
        ({"colour": "red"}, "no setting `colour`", "the settings are: head, epochs"),
        ({"lr": 0}, "`lr` is 0", "docs/training.md"),
        ({"lr": "fast"}, "`lr` is 'fast'", "docs/training.md"),
        ({"epochs": float("nan")}, "`epochs` is nan", "docs/training.md"),
        ({"optimiser": "adamax"}, "`optimiser` is 'adamax'", "docs/training.md"),
        ({"train": "top:0"}, "`train` is 'top:0'", "docs/training.md"),
        ({"nesterov": True}, "nesterov needs the optimiser sgd", "docs/training.md"),
    ],
)
def test_what_is_not_known_is_refused_with_the_nearest(values, what, remedy):
    with pytest.raises(SettingsError) as error:
        checked(values)
    assert what in error.value.what
    assert remedy in (error.value.remedy or "")


def test_a_job_comes_back_from_its_file(tmp_path: Path):
    job = Job(data="日志.jsonl", base="mini", tune=TuneSettings(epochs=2.5, held_out="0.2", adapter="lora"))
    path = tmp_path / "settings.yaml"
    path.write_text(job.write(), encoding="utf-8")
    assert read_job(path) == job


@pytest.mark.parametrize("text", ["data: a\ntune: {epochz: 3}\n", "data: [\n", "- 1\n", "\x00"])
def test_a_file_that_is_no_job_is_refused(text, tmp_path: Path):
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        read_job(path)
    assert str(error.value.where) == str(path)


def test_little_data_is_gone_through_more_often_in_smaller_steps():
    assert [default_epochs(n) for n in (1, 3, 100, 540, 12_000)] == [30, 30, 20, 4, 3]
    assert [default_batch_size(n) for n in (1, 3, 100, 540, 12_000)] == [1, 1, 1, 5, 16]


def test_a_larger_base_gets_a_lower_rate():
    rates = [default_rate(weights) for weights in (10**5, 10**7, 10**8, 10**9, 10**10)]
    assert rates == pytest.approx([2e-3, 1.5e-3, 1.5e-4, 1.5e-5, 1e-5])
    assert default_rate(600_000_000, adapter="lora") == 2e-4
    assert default_rate(110_000_000, encoder=True) == pytest.approx(4.1e-5, rel=0.01)
    assert default_rate(10**5, encoder=True) == default_rate(10**5)
    assert default_rate(600_000_000, adapter="ia3") == 3e-3
    assert default_rate(10**8, optimiser="sgd") == pytest.approx(7.5e-3)


def test_every_setting_is_told_in_the_documents():
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    missing = [name for name in TuneSettings.model_fields if f"`{name}`" not in page]
    assert not missing


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"lora_rank": 64}, "lora_rank needs an adapter"),
        ({"adapter": "ia3", "lora_alpha": 8.0}, "lora_alpha needs an adapter: lora, dora or rslora"),
        ({"beta": 0.3}, "beta needs the objective dpo or kto"),
        ({"objective": "dpo", "desirable_weight": 2.0}, "needs the objective kto"),
        ({"momentum": 0.5}, "momentum needs the optimiser sgd"),
        ({"optimiser": "sgd", "beta1": 0.5}, "beta1 needs another optimiser than sgd"),
        ({"average": "tail", "average_decay": 0.9}, "average_decay needs average ema"),
        ({"average_tail": 0.5}, "average_tail needs average tail"),
    ],
)
def test_what_would_do_nothing_is_refused(values, told):
    with pytest.raises(SettingsError, match=told):
        checked(values)


def test_settings_are_refused_only_where_they_say_something_else_than_the_default():
    assert checked({"lora_rank": 16, "beta": 0.1, "momentum": 0.9}).lora_rank == 16
    assert checked({"adapter": "dora", "lora_rank": 64}).lora_rank == 64
