from hypothesis import given
from hypothesis import strategies as st

from dialoop.conversation import Example
from dialoop.evaluation.sample import by_hash

from .bases import booking

LOGS = [booking(number) for number in range(1, 30)]


@given(st.permutations(range(29)), st.integers(1, 40), st.integers(0, 3))
def test_the_choice_depends_on_ids_and_seed_alone(order, limit, seed):
    some = by_hash([LOGS[i] for i in order], limit, seed)
    assert {one.id for one in some.chosen} == {one.id for one in by_hash(LOGS, limit, seed).chosen}
    assert len(some.chosen) == min(limit, 29)
    assert some.given == 29
    places = {LOGS[i].id: place for place, i in enumerate(order)}
    assert [places[one.id] for one in some.chosen] == sorted(places[one.id] for one in some.chosen)


@given(st.integers(1, 28))
def test_a_larger_choice_holds_the_smaller_one(limit):
    ids = [{one.id for one in by_hash(LOGS, size, 0).chosen} for size in (limit, limit + 1)]
    assert ids[0] < ids[1]


def test_texts_without_ids_are_told_apart_by_their_text():
    texts = [Example(text=f"text {i}", label="a") for i in range(20)]
    assert by_hash(texts, 5, 0).chosen != texts[:5]
    assert sorted(one.text for one in by_hash(texts, 5, 0).chosen) == sorted(
        one.text for one in by_hash(texts[::-1], 5, 0).chosen
    )
    assert by_hash(texts, None, 0).chosen == texts
