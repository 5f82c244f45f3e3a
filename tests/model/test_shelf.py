"""The shelf keeps versions, and names find models."""

import subprocess
import sys
from pathlib import Path
from threading import Thread

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

from dialoop.errors import ModelError
from dialoop.model import load_base, resolve_model, save_model, shelf
from dialoop.model.shelf import ServiceChanged

from ..tiny_models import tiny_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_model(load_base(tiny_model("llama", tmp_path / "base")), tmp_path / "tuned")


def test_versions_are_added_found_and_promoted(tmp_path: Path, model: Path):
    kept = shelf(tmp_path / "shelf")
    assert kept.list() == []
    assert kept.current is None
    kept.add(model, "first", metrics={"exact": 0.5})
    kept.add(model, "second", make_current=False)
    assert [version.name for version in shelf(tmp_path / "shelf").list()] == ["first", "second"]
    assert kept.current == kept.get("first")
    assert kept.get("first").metrics == {"exact": 0.5}
    kept.promote("second", by="anna", why="it knows the new rooms")
    assert shelf(tmp_path / "shelf").current == kept.get("second")
    assert (
        load_base(kept.folder("second")).fingerprint == kept.get("second").fingerprint == load_base(model).fingerprint
    )


def test_a_version_that_was_only_added_does_not_serve(tmp_path: Path, model: Path):
    kept = shelf(tmp_path / "shelf")
    kept.add(model, "candidate", make_current=False)
    assert kept.current is None


def test_every_change_says_who_and_why(tmp_path: Path, model: Path):
    kept = shelf(tmp_path / "shelf")
    kept.add(model, "first", by="anna", why="the beginning")
    kept.add(model, "second", make_current=False, by="learn", why="round 1")
    kept.promote("second", by="learn", why="better calls")
    kept.promote("second", by="learn", why="again: nothing happens")
    kept.roll_back(by="ben", why="a complaint")
    told = [(one.action, one.version, one.former, one.by, one.why) for one in shelf(tmp_path / "shelf").history()]
    assert told == [
        ("promoted", "first", None, "anna", "the beginning"),
        ("added", "second", "first", "learn", "round 1"),
        ("promoted", "second", "first", "learn", "better calls"),
        ("rolled_back", "first", "second", "ben", "a complaint"),
    ]


def test_a_version_is_promoted_only_after_the_one_that_was_expected(tmp_path: Path, model: Path):
    kept = shelf(tmp_path / "shelf")
    kept.add(model, "one", make_current=False)
    kept.promote("one", expected=None)
    kept.add(model, "two", make_current=False)
    for expected in (None, "two-and-a-half"):
        with pytest.raises(ServiceChanged, match="one is in service"):
            kept.promote("two", expected=expected)
    assert kept.current == kept.get("one")
    kept.promote("two", expected="one")
    kept.promote("two", expected="one")  # it serves already
    assert kept.current == kept.get("two")
    kept.promote("one")
    assert [one.action for one in kept.history()] == ["added", "promoted", "added", "promoted", "promoted"]


def test_a_folder_that_a_crash_left_is_no_version_and_takes_no_name(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
):
    kept = shelf(tmp_path / "shelf")

    def crash(path: Path, text: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(sys.modules["dialoop.model.shelf"], "replace_file", crash)
        with pytest.raises(KeyboardInterrupt):
            kept.add(model, "hotel")
    assert (tmp_path / "shelf" / "hotel").is_dir()
    assert kept.list() == []
    (tmp_path / "shelf" / "hotel" / "left.txt").write_text("from before")
    kept.add(model, "hotel")
    assert load_base(kept.folder("hotel")).fingerprint == load_base(model).fingerprint
    assert not (kept.folder("hotel") / "left.txt").exists()


def test_what_is_no_models_folder_is_not_replaced(tmp_path: Path, model: Path):
    notes = tmp_path / "shelf" / "notes"
    notes.mkdir(parents=True)
    (notes / "mine.txt").write_text("mine")
    with pytest.raises(ModelError, match="already"):
        shelf(tmp_path / "shelf").add(model, "notes")
    assert (notes / "mine.txt").read_text() == "mine"


def test_rolling_back_goes_back_step_by_step_and_no_further(tmp_path: Path, model: Path):
    kept = shelf(tmp_path / "shelf")
    for name in ("one", "two", "three"):
        kept.add(model, name)
    assert kept.roll_back().name == "two"
    assert kept.roll_back().name == "one"
    with pytest.raises(ModelError, match="no version was in service before"):
        kept.roll_back()
    assert kept.current == kept.get("one")
    kept.promote("three")
    assert kept.roll_back().name == "one"


def test_a_refused_version_serves_only_if_a_person_says_anyway(tmp_path: Path, model: Path):
    kept = shelf(tmp_path / "shelf")
    kept.add(model, "one")
    kept.add(model, "two", make_current=False)
    kept.refuse("two", by="learn", why="it calls what is not there")
    with pytest.raises(ModelError, match="it calls what is not there"):
        kept.promote("two")
    assert kept.current == kept.get("one")
    kept.promote("two", anyway=True)
    assert kept.current == kept.get("two")
    with pytest.raises(ModelError, match="in service"):
        kept.refuse("two")


@pytest.mark.parametrize("way", ["promote", "roll back"])
def test_a_version_whose_weights_were_changed_does_not_come_into_service(tmp_path: Path, model: Path, way: str):
    kept = shelf(tmp_path / "shelf")
    kept.add(model, "one")
    kept.add(model, "two")
    damaged = {"promote": "three", "roll back": "one"}[way]
    kept.add(model, "three", make_current=False)
    weights = kept.folder(damaged) / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="torn"):
        kept.promote("three") if way == "promote" else kept.roll_back()
    assert kept.current == kept.get("two")


