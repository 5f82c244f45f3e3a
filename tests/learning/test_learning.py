"""Rounds of learning from one end to the other, with tiny models: promote, refuse what is damaged, roll back."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dialoop.conversation import read_conversations
from dialoop.errors import DataError, RunError, SettingsError
from dialoop.learning import Decision, LearnSettings, Means, Rounds, Trial, learn
from dialoop.model import load_base, save_model, shelf
from dialoop.store import Store
from dialoop.training import Job, Quiet, RunResult, TuneSettings, Watch, tune

from .served import answered as said_agent
from .served import asked_where, days, file_of, go_on, protecting, records, serve
from .served import closed as ended

TUNE = TuneSettings(epochs=3, lr=5e-3, batch_size=4, precision="float32", device="cpu", look_every=1000)


@pytest.fixture
def settings(tmp_path: Path) -> LearnSettings:
    return LearnSettings(
        data=[file_of(tmp_path / "old.jsonl", records(30))],
        test=file_of(tmp_path / "test.jsonl", records(12, prefix="test", first=5000)),
        shelf=str(tmp_path / "shelf"),
        max_new_tokens=16,
        probes=4,
    )


def scrambled(folder: Path) -> Path:
    """The model in `folder` with its weights in another order."""
    base = load_base(folder)
    dice = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weights in base.model.parameters():
            flat = weights.flatten()
            weights.copy_(flat[torch.randperm(len(flat), generator=dice)].view_as(weights))
    return save_model(base, folder.parent / "scrambled")


def damaging(job: Job, run: Path, watch: Watch) -> RunResult:
    result = tune(job, run=run, watch=watch)
    assert result.model is not None
    return replace(result, model=scrambled(result.model))


def test_three_rounds_promote_refuse_and_roll_back(store: Store, settings: LearnSettings, base: Path):
    means = Means(serving=str(base), tune=TUNE)
    kept = shelf(settings.shelf)

    days(store, 12)
    first = learn(store, settings, means)
    assert first.decision is not None
    assert first.decision.promoted, first.decision.page
    assert kept.current == kept.get("round-1")
    assert first.collected.taken == 12
    assert first.collected.good_by == {"checker": 12}
    assert {finding.on for finding in first.decision.findings} == {"the test", "new conversations"}
    assert {(one.conversations, one.outcome == "few") for one in first.decision.findings} == {(12, False), (2, True)}

    days(store, 5, first=100)
    second = learn(store, settings, replace(means, make=damaging))
    assert second.decision is not None
    assert not second.decision.promoted
    assert "worse" in second.decision.reason
    assert kept.current == kept.get("round-1")
    assert second.collected.taken == 5

    page = (second.folder / "decision.md").read_text(encoding="utf-8")
    assert page.startswith("# round-2: refused")
    assert "perplexity on the test" in page
    assert Decision.model_validate_json((second.folder / "decision.json").read_bytes()) == second.decision
    trained = [one.id for one in read_conversations(second.folder / "train.jsonl")]
    assert sum(name.startswith("day-") for name in trained) == 17
    assert sum(name.startswith("old-") for name in trained) == 30
    assert not any(name.startswith("test-") for name in trained)

    days(store, 1, first=200)
    third = learn(store, settings, replace(means, candidate=kept.folder("round-1")))
    assert third.decision is not None
    assert not third.decision.promoted
    assert third.decision.reason.startswith("It is better in nothing")

    assert [one.action for one in kept.history()] == [*["added", "promoted"] * 2, *["added", "refused"] * 2]
    assert kept.roll_back(by="anna").name == "first"
    assert load_base(kept.folder("first")).fingerprint == load_base(base).fingerprint
    assert learn(store, settings, means).why == "nothing has come in since the last round"


@pytest.mark.parametrize(
    ("before", "after", "promoted", "word"),
    [
        (10, 20, True, "better: task success on rehearsal"),
        (20, 10, False, "worse: task success on rehearsal"),
        (20, 17, False, "worse: task success on rehearsal"),
        (18, 19, False, "better in nothing"),
    ],
)
def test_a_rehearsal_decides_where_the_tests_see_no_difference(
    store: Store, settings: LearnSettings, base: Path, before: int, after: int, promoted: bool, word: str
):
    asked: list[str] = []

    def rehearse(model: str) -> list[Trial]:
        asked.append(Path(model).name)
        done = before if asked[-1] == "first" else after
        return [Trial(task=f"task-{n}", succeeded=n < done, lang="en") for n in range(20)]

    days(store, 4)
    ended = learn(store, settings, Means(base=str(base), candidate=base, rehearse=rehearse))
    assert ended.decision is not None
    assert ended.decision.promoted is promoted
    assert word in ended.decision.reason
    assert asked == ["first", base.name]
    assert (shelf(settings.shelf).current or shelf(settings.shelf).get("first")).name == (
        "round-1" if promoted else "first"
    )


def test_a_torn_candidate_is_refused_and_not_put_on_the_shelf(store: Store, settings: LearnSettings, base: Path):
    days(store, 2)
    candidate = save_model(load_base(base), Path(settings.shelf).parent / "made")
    (candidate / "model.safetensors").write_bytes(b"")
    ended = learn(store, settings, Means(base=str(base), candidate=candidate))
    assert ended.decision is not None
    assert not ended.decision.promoted
    assert "could not be measured" in ended.decision.reason
    assert "not put on the shelf" in ended.decision.notes[-1]
    assert [version.name for version in shelf(settings.shelf).list()] == ["first"]


def test_a_round_that_was_stopped_is_gone_on_with(store: Store, settings: LearnSettings, base: Path):
    days(store, 4)

    class Stopping(Quiet):
        def __init__(self) -> None:
            self.steps = 0

        def say(self, line: str) -> None:
            pass

        def step(self, report: object, standing: object) -> None:
            self.steps += 1
            if self.steps == 3:
                os.kill(os.getpid(), signal.SIGINT)

        def close(self) -> None:
            pass

    means = Means(base=str(base), tune=TUNE.model_copy(update={"epochs": 0.5}), watch=Stopping())
    stopped = learn(store, settings, means)
    assert stopped.stopped_by == signal.SIGINT
    assert stopped.decision is None
    days(store, 3, first=50)  # comes in between: it is for the next round
    gone_on = learn(store, settings, replace(means, watch=Quiet()))
    assert gone_on.number == stopped.number == 1
    assert gone_on.decision is not None
    assert gone_on.collected.taken == 4
    assert learn(store, settings, Means(base=str(base), candidate=base)).collected.taken == 3


def interrupted(job: Job, run: Path, watch: Watch) -> RunResult:
    raise RunError("the machine stopped here", where=run)


def test_a_crash_while_tuning_loses_no_conversation(store: Store, settings: LearnSettings, base: Path):
    days(store, 4)
    with pytest.raises(RunError):
        learn(store, settings, Means(base=str(base), make=interrupted))
    ended = learn(store, settings, Means(base=str(base), tune=TUNE))
    assert ended.number == 1
    assert ended.collected.taken == 4


def test_too_few_conversations_wait_for_more(store: Store, settings: LearnSettings, base: Path):
    settings = settings.model_copy(update={"fewest": 3})
    means = Means(base=str(base), tune=TUNE)
    days(store, 2)
    waiting = learn(store, settings, means)
    assert waiting.decision is None
    assert "2 conversations are there to learn from, and 3 are needed" in waiting.why
    assert waiting.drift is not None
    days(store, 1, first=10)
    assert learn(store, settings, means).collected.taken == 3


def test_what_was_erased_leaves_every_rounds_files(store: Store, settings: LearnSettings, base: Path):
    days(store, 3)
    go_on(store, "day-2", ("rated", {"by": "customer", "score": 1.0, "said_at": 3}))
    serve(store, "thumb", *asked_where("lamp", 500), ("rated", {"by": "customer", "score": -1.0, "said_at": 3}))
    means = Means(base=str(base), candidate=base)
    first = learn(store, settings, means)
    assert "day-1" in (first.folder / "train.jsonl").read_text(encoding="utf-8")
    kept = {one.id: one.ratings for one in read_conversations(first.folder / "rated.jsonl")}
    assert kept == {"day-2": {2: 1.0}, "thumb": {2: -1.0}}
    store.erase("day-1", reason="asked for")
    store.erase("thumb", reason="asked for")
    days(store, 1, first=70)
    second = learn(store, settings, means)
    assert second.collected.erased == ["day-1"]
    for path in Path(settings.shelf).rglob("*.jsonl"):
        assert "day-1" not in path.read_text(encoding="utf-8"), path
        assert "thumb" not in path.read_text(encoding="utf-8"), path
    assert set(Rounds(Path(settings.shelf)).learnt()) == {"day-0", "day-2", "day-70"}
    assert second.decision is not None
    assert any("erased" in note for note in second.decision.notes)


def test_no_private_value_comes_into_any_file_of_a_round(store: Store, settings: LearnSettings, base: Path):
    words = "I am Olivia Stonebridge, 020 7946 0958, olivia@example.org. Where is the lamp?"
    serve(store, "c", protecting(store, "c", words), said_agent("In the hall, <name_1>."), ended(), customer="o@x.org")
    done = learn(store, settings, Means(base=str(base), tune=TUNE))
    assert done.decision is not None
    assert done.decision.probe is not None
    assert done.decision.probe.prompts >= 2
    read = 0
    for path in Path(settings.shelf).rglob("*"):
        if path.is_file() and path.suffix != ".safetensors":
            text = path.read_text(encoding="utf-8")
            read += "<phone_1>" in text
            assert not any(value in text for value in ("Stonebridge", "7946", "olivia@", "o@x.org")), path
    assert read


@pytest.mark.parametrize("missing", ["test", "data"])
def test_what_is_missing_is_told(store: Store, settings: LearnSettings, base: Path, missing: str):
    days(store, 1)
    if missing == "data":
        broken = settings.model_copy(update={"data": ["nowhere.jsonl"]})
        with pytest.raises(DataError, match=r"nowhere\.jsonl"):
            learn(store, broken, Means(base=str(base)))
    else:
        alone = settings.model_copy(update={"test": None})
        with pytest.raises(SettingsError, match="nothing to judge"):
            learn(store, alone, Means(base=str(base), candidate=base))


def test_a_test_that_was_changed_is_told(store: Store, settings: LearnSettings, base: Path, tmp_path: Path):
    means = Means(base=str(base), candidate=base)
    days(store, 1)
    learn(store, settings, means)
    file_of(Path(settings.test or ""), records(5, prefix="other", first=9000))
    days(store, 1, first=10)
    told = learn(store, settings, means).decision
    assert told is not None
    assert any("not that of the round before" in note for note in told.notes)


def test_figures_are_kept_with_the_version(store: Store, settings: LearnSettings, base: Path):
    days(store, 2)
    learn(store, settings, Means(base=str(base), candidate=base))
    version = shelf(settings.shelf).get("round-1")
    assert "perplexity on the test" in version.metrics
    json.dumps(version.metrics)
