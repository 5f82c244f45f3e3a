"""Rounds that meet what goes wrong: a crash anywhere, two at once, a shelf that a person changed, another tenant."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dialoop.conversation import read_conversations
from dialoop.errors import RunError, SettingsError
from dialoop.learning import LearnSettings, Means, Round, Rounds, Trial, learn
from dialoop.learning.mixture import mixed
from dialoop.learning.rounds import Record
from dialoop.model import load_base, save_model, shelf
from dialoop.store import Store
from dialoop.training import Job, Quiet, RunResult, TuneSettings, Watch, tune
from dialoop.training.run_folder import RunFolder

from .served import asked_where, closed, days, file_of, go_on, records, serve

TUNE = TuneSettings(epochs=1, lr=5e-3, batch_size=8, precision="float32", device="cpu", look_every=1000)


@pytest.fixture
def settings(tmp_path: Path) -> LearnSettings:
    return LearnSettings(
        data=[file_of(tmp_path / "old.jsonl", records(8))],
        test=file_of(tmp_path / "test.jsonl", records(3, prefix="test", first=5000)),
        shelf=str(tmp_path / "shelf"),
        max_new_tokens=4,
        probes=0,
    )


class Told(Quiet):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


class Crash(Exception):
    """The machine stopped."""


def crashing(*args: object, **kwargs: object) -> None:
    raise Crash


def rehearsing(better: bool, meanwhile: Callable[[], None] = lambda: None) -> Callable[[str], list[Trial]]:
    """A rehearsal in which the second model asked for does all tasks, or none."""
    asked: list[str] = []

    def rehearse(model: str) -> list[Trial]:
        asked.append(model)
        done = (len(asked) % 2 == 0) is better
        if len(asked) == 2:
            meanwhile()
        return [Trial(task=f"task-{number}", succeeded=done) for number in range(20)]

    return rehearse


def record_of(ended: Round) -> Record:
    return Record.model_validate_json((ended.folder / "round.json").read_bytes())


def test_with_an_empty_shelf_what_serves_is_judged_against_and_goes_on_serving(
    store: Store, settings: LearnSettings, base: Path, tmp_path: Path
):
    days(store, 2)
    run = tune(Job(data=settings.data[0], base=str(base), tune=TUNE), run=tmp_path / "runs" / "x").folder
    ended = learn(store, settings, Means(serving=str(run), tune=TUNE, rehearse=rehearsing(False)))
    kept = shelf(settings.shelf)
    assert ended.decision is not None
    assert (ended.decision.promoted, ended.decision.against) == (False, "first")
    assert kept.current == kept.get("first")
    assert kept.get("first").fingerprint == load_base(run).fingerprint
    assert record_of(ended).start == str(run)


def test_where_it_is_not_known_what_serves_nothing_comes_into_service_but_what_is_better(
    store: Store, settings: LearnSettings, base: Path
):
    kept = shelf(settings.shelf)
    days(store, 2)
    learn(store, settings, Means(base=str(base), tune=TUNE, rehearse=rehearsing(False)))
    assert [version.name for version in kept.list()] == ["first", "round-1"]
    assert kept.current is None
    days(store, 2, first=10)
    second = learn(store, settings, Means(base=str(base), tune=TUNE, rehearse=rehearsing(True)))
    assert second.decision is not None
    assert second.decision.against == "first"  # it is there already
    assert kept.current == kept.get("round-2")


def test_the_base_anew_is_the_base_and_not_what_serves(
    store: Store, settings: LearnSettings, base: Path, tmp_path: Path
):
    days(store, 1)
    other = save_model(load_base(base), tmp_path / "other")
    anew = settings.model_copy(update={"start": "base"})
    ended = learn(store, anew, Means(base=str(base), serving=str(other), tune=TUNE, rehearse=rehearsing(False)))
    assert record_of(ended).start == str(base)


def test_another_tenants_conversations_do_not_come_onto_the_same_shelf(
    store: Store, settings: LearnSettings, base: Path
):
    days(store, 2)
    home = settings.model_copy(update={"tenant": "home"})
    first = learn(store, home, Means(base=str(base), tune=TUNE))
    assert record_of(first).tenant == "home"
    for tenant in ("elsewhere", None):
        with pytest.raises(SettingsError, match="--shelf"):
            learn(store, settings.model_copy(update={"tenant": tenant}), Means(base=str(base), again=True))
    assert len(Rounds(Path(settings.shelf)).folders()) == 1
    days(store, 1, first=20)
    assert learn(store, home, Means(base=str(base), tune=TUNE)).number == 2


def test_a_shelf_from_before_tenants_were_kept_is_gone_on_with(store: Store, settings: LearnSettings, base: Path):
    days(store, 1)
    first = learn(store, settings, Means(base=str(base), tune=TUNE))
    old = record_of(first).model_dump_json(exclude={"tenant", "made"})
    (first.folder / "round.json").write_text(old, encoding="utf-8")
    home = settings.model_copy(update={"tenant": "home"})
    assert learn(store, home, Means()).why == "nothing has come in since the last round"


def names_in(shelf_folder: str) -> set[str]:
    return {one.id for path in Path(shelf_folder).rglob("*.jsonl") if path.stat().st_size and "run" not in path.parts
            for one in read_conversations(path)}  # fmt: skip


def test_what_was_taken_back_before_it_was_erased_leaves_the_files_too(
    store: Store, settings: LearnSettings, base: Path
):
    means = Means(base=str(base), tune=TUNE)
    days(store, 3)
    learn(store, settings, means)
    go_on(store, "day-1", ("rated", {"by": "customer", "score": -1.0}))
    days(store, 1, first=30)
    assert learn(store, settings, means).collected.taken_back == 1
    assert "day-1" in names_in(settings.shelf)
    store.erase("day-1", reason="asked for")
    assert learn(store, settings, means).collected.erased == ["day-1"]
    assert "day-1" not in names_in(settings.shelf)


def test_what_was_erased_of_anybody_leaves_the_files(store: Store, settings: LearnSettings, base: Path):
    days(store, 2)
    folder = learn(store, settings, Means(base=str(base), tune=TUNE)).folder
    record = Record.model_validate_json((folder / "round.json").read_bytes()).model_copy(update={"tenant": "other"})
    (folder / "round.json").write_text(record.model_dump_json(), encoding="utf-8")
    store.erase("day-0", reason="asked for")
    other = settings.model_copy(update={"tenant": "other"})
    assert learn(store, other, Means()).collected.erased == ["day-0"]
    assert "day-0" not in names_in(settings.shelf)


def test_what_was_erased_is_not_taken_from_old_data_either(
    store: Store, settings: LearnSettings, base: Path, tmp_path: Path
):
    days(store, 2)
    export = [*records(8), *[one.model_copy(update={"id": "day-1"}) for one in records(1, first=300)]]
    store.erase("day-1", reason="asked for")
    again = settings.model_copy(update={"data": [file_of(tmp_path / "export.jsonl", export)]})
    learn(store, again, Means(base=str(base), tune=TUNE))
    assert "day-0" in names_in(settings.shelf)
    assert "day-1" not in names_in(settings.shelf)


def test_a_stopped_round_does_not_train_on_what_was_erased_since(store: Store, settings: LearnSettings, base: Path):
    days(store, 3)

    def stopping(job: Job, run: Path, watch: Watch) -> RunResult:
        result = tune(job, run=run, watch=watch)
        return replace(result, model=None, stopped_by=2)

    means = Means(base=str(base), tune=TUNE)
    assert learn(store, settings, replace(means, make=stopping)).decision is None
    store.erase("day-1", reason="asked for")
    watch = Told()
    ended = learn(store, settings, replace(means, watch=watch))
    assert ended.number == 1
    assert ended.decision is not None
    assert ended.collected.erased == ["day-1"]
    assert ended.collected.taken == 2
    assert "day-1" not in names_in(settings.shelf)
    assert any("begun anew" in line for line in watch.lines)


def test_one_round_at_a_time(store: Store, settings: LearnSettings, base: Path):
    days(store, 1)
    met: list[str] = []

    def another(job: Job, run: Path, watch: Watch) -> RunResult:
        with pytest.raises(RunError, match="a round is under way") as refused:
            learn(store, settings, Means(base=str(base)))
        met.append(refused.value.what)
        assert refused.value.exit_status == 2
        return tune(job, run=run, watch=watch)

    assert learn(store, settings, Means(base=str(base), tune=TUNE, make=another)).decision is not None
    assert met == ["a round is under way"]
    assert "nothing" in learn(store, settings, Means(base=str(base))).why  # and it lets go


def test_what_a_person_promoted_meanwhile_goes_on_serving(
    store: Store, settings: LearnSettings, base: Path, tmp_path: Path
):
    kept = shelf(settings.shelf)
    kept.add(base, "v1")
    kept.add(base, "v2", make_current=False)
    days(store, 1)
    rehearse = rehearsing(True, lambda: kept.promote("v2", by="anna") and None)
    ended = learn(store, settings, Means(tune=TUNE, rehearse=rehearse))
    assert kept.current == kept.get("v2")
    assert ended.decision is not None
    assert not ended.decision.promoted
    assert "v2 is in service, and v1 was expected" in ended.decision.reason
    assert "better: task success" in ended.decision.reason
    assert [one.action for one in kept.history() if one.version == "round-1"] == ["added"]
    assert "refused" in (ended.folder / "decision.md").read_text(encoding="utf-8").splitlines()[0]


@pytest.mark.parametrize(
    ("step", "better"),
    [
        ("add", True),
        ("add", False),
        ("promote", True),
        ("refuse", False),
        ("replace_file", True),
        ("replace_file", False),
    ],
)
def test_the_end_of_a_round_is_repeated_after_a_crash(
    store: Store, settings: LearnSettings, base: Path, monkeypatch: pytest.MonkeyPatch, step: str, better: bool
):
    days(store, 1)
    kept = shelf(settings.shelf)
    kept.add(base, "v1")
    means = Means(tune=TUNE, rehearse=rehearsing(better))
    place = "dialoop.learning.learning.replace_file" if step == "replace_file" else f"dialoop.model.Shelf.{step}"
    with monkeypatch.context() as broken:
        broken.setattr(place, crashing)
        with pytest.raises(Crash):
            learn(store, settings, means)
    ended = learn(store, settings, replace(means, rehearse=crashing, make=crashing, again=True))
    assert ended.number == 1
    assert ended.decision is not None
    assert ended.decision.promoted is better
    assert kept.current == kept.get("round-1" if better else "v1")
    done = [one.action for one in kept.history() if one.version == "round-1"]
    assert done == ["added", "promoted" if better else "refused"]
    assert record_of(ended).stage == "decided"
    assert record_of(ended).candidate == "round-1"
    assert (ended.folder / "decision.md").is_file()


def test_what_a_person_did_after_a_crash_is_not_done_over(
    store: Store, settings: LearnSettings, base: Path, monkeypatch: pytest.MonkeyPatch
):
    days(store, 1)
    kept = shelf(settings.shelf)
    kept.add(base, "v1")
    means = Means(tune=TUNE, rehearse=rehearsing(True))
    with monkeypatch.context() as broken:
        broken.setattr("dialoop.learning.learning.replace_file", crashing)
        with pytest.raises(Crash):
            learn(store, settings, means)
    kept.roll_back(by="anna")
    learn(store, settings, means)
    assert kept.current == kept.get("v1")


def failing(job: Job, run: Path, watch: Watch) -> None:
    """As a run that came to no step: its settings are kept, and nothing else."""
    RunFolder(run).begin(job)
    raise RunError("the loss is nan", where=run)


def test_a_round_that_failed_while_tuning_takes_other_settings(store: Store, settings: LearnSettings, base: Path):
    days(store, 1)
    with pytest.raises(RunError, match="nan"):
        learn(store, settings, Means(base=str(base), tune=TUNE, make=failing))  # type: ignore[arg-type]
    watch = Told()
    other = TUNE.model_copy(update={"lr": 1e-3})
    ended = learn(store, settings, Means(base=str(base), tune=other, watch=watch))
    assert ended.number == 1
    assert RunFolder(ended.folder / "run").job().tune.lr == 1e-3
    assert any("begun anew" in line and "lr 0.001 (it was 0.005)" in line for line in watch.lines)


def test_a_run_with_a_checkpoint_keeps_its_settings_and_says_so(store: Store, settings: LearnSettings, base: Path):
    days(store, 1)

    class Stopping(Told):
        def step(self, report: object, standing: object) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    stopped = learn(store, settings, Means(base=str(base), tune=TUNE, watch=Stopping()))
    assert stopped.decision is None
    watch = Told()
    other = TUNE.model_copy(update={"lr": 1e-3})
    ended = learn(store, settings, Means(base=str(base), tune=other, watch=watch))
    assert RunFolder(ended.folder / "run").job().tune.lr == 5e-3
    assert any("do not hold: lr 0.001" in line and "take" in line for line in watch.lines)


def test_a_candidate_is_judged_without_anything_new_and_without_old_data(
    store: Store, settings: LearnSettings, base: Path
):
    bare = settings.model_copy(update={"data": [], "fewest": 5})
    first = learn(store, bare, Means(serving=str(base), candidate=base, again=True))
    assert first.decision is not None
    days(store, 1)
    second = learn(store, bare, Means(candidate=base))
    assert second.decision is not None
    assert second.collected.taken == 1  # fewer than `fewest`
    third = learn(store, bare, Means(candidate=base))
    assert third.number == 3
    assert third.decision is not None


def test_a_candidate_takes_no_stopped_rounds_place(store: Store, settings: LearnSettings, base: Path, tmp_path: Path):
    days(store, 1)
    with pytest.raises(RunError, match="nan"):
        learn(store, settings, Means(base=str(base), tune=TUNE, make=failing))  # type: ignore[arg-type]
    with pytest.raises(RunError, match="half-way"):
        learn(store, settings, Means(candidate=base))
    ended = learn(store, settings, Means(base=str(base), tune=TUNE))
    assert (ended.folder / "run" / "model").is_dir()


def test_a_candidates_own_round_is_gone_on_with(store: Store, settings: LearnSettings, base: Path):
    days(store, 1)
    means = Means(serving=str(base), candidate=base)
    with pytest.raises(Crash):
        learn(store, settings, replace(means, rehearse=crashing))  # type: ignore[arg-type]
    ended = learn(store, settings, Means(serving=str(base), make=crashing))  # type: ignore[arg-type]
    assert ended.decision is not None
    assert record_of(ended).made == str(base.resolve())
    assert not (ended.folder / "run").exists()


def test_a_candidates_round_goes_on_without_what_was_erased(store: Store, settings: LearnSettings, base: Path):
    days(store, 3)
    means = Means(serving=str(base), candidate=base)
    with pytest.raises(Crash):
        learn(store, settings, replace(means, rehearse=crashing))  # type: ignore[arg-type]
    store.erase("day-2", reason="asked for")
    ended = learn(store, settings, Means(serving=str(base), make=crashing))  # type: ignore[arg-type]
    assert ended.decision is not None
    assert ended.collected.erased == ["day-2"]
    assert "day-2" not in names_in(settings.shelf)


def test_what_was_learnt_before_is_not_measured_on_as_fresh():
    new = records(14)
    known = {one.id for one in new[:4]}
    fresh = {one.id for one in mixed([], {}, new, 0.5, known).fresh}
    assert len(fresh) == 5
    assert not fresh & known
    assert mixed([], {}, new, 0.5, {one.id for one in new[:5]}).fresh == []  # nine are new: too few


def test_a_conversation_that_is_rated_again_is_trained_on_again(store: Store, settings: LearnSettings, base: Path):
    means = Means(base=str(base), tune=TUNE)
    half = settings.model_copy(update={"fresh": 0.5})
    days(store, 6)
    learn(store, half, means)
    for number in range(6):
        go_on(store, f"day-{number}", ("rated", {"by": "customer", "score": 1.0}))
    days(store, 6, first=40)
    second = learn(store, half, means)
    assert second.collected.taken == 12
    assert list((second.folder / "fresh.jsonl").read_bytes().splitlines()) == []
    serve(store, "one-more", *asked_where("lamp", 77), closed())
    for number in range(4):
        serve(store, f"more-{number}", *asked_where("desk", 80 + number), closed())
    days(store, 5, first=60)
    third = learn(store, half, means)
    fresh = {one.id for one in read_conversations(third.folder / "fresh.jsonl")}
    assert len(fresh) == 5
