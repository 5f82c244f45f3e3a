"""What an agent is told: unknown settings and tools are refused, notices are checked."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from dialoop.agent import AgentSettings
from dialoop.agent.notices import NOTICES, Notices, in_words
from dialoop.errors import SettingsError
from tests.agent.desk import Desk


def test_an_unknown_setting_is_refused():
    with pytest.raises(ValidationError):
        AgentSettings.model_validate({"sistem": "x"})
    assert AgentSettings().confirm


def test_a_tool_to_approve_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="'boook'"):
        Desk(tmp_path / "s.db", settings={"approve": ["boook"]})


@pytest.mark.parametrize(
    ("own", "what"),
    [
        ({"en": {"persn": "x"}}, "no such notice"),
        ({"en": {"person": " "}}, "empty"),
        ({"en": {"confirm": "Shall I?"}}, "which calls"),
    ],
)
def test_a_notice_that_will_not_do_is_refused(own: dict[str, dict[str, str]], what: str):
    with pytest.raises(SettingsError, match=what):
        Notices(own)


def test_every_notice_is_there_in_every_language_and_a_dialect_uses_its_language():
    assert {frozenset(texts) for texts in NOTICES.values()} == {frozenset(NOTICES["en"])}
    assert Notices().say("person", "zh-TW") == NOTICES["zh"]["person"]
    assert Notices().say("person", "fr") == NOTICES["en"]["person"]


def test_a_call_in_words_names_tool_and_values():
    given = {"room": "Lark", "nights": 2, "note": None, "tags": ["a", "b"]}
    assert in_words("book_room", given, "en") == "book room: room Lark, nights 2, tags a, b."
    assert in_words("book_room", {"room": "云雀"}, "zh") == "book room：room 云雀。"
    assert in_words("ping", {}, "en") == "ping."
    assert in_words("file_return", {"refund": True, "gift": False}, "en") == "file return: refund yes, gift no."
    assert in_words("file_return", {"refund": True, "tags": ["a", "b"]}, "zh") == "file return：refund 是，tags a、b。"