def test_who_asks_again_sees_what_another_process_changed_and_reads_only_then(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
):
    asked, other = shelf(tmp_path / "shelf"), shelf(tmp_path / "shelf")
    other.add(model, "one")
    assert asked.current == other.get("one")
    reads: list[Path] = []
    read_text = Path.read_text

    def counted(self: Path, *args: str | None, **kwargs: str | None) -> str:
        reads.append(self)
        return read_text(self, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", counted)
    for _ in range(5):
        assert asked.current == other.get("one")
    assert reads == []
    other.add(model, "two")
    assert asked.current == other.get("two")
    other.roll_back()
    assert asked.current == other.get("one")


def test_two_processes_that_change_a_shelf_lose_nothing(tmp_path: Path, model: Path):
    def add(name: str) -> None:
        shelf(tmp_path / "shelf").add(model, name, make_current=False)

    threads = [Thread(target=add, args=(f"v{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(version.name for version in shelf(tmp_path / "shelf").list()) == [f"v{n}" for n in range(8)]


def test_asking_for_the_current_version_loads_no_torch():
    code = (
        "import sys; from dialoop.model import shelf; assert shelf('x').current is None; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_version_is_found_by_its_name(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    shelf().add(model, "hotel-1")
    assert resolve_model("hotel-1").resolve() == (tmp_path / "shelf" / "hotel-1").resolve()
    assert load_base("hotel-1").name == "hotel-1"


@pytest.mark.parametrize("name", ["", "a/b", "../x", ".hidden", "mini", "shelf.json", "rounds", "x" * 65])
def test_a_name_that_would_mislead_is_refused(tmp_path: Path, model: Path, name: str):
    with pytest.raises(ModelError, match="cannot name a version"):
        shelf(tmp_path / "shelf").add(model, name)


def test_a_name_is_taken_once_and_a_wrong_one_gets_the_nearest(tmp_path: Path, model: Path):
    kept = shelf(tmp_path / "shelf")
    with pytest.raises(ModelError, match="shelf is empty"):
        kept.get("hotel")
    kept.add(model, "hotel")
    with pytest.raises(ModelError, match="already"):
        kept.add(model, "hotel")
    with pytest.raises(ModelError, match="did you mean 'hotel'"):
        kept.promote("hotle")


def test_a_torn_model_does_not_come_onto_the_shelf(tmp_path: Path, model: Path):
    (model / "model.safetensors").write_bytes(b"")
    kept = shelf(tmp_path / "shelf")
    with pytest.raises(ModelError, match="torn"):
        kept.add(model, "hotel")
    assert kept.list() == []
    assert not (tmp_path / "shelf" / "hotel").exists()


def test_an_index_that_cannot_be_read_is_told(tmp_path: Path):
    (tmp_path / "shelf.json").write_text('{"versions": [')
    with pytest.raises(ModelError, match="index"):
        shelf(tmp_path).list()


def test_a_runs_folder_is_its_model(tmp_path: Path, model: Path):
    (tmp_path / "run").mkdir()
    model.rename(tmp_path / "run" / "model")
    assert resolve_model(tmp_path / "run") == tmp_path / "run" / "model"
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="no model"):
        resolve_model(tmp_path / "empty")
    with pytest.raises(ModelError, match="a model is a folder"):
        resolve_model(tmp_path / "run" / "model" / "config.json")


def test_a_base_that_is_not_there_brings_the_nearest_names(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    shelf().add(model, "hotel-1")

    def unreachable(*args: object, **kwargs: object) -> str:
        raise LocalEntryNotFoundError("offline")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    for wrong, near in (
        ("minni", "mini"),
        ("hotel1", "hotel-1"),
        ("Qwen/Qwen3-0.6", "Qwen/Qwen3-0.6B"),
        ("./tunde", "tuned"),
    ):
        with pytest.raises(ModelError) as refused:
            load_base(wrong)
        assert near in str(refused.value)
        assert repr(wrong) in str(refused.value)
    for wrong in ("", "no such name!", "a/b/c", "/nowhere/at/all", "~/x"):
        with pytest.raises(ModelError):
            load_base(wrong)


def test_a_hub_name_is_fetched_without_pickles_or_code(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    asked: list[tuple[str, list[str]]] = []

    def fetch(name: str, *, allow_patterns: list[str], ignore_patterns: list[str]) -> str:
        asked.append((name, allow_patterns))
        return str(model)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert load_base("someone/some-model").path == model
    [(name, patterns)] = asked
    assert name == "someone/some-model"
    assert not any(pattern.endswith((".bin", ".pt", ".py", "*")) for pattern in patterns)


def test_a_hub_that_has_no_such_model_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def missing(*args: object, **kwargs: object) -> str:
        import httpx

        request = httpx.Request("GET", "https://example.invalid/x")
        raise RepositoryNotFoundError("404: no such repository", response=httpx.Response(404, request=request))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", missing)
    with pytest.raises(ModelError, match="there is no base 'someone/nothing'"):
        load_base("someone/nothing")
