"""The model in service: another version between two turns, never inside one; operators' passwords; the pace."""

import asyncio
import json
import stat

import pytest

from dialoop.engine import ScriptedEngine
from dialoop.errors import DataError, ModelError, RequestError, SettingsError
from dialoop.server import InService, Operators, Running, add_operator
from dialoop.server.pace import Pace


class Versions:
    """A shelf in a test: `current` is what should serve."""

    def __init__(self):
        self.current = "v1"
        self.engines = {"v1": ScriptedEngine([], name="v1")}
        self.broken = set()
        self.fault = ModelError("its weights are torn", remedy="roll back")

    def load(self, version):
        if version in self.broken:
            raise self.fault
        self.engines[version] = ScriptedEngine([], name=version)
        return self.engines[version]

    def served(self):
        return InService(Running(self.engines["v1"], "v1"), current=lambda: self.current, load=self.load)

    def open(self, version):
        return asyncio.run(self.engines[version].ready())


def test_a_promoted_version_serves_the_next_turn_and_not_the_one_that_runs():
    versions = Versions()
    seen = []

    async def story():
        model = versions.served()
        async with model.turn() as running:
            versions.current = "v2"
            async with model.turn() as other:
                seen.append((running.version, other.version, await versions.engines["v1"].ready()))
            seen.append((running.engine.models(), await versions.engines["v1"].ready()))
        seen.append(await versions.engines["v1"].ready())
        versions.current = "v1"
        async with model.turn() as running:
            seen.append((running.version, await versions.engines["v2"].ready()))
        await model.close()

    asyncio.run(story())
    assert seen == [("v1", "v2", True), (["v1"], True), False, ("v1", False)]


@pytest.mark.parametrize("fault", [ModelError("torn", remedy="roll back"), RuntimeError("CUDA out of memory")])
def test_a_version_that_cannot_be_loaded_leaves_the_old_one_and_is_tried_once(fault):
    versions = Versions()
    versions.fault = fault
    versions.broken = {"v2"}
    tried = []
    load = versions.load
    versions.load = lambda version: tried.append(version) or load(version)

    async def story():
        model = versions.served()
        versions.current = "v2"
        for _ in range(3):
            async with model.turn() as running:
                assert running.version == "v1"
        versions.current = "v3"
        async with model.turn() as running:
            assert running.version == "v3"

    asyncio.run(story())
    assert tried == ["v2", "v3"]


def test_many_turns_at_once_load_a_version_once():
    versions = Versions()
    loads = []
    load = versions.load
    versions.load = lambda version: loads.append(version) or load(version)

    async def story():
        model = versions.served()
        versions.current = "v2"

        async def turn():
            async with model.turn() as running:
                return running.version

        assert await asyncio.gather(*(turn() for _ in range(20))) == ["v2"] * 20

    asyncio.run(story())
    assert loads == ["v2"]


def test_passwords_are_kept_as_digests_for_their_owner_alone(tmp_path):
    path = tmp_path / "operators.json"
    assert add_operator(path, "Lin", "a long password")
    assert not add_operator(path, "Lin", "another password")
    assert add_operator(path, "小雨", "一个很长的密码吧")
    text = path.read_text(encoding="utf-8")
    assert "password" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    people = Operators(path)
    assert people.sign_in("Lin", "a long password") is None
    secret = people.sign_in("Lin", "another password")
    assert people.operator(secret) == "Lin"
    assert secret not in repr(people._sessions)
    people.sign_out(secret)
    assert people.operator(secret) is None
    assert people.sign_in("小雨", "一个很长的密码吧")
    assert people.operator("made up") is None


def test_a_session_ends_with_its_operators_password(tmp_path):
    path = tmp_path / "operators.json"
    add_operator(path, "Lin", "a long password")
    add_operator(path, "Kim", "a long password")
    people = Operators(path)
    lin, kim = people.sign_in("Lin", "a long password"), people.sign_in("Kim", "a long password")
    assert (people.operator(lin), people.operator(kim)) == ("Lin", "Kim")
    before = path.read_text()
    add_operator(path, "Lin", "another password")
    assert (people.operator(lin), people.operator(kim)) == (None, "Kim")
    path.write_text(before)
    assert people.operator(lin) is None  # for good
    path.write_text(json.dumps({"operators": {"Lin": json.loads(before)["operators"]["Lin"]}}))
    assert people.operator(kim) is None


def test_while_the_file_cannot_be_read_nobody_is_in(tmp_path):
    path = tmp_path / "operators.json"
    add_operator(path, "Lin", "a long password")
    people = Operators(path)
    secret = people.sign_in("Lin", "a long password")
    before = path.read_text()
    path.write_text("{")
    assert people.operator(secret) is None
    path.unlink()
    assert people.operator(secret) is None
    path.write_text(before)
    assert people.operator(secret) == "Lin"


def test_without_a_file_a_session_lasts():
    people = Operators()
    assert people.operator(people.sign_in("Lin", "")) == "Lin"


@pytest.mark.parametrize(("name", "password"), [("", "long enough"), (" x", "long enough"), ("Lin", "short")])
def test_names_and_passwords_that_will_not_do(tmp_path, name, password):
    with pytest.raises(DataError):
        add_operator(tmp_path / "operators.json", name, password)
    assert not (tmp_path / "operators.json").exists()


@pytest.mark.parametrize("text", ["", "{", '{"operators": {}}', '{"operators": ["Lin"]}'])
def test_a_file_that_names_nobody_is_refused(tmp_path, text):
    path = tmp_path / "operators.json"
    path.write_text(text)
    with pytest.raises(SettingsError):
        Operators(path)
    with pytest.raises(SettingsError):
        Operators(tmp_path / "not there.json")


def test_a_pace_by_whoever_goes():
    now = [0.0]
    pace = Pace(2, 60, clock=lambda: now[0])
    pace.check("a")
    now[0] = 30
    pace.check("a")
    with pytest.raises(RequestError, match="wait 30 seconds"):
        pace.check("a")
    pace.check("b")
    now[0] = 61
    pace.check("a")
