"""The agent on a real PostgreSQL: a turn, a repeated message, a second worker that goes on where the first one died."""

import pytest

from dialoop.store import open_store
from tests.agent.desk import BOOK, Desk, Ledger, RulesEngine, calls
from tests.agent.test_going_on import check_finished, model


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def test_a_conversation_with_a_booking(postgres: str, ledger: Ledger):
    desk = Desk(
        postgres, ["The Lark, 2 nights, <name_1>. Shall I book?", calls(BOOK), "Done, <name_1>."], ledger=ledger
    )
    desk.say("I am Anna Berg", key="m1")
    assert desk.say("yes", key="m2").text == "Done, Anna Berg."
    assert desk.say("yes", key="m2").text == "Done, Anna Berg."
    assert list(ledger.effects.values()) == [("Lark", 2, "Anna Berg")]
    assert "Anna" not in "".join(event.model_dump_json() for event in desk.events())
    desk.store.erase("c1", reason="asked for")
    assert desk.store.vault.kept("c1") == []
    desk.store.close()


def test_another_worker_goes_on_after_every_cut(postgres: str, second_postgres: str, ledger: Ledger):
    source = Desk(postgres, engine=RulesEngine(model), ledger=ledger)
    source.say("what is free?", key="m1")
    log = source.events()
    with open_store(second_postgres) as store:
        for upto in range(2, len(log) + 1):
            name = f"c{upto}"
            lease = store.acquire(name, "dead", 0.001)
            assert lease is not None
            store.append([event.model_copy(update={"conversation": name}) for event in log[:upto]], lease=lease)
    desk = Desk(second_postgres, engine=RulesEngine(model))
    assert sorted(desk.recover()) == sorted(f"c{upto}" for upto in range(2, len(log) + 1))
    for upto in range(2, len(log) + 1):
        check_finished(desk.events(f"c{upto}"), desk)
    source.store.close()
    desk.store.close()
