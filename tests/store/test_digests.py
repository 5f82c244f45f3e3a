"""An event's head, body and digests: what is split comes together again, whatever people said."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dialoop.store.digests import body_digest, digest, event_of, store_form
from tests.store.samples import event

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NUMBERS = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(WORDS, JSON, max_size=4), st.none() | WORDS, st.none() | WORDS)
def test_whatever_was_understood_comes_back(slots: dict[str, Any], customer: str | None, previous: str | None):
    one = event("understood", 2, slots=slots, customer=customer)
    row = store_form(one, previous)
    assert event_of(row) == one
    assert (row.body is None) == (not slots and customer is None)
    assert row.digest == digest(row.head, row.body_digest, previous)


@given(WORDS, st.none() | WORDS)
def test_whatever_was_said_comes_back_and_no_digest_of_it_is_seen_twice(text: str, shown: str | None):
    one = event("user_said", 2, text=text, shown=shown)
    rows = [store_form(one, None) for _ in range(2)]
    assert [event_of(row) for row in rows] == [one, one]
    assert rows[0].head == rows[1].head
    assert rows[0].body_digest != rows[1].body_digest
    for row in rows:
        assert row.body is not None
        assert row.salt is not None
        assert row.body_digest == body_digest(row.body, row.salt)


@given(st.lists(WORDS, unique=True, max_size=6))
def test_keys_stand_in_the_order_they_were_given_in(names: list[str]):
    """A tool's schema is shown to the model in its order; a store that sorted it would change the prompt."""
    one = event("understood", 2, slots=dict.fromkeys(names, "x"))
    assert list(event_of(store_form(one, None)).slots) == names
