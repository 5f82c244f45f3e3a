"""Splits: stable, whole, balanced; below twenty all is trained on and that is said."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.conversation import Conversation, Example, Message, split_conversations, split_examples
from dialoop.conversation.likeness import conversation_key, normalised, text_key
from dialoop.errors import SettingsError


def one(number: int, *, customer: str | None = None, text: str | None = None) -> Conversation:
    said = text or f"question {number}"
    messages = [Message(role="user", content=said), Message(role="assistant", content="answer")]
    return Conversation(id=f"c{number}", messages=messages, customer=customer)


MANY = [one(number) for number in range(300)]


def ids(items) -> set[str]:
    return {item.id for item in items}


def test_a_split_is_a_partition_of_about_the_share_that_was_asked_for():
    split = split_conversations(MANY, held_out=0.2)
    assert ids(split.train) | ids(split.held_out) == ids(MANY)
    assert len(split.train) + len(split.held_out) == 300
    assert 40 <= len(split.held_out) <= 80
    assert split.note is None


def test_a_side_depends_neither_on_order_nor_on_the_others():
    held_out = ids(split_conversations(MANY).held_out)
    shuffled = random.Random(1).sample(MANY, len(MANY))
    assert ids(split_conversations(shuffled).held_out) == held_out
    assert ids(split_conversations(MANY[:150]).held_out) == held_out & ids(MANY[:150])
    assert ids(split_conversations(MANY, seed=1).held_out) != held_out


@given(st.lists(st.integers(0, 12), min_size=20, max_size=60), st.floats(0.05, 0.5), st.integers(0, 5))
def test_customers_are_never_parted(customers: list[int], share: float, seed: int):
    items = [one(number, customer=f"k{customer}") for number, customer in enumerate(customers)]
    split = split_conversations(items, held_out=share, seed=seed)
    assert not {item.customer for item in split.train} & {item.customer for item in split.held_out}
    assert split.train
    assert split.held_out or split.note


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=20, max_size=40), st.integers(0, 5))
def test_equal_texts_are_never_parted_even_through_customers(pairs: list[tuple[int, int]], seed: int):
    items = [one(at, customer=f"k{customer}", text=f"same {text}!") for at, (customer, text) in enumerate(pairs)]
    split = split_conversations(items, held_out=0.3, seed=seed)
    for field in (lambda item: item.customer, lambda item: item.messages[0].content):
        assert not {field(item) for item in split.train} & {field(item) for item in split.held_out}


def test_texts_count_as_the_same_but_for_case_width_spaces_and_signs():
    assert text_key("Hello,  World!") == text_key("hello world") == text_key("ＨＥＬＬＯ　ｗｏｒｌｄ。")
    assert text_key("hello world 2") != text_key("hello world 3")
    assert normalised("?!") != normalised("!?")
    assert conversation_key(one(1, text="A, b.")) == conversation_key(one(2, text="a b"))
    assert conversation_key(one(1, text="ab")) != conversation_key(one(1, text="abc"))


def test_below_twenty_all_are_trained_on_and_that_is_said():
    split = split_conversations(MANY[:19])
    assert len(split.train) == 19
    assert split.held_out == []
    assert "19 conversations are trained on" in split.note
    assert split_conversations(MANY[:20]).held_out
    examples = [Example(text=str(number), label="a") for number in range(19)]
    assert "19 examples" in split_examples(examples).note


def test_nothing_is_held_out_where_all_belong_together_or_it_is_asked_for():
    split = split_conversations([one(number, customer="only") for number in range(40)])
    assert split.held_out == []
    assert "one customer" in split.note
    assert split_conversations(MANY, held_out=0).held_out == []
    assert "as asked" in split_conversations(MANY, held_out=0).note


def test_few_groups_still_give_both_sides_and_that_is_said():
    items = [one(number, customer=f"k{number % 2}") for number in range(20)]
    for seed in range(10):
        split = split_conversations(items, held_out=0.1, seed=seed)
        assert {len(split.train), len(split.held_out)} == {10}
        assert split_conversations(items, held_out=0.9, seed=seed).train


@pytest.mark.parametrize("share", [-0.1, 1.0, 5, float("nan")])
def test_a_share_that_is_none_is_refused(share: float):
    with pytest.raises(SettingsError, match="held_out"):
        split_conversations(MANY, held_out=share)


def test_labels_keep_their_balance():
    counts = {"a": 200, "b": 40, "c": 10, "d": 1}
    examples = [Example(text=f"{label} {number}", label=label) for label, n in counts.items() for number in range(n)]
    split = split_examples(examples, held_out=0.2)
    held = [example.label for example in split.held_out]
    assert {label: held.count(label) for label in counts} == {"a": 40, "b": 8, "c": 2, "d": 0}
    assert "1 labels have one text only" in split.note
    assert sorted(map(id, split.train + split.held_out)) == sorted(map(id, examples))


def test_a_text_with_two_labels_stays_on_one_side():
    examples = [Example(text=f"t {number}", label=label) for number in range(60) for label in ("a", "b")]
    split = split_examples(examples, held_out=0.3)
    assert split.held_out
    assert not {one.text for one in split.train} & {one.text for one in split.held_out}


def test_rare_sets_of_labels_are_parted_together_so_that_no_more_than_the_share_is_held_out():
    rare = [Example(text=f"rare {n}", labels=(f"l{n // 2}", "also")) for n in range(100)]
    often = [Example(text=f"often {n}", labels=("one", "two")) for n in range(100)]
    split = split_examples([*rare, *often], held_out=0.1)
    held = [example.labels == ("one", "two") for example in split.held_out]
    assert (held.count(True), held.count(False)) == (10, 10)
    assert split.note is None


def test_many_labels_of_few_texts_have_no_more_than_the_share_held_out_one_of_each_at_most():
    examples = [Example(text=f"l{n % 100} text {n}", label=f"l{n % 100}") for n in range(300)]
    split = split_examples([*examples, Example(text="alone", label="only")], held_out=0.1)
    held = [example.label for example in split.held_out]
    assert len(held) == len(set(held)) == 30
    assert "only" not in held
    assert split.note == "1 labels have one text only and 70 labels have too few texts for a share and are not measured"
