"""Which passages an answer cites."""

from dialoop.conversation import model_view
from dialoop.conversation.events import EVENT, Passage
from dialoop.knowledge import cited

PETS, POOL = Passage(text="Pets: yes.", source="a.md#pets"), Passage(text="Pool: no.", source="a.md#pool")


def test_numbers_in_brackets_stand_for_passages():
    found = cited("Pets may come [2, 1]. 【1】", [PETS, POOL])
    assert list(found.passages.items()) == [(2, POOL), (1, PETS)]
    assert found.unknown == ()


def test_numbers_of_no_passage_are_told():
    found = cited("So it is [1] [3][0], in 2 of [x] 4.", [PETS])
    assert found.passages == {1: PETS}
    assert found.unknown == (3, 0)


def test_the_numbers_are_those_that_the_model_is_shown():
    common = {"conversation": "c", "at": "2026-01-01T00:00:00Z", "tenant": "t"}
    events = [
        EVENT.validate_python({**common, "kind": "opened", "seq": 1}),
        EVENT.validate_python({**common, "kind": "user_said", "seq": 2, "text": "Pets?"}),
        EVENT.validate_python({**common, "kind": "understood", "seq": 3, "passages": [POOL, PETS]}),
    ]
    shown = model_view(events).messages[-1].content or ""
    for number, passage in enumerate([POOL, PETS], start=1):
        assert f"[{number}] {passage.text}" in shown
        assert cited(f"[{number}]", [POOL, PETS]).passages == {number: passage}
