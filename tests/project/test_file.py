"""The project file: what it gives the verbs, and how it refuses, with file and line, what no room knows."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.errors import SettingsError
from dialoop.evaluation import EvaluationSettings
from dialoop.project import explain_project, load_agents, load_project


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "dialoop.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refused(path: Path) -> SettingsError:
    with pytest.raises(SettingsError) as error:
        load_project(path)
    return error.value


def test_top_level_keys_become_defaults_of_the_verbs_that_use_them(written):
    defaults = load_project(written("base: mini\nmodel: runs/first\ndata: logs.jsonl\n"))
    assert defaults["check"] == {"base": "mini", "files": ["logs.jsonl"]}
    assert defaults["tune"] == {"base": "mini", "data": "logs.jsonl"}
    assert defaults["serve"] == defaults["chat"] == {"model": "runs/first"}


def test_a_section_gives_only_what_it_sets(written):
    assert load_project(written("evaluate:\n  limit: 20\n  generate: false\n")) == {
        "evaluate": {"limit": 20, "generate": False}
    }


def test_a_value_is_taken_in_every_way_that_its_room_takes_it(written):
    assert load_project(written("tune:\n  held_out: 0.2\n  epochs: 3\n"))["tune"] == {"held_out": "0.2", "epochs": 3.0}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "evaluate:\n", "---\n"])
def test_a_file_that_sets_nothing_gives_nothing(text, written):
    assert load_project(written(text)) == {}


def test_a_byte_order_mark_is_no_fault(written):
    assert load_project(written(b"\xef\xbb\xbfbase: mini\n"))["tune"] == {"base": "mini"}


@pytest.mark.parametrize(
    ("text", "line", "what", "remedy"),
    [
        ("# ours\nbse: mini\n", 2, "no setting `bse`", "did you mean `base`?"),
        ("evalute:\n  limit: 3\n", 1, "no setting `evalute`", "did you mean `evaluate`?"),
        ("evaluate:\n  seed: 1\n  limmit: 3\n", 3, "no setting `evaluate.limmit`", "did you mean `limit`?"),
        ("evaluate:\n  seed: 1\n  colour: red\n", 3, "no setting `evaluate.colour`", "the settings here are: seed"),
        ("agents:\n  inn:\n    sytem: Hi\n", 3, "no setting `agents.inn.sytem`", "did you mean `system`?"),
        ("agents:\n  inn:\n    max_steps: 0\n", 3, "`agents.inn.max_steps` is 0", "docs/project-file.md"),
        ("agents:\n  inn: 7\n", 2, "`agents.inn` is an agent's settings", "indent"),
        ("agents:\n  'my inn': {}\n", 2, "'my inn' cannot name an agent", "letters"),
        ("\nagents: [inn]\n", 2, "`agents` is a section", "each agent's name"),
        ("agent:\n  inn: {}\n", 1, "no setting `agent`", "did you mean `agents`?"),
        ("evaluate:\n  limit: 0\n", 2, "`evaluate.limit` is 0", "docs/project-file.md"),
        ("evaluate:\n  limit: many\n", 2, "`evaluate.limit` is 'many'", "docs/project-file.md"),
        ("base: [mini]\n", 1, "`base` is ['mini']", "docs/project-file.md"),
        ("\nevaluate: 7\n", 2, "`evaluate` is a section", "indent"),
        ("base: mini\nbase: other\n", 2, "`base` is set twice: here and on line 1", "keep one"),
        ("evaluate:\n  limit: 1\n  limit: 2\n", 3, "`limit` is set twice", "keep one"),
        ("evaluate: {limit: 1\n", 2, "this is no YAML", "name: value"),
        ("base: !!python/object/apply:os.system ['true']\n", 1, "this is no YAML", "name: value"),
        ("- base\n- model\n", 1, "this is a list", "base: mini"),
        ("just words\n", 1, "this is a str", "base: mini"),
    ],
)
def test_what_no_room_knows_is_refused_with_its_line(text, line, what, remedy, written):
    path = written(text)
    error = refused(path)
    assert str(error.where) == f"{path}:{line}"
    assert what in error.what
    assert remedy in (error.remedy or "")


def test_further_faults_are_counted(written):
    assert "; 1 more after this one" in refused(written("evaluate:\n  limit: 0\n  seed: -1\n")).what


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        ("base: mini\nmodel: 酒店\n".encode("gb18030"), "no UTF-8"),
        (b"base: \x00\n", "no YAML"),
        (b"[" * 20_000, "nested too deep"),
        (b"a: 1\n" * 300_000, "above 1,000,000 bytes"),
    ],
    ids=["gb18030", "nul", "deep", "large"],
)
def test_what_is_no_settings_file_at_all_is_refused(raw, what, written):
    path = written(raw)
    error = refused(path)
    assert what in error.what
    assert error.where is not None
    assert error.where.path == str(path)


def test_a_missing_file_is_refused(tmp_path: Path):
    assert "no such file" in refused(tmp_path / "dialoop.yaml").what


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes):
    path = tmp_path_factory.mktemp("any") / "dialoop.yaml"
    path.write_bytes(raw)
    with suppress(SettingsError):
        assert isinstance(load_project(path), dict)


def test_agents_are_read_with_their_settings(written):
    path = written("agents:\n  inn:\n    system: You are the desk.\n    approve: [cancel]\n  quiet:\n")
    agents = load_agents(path)
    assert list(agents) == ["inn", "quiet"]
    assert (agents["inn"].system, agents["inn"].approve, agents["inn"].confirm) == (
        "You are the desk.",
        ["cancel"],
        True,
    )
    assert agents["quiet"].system is None
    assert load_project(path) == {}
    assert load_agents(written("base: mini\n")) == {}


def test_every_setting_is_explained():
    entries = {entry.key: entry for entry in explain_project()}
    assert {"base", "data", "model"} <= set(entries)
    assert {f"evaluate.{name}" for name in EvaluationSettings.model_fields} <= set(entries)
    assert [entry.key for entry in entries.values() if not entry.about] == []
