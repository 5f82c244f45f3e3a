"""What a worker left behind or lost: one conversation that fails keeps no other back, an erased one keeps nothing."""

from pathlib import Path
from typing import Any

import pytest

from dialoop.errors import RequestError
from tests.agent.desk import Desk, Ledger, calls
from tests.agent.test_going_on import copied, desk_at, toolbox


def test_one_conversation_that_fails_leaves_the_others_to_be_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    source = desk_at(tmp_path / "whole.db", Ledger())
    source.say("hello")
    copied(source, tmp_path / "cut.db", 2)
    desk = desk_at(tmp_path / "cut.db", Ledger())
    abandoned, course = desk.store.abandoned, desk.agent._course

    async def failing(conversation: str) -> Any:
        if conversation == "c0":
            raise RuntimeError("CUDA out of memory")
        return await course(conversation)

    monkeypatch.setattr(desk.store, "abandoned", lambda limit: ["c0", *abandoned(limit)])
    monkeypatch.setattr(desk.agent, "_course", failing)
    assert desk.recover() == ["c1"]
    assert "c0 could not be gone on with" in caplog.text


def test_what_a_tool_tells_of_a_person_who_was_erased_meanwhile_is_not_kept(tmp_path: Path):
    box: list[Desk] = []

    def work() -> dict[str, Any]:
        box[0].store.erase("c1", reason="asked")
        return {"name": "Anna Berg", "phone": "+1 415 555 2671"}

    desk = Desk(tmp_path / "s.db", [calls(("slow", "{}"))], toolbox=toolbox(work))
    box.append(desk)
    with pytest.raises(RequestError) as refused:
        desk.say("Who am I?")
    assert (refused.value.status, refused.value.code) == (409, "conversation_erased")
    assert desk.store.vault.kept("c1") == []
    assert desk.store.abandoned() == []
    assert desk.kinds()[-1] == "erased"
