"""The shelf keeps versions, and names find models."""

from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

from dialoop.errors import ModelError
from dialoop.model import load_base, resolve_model, save_model, shelf

from ..tiny_models import tiny_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_model(load_base(tiny_model("llama", tmp_path / "base")), tmp_path / "tuned")


def test_versions_are_added_found_and_rolled_back(tmp_path: Path, model: Path):
    kept = shelf(tmp_path / "shelf")
    assert kept.list() == []
    assert kept.current is None
    kept.add(model, "first", metrics={"exact": 0.5})
    kept.add(model, "second", make_current=False)
    assert [version.name for version in shelf(tmp_path / "shelf").list()] == ["first", "second"]
    assert kept.current == kept.get("first")
    assert kept.get("first").metrics == {"exact": 0.5}
    kept.use("second")
    assert shelf(tmp_path / "shelf").current == kept.get("second")
    assert (
        load_base(kept.folder("second")).fingerprint == kept.get("second").fingerprint == load_base(model).fingerprint
    )


def test_a_version_is_found_by_its_name(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    shelf().add(model, "hotel-1")
    assert resolve_model("hotel-1").resolve() == (tmp_path / "shelf" / "hotel-1").resolve()
    assert load_base("hotel-1").name == "hotel-1"


@pytest.mark.parametrize("name", ["", "a/b", "../x", ".hidden", "mini", "shelf.json", "x" * 65])
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
        kept.use("hotle")


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

    def fetch(name: str, *, allow_patterns: list[str]) -> str:
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
