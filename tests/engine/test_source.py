"""What may be quoted of a conversation, and calls whose arguments are quoted from it."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.agent import Between, Code, Quoted, Verbatim
from dialoop.agent.typed_tools import tool_schema, with_options
from dialoop.conversation import Message, Tool
from dialoop.engine import Guide, generate_greedy
from dialoop.engine.grammar import Value, feed
from dialoop.engine.guide import closing
from dialoop.engine.schema import Shape
from dialoop.engine.source import Source, quotable, quoted_texts

from .bases import tiny_base


def order(dish: Verbatim, number: Code, size: str = "small") -> dict[str, str]:
    """Order a dish."""
    return {"dish": dish, "number": number, "size": size}


TOOL = tool_schema(order, surrounded=False)
TALK = [
    Message(role="user", content='A "hot" soup for table T-12, please. Nummer 020 7946 0000.'),
    Message(role="assistant", content="炒饭配汤，编号QW32712。"),
]


def allowed(text, messages=TALK, tools=(TOOL,)):
    """Whether this may be the whole answer."""
    after = Guide(list(tools), "required", messages).after(text.encode())
    return after is not None and closing(after) == b""


def call(dish, number, more=""):
    return (
        f'<tool_call>\n{{"name": "order", "arguments": {{"dish": "{dish}", "number": "{number}"{more}}}}}\n</tool_call>'
    )


@pytest.mark.parametrize(
    ("dish", "number", "is_allowed"),
    [
        ("hot", "T-12", True),
        ('\\"hot\\" soup', "T-12", True),
        ("炒饭", "QW32712", True),
        ("饭配", "020 7946 0000", True),
        ("so", "T-12", False),
        ("oup", "T-12", False),
        ("cold soup", "T-12", False),
        ("please. Nummer", "T-12", True),
        ("0000. 炒饭", "T-12", False),
        ("", "T-12", False),
        ("hot", "soup", False),
        ("hot", "table T-12", False),
        ("hot", "QW327", False),
        ("hot", "编号QW32712", False),
    ],
)
def test_verbatim_arguments_are_quoted_word_for_word(dish, number, is_allowed):
    assert allowed(call(dish, number)) is is_allowed


def test_other_arguments_stay_free_and_options_bind_them():
    assert allowed(call("hot", "T-12", ', "size": "huge"'))
    bound = with_options(TOOL, {"size": ["small", "large"], "unknown": ["x"]})
    assert allowed(call("hot", "T-12", ', "size": "large"'), tools=[bound])
    assert not allowed(call("hot", "T-12", ', "size": "huge"'), tools=[bound])
    assert "enum" not in TOOL["function"]["parameters"]["properties"]["size"]
    assert with_options(TOOL, {"size": []}) is TOOL


def test_a_verbatim_enum_is_narrowed_to_what_was_named():
    bound = with_options(TOOL, {"dish": ["Hot", "hot soup", "炒饭", "rice"]})
    plain = [Message(role="user", content="HOT SOUP for T-12! 一份炒饭")]
    for dish, is_allowed in (("hot soup", True), ("炒饭", True), ("Hot", True), ("rice", False)):
        assert allowed(call(dish, "T-12"), plain, [bound]) is is_allowed
    unnamed = [Message(role="user", content="shot prices for T-12")]
    assert all(allowed(call(dish, "T-12"), unnamed, [bound]) for dish in ("Hot", "rice"))


def test_where_nothing_can_be_quoted_arguments_are_free():
    assert allowed(call("anything", "at all"), messages=[])
    assert allowed(call("tea", "tea"), messages=[Message(role="user", content="tea")])
    assert not allowed(call("tea", "coffee"), messages=[Message(role="user", content="tea")])


def test_a_result_gives_its_values_and_not_its_keys():
    results = [("user", "hello"), ("tool", '{"room": "Attic", "free": [3, true, null]}'), ("tool", "no JSON")]
    assert sorted(quoted_texts(results)) == ["3", "Attic", "hello", "no JSON"]


COMPLAIN = {
    "type": "function",
    "function": {
        "name": "complain",
        "parameters": {"type": "object", "properties": {"what": {"type": "string", "x-verbatim": "clause"}}},
    },
}


@pytest.mark.parametrize(
    ("what", "is_allowed"),
    [
        ("the radiator bangs all night", True),
        ("bangs all night", True),
        ("the radiator bangs", False),
        ("at 10:30 the tap drips 3.5 litres", True),
        ("at 10", False),
        ("the tap drips 3", False),
        ("下水道有臭味", True),
        ("下水道有臭", False),
        ("night. At 225", False),
    ],
)
def test_a_clause_is_quoted_to_its_end(what, is_allowed):
    said = "I see that the radiator bangs all night. at 10:30 the tap drips 3.5 litres, 在225房，下水道有臭味。"
    text = f'<tool_call>\n{{"name": "complain", "arguments": {{"what": "{what}"}}}}\n</tool_call>'
    assert allowed(text, [Message(role="user", content=said)], [COMPLAIN]) is is_allowed


def test_codes_are_numbers_and_addresses():
    texts = ["Mine reads <phone_1>. (A-7), or ann@example.org!", "订单号：GT62640调整到2027-02-15，谢谢", "soup"]
    assert Source(texts).codes == ("<phone_1>", "A-7", "ann@example.org", "GT62640", "2027-02-15")


def move(
    booking: Annotated[str, Quoted(code=True, by="user", like=r"[A-Z]{2}\d+")],
    room: Annotated[str, Quoted(by="user")] | None = None,
    day: Annotated[str, Quoted(by="user")] | None = None,
) -> dict[str, str]:
    """Move a booking."""
    return {}


MOVE = with_options(tool_schema(move, surrounded=False), {"room": ["Attic", "Loft"]})


@pytest.mark.parametrize(
    ("arguments", "is_allowed"),
    [
        ('"booking": "QW12"', True),
        ('"booking": "QW12", "day": "3 May"', True),
        ('"booking": "QW12", "day": "4 May"', False),
        ('"booking": "2027-05-03"', False),
        ('"booking": "XX77"', False),
        ('"booking": "QW12", "room": "Attic"', False),
        ('"booking": "QW12", "room": "Loft"', False),
    ],
)
def test_a_quotation_may_be_asked_of_one_speaker_and_in_one_form(arguments, is_allowed):
    said = [
        Message(role="user", content="My booking QW12, id 2027-05-03: move it to 3 May."),
        Message(role="assistant", content="Booking XX77 in the Attic, from 4 May?"),
    ]
    text = f'<tool_call>\n{{"name": "move", "arguments": {{{arguments}}}}}\n</tool_call>'
    assert allowed(text, said, [MOVE]) is is_allowed


def test_what_must_be_given_and_cannot_be_quoted_is_any_code_of_the_speaker():
    said = [Message(role="user", content="It is 77-12, I think.")]
    text = '<tool_call>\n{"name": "move", "arguments": {"booking": "77-12"}}\n</tool_call>'
    assert allowed(text, said, [MOVE])
    assert quotable([("user", "A1 b"), ("tool", '{"x": "C2"}')]).said_by("user").codes == ("A1",)
    assert Source(["A1"]).codes_like("[") == ("A1",)


@given(st.lists(st.text(max_size=20), max_size=4), st.sampled_from([True, "code"]))
def test_the_shortest_value_is_always_allowed(texts, kind):
    shape = Shape({"type": "string", "x-verbatim": kind}, source=Source(texts))
    assert feed((Value(shape),), shape.shortest) == ()


def test_greedy_answers_are_held_to_their_guides():
    base = tiny_base("llama")
    prompt = base.tokenizer("order something")["input_ids"]
    (free,) = generate_greedy(base, [prompt], 200)
    held, again = generate_greedy(base, [prompt, prompt], 200, guides=[Guide([TOOL], "required", TALK), None])
    assert again == free
    text = base.tokenizer.decode(held)
    assert text != base.tokenizer.decode(free)
    assert Guide([TOOL], "required", TALK).after(text.encode()) is not None


def stay(
    day: Annotated[str, Quoted(by="user", like=r"(?i:\d{1,2} (?:May|June)|tomorrow)")],
    nights: Annotated[int, Between(1, 30)],
    price: Annotated[int, Quoted(code=True, by="user"), Between(20)] | None = None,
) -> dict[str, object]:
    """Stay a while."""
    return {"day": day, "nights": nights, "price": price}


STAY = (tool_schema(stay, surrounded=False),)


def stays(said, arguments):
    messages = [Message(role="assistant", content="1 May, 99?"), Message(role="user", content=said)]
    return allowed(f'<tool_call>\n{{"name": "stay", "arguments": {arguments}}}\n</tool_call>', messages, STAY)


@pytest.mark.parametrize(
    ("arguments", "is_allowed"),
    [
        ('{"day": "13 June", "nights": 3, "price": 120}', True),
        ('{"day": "12 June", "nights": 3}', True),
        ('{"day": "1 May", "nights": 3}', False),  # the agent said it
        ('{"day": "3 nights", "nights": 3}', False),
        ('{"day": "3 June", "nights": 3}', False),  # within another word
        ('{"day": "13 June", "nights": 31}', False),
        ('{"day": "13 June", "nights": 0}', False),
        ('{"day": "13 June", "nights": 3, "price": 2028}', False),  # a part of a day
        ('{"day": "13 June", "nights": 3, "price": 3}', False),  # below the bound
        ('{"day": "13 June", "nights": 3, "price": 99}', False),  # the agent said it
    ],
)
def test_quotations_like_a_form_and_numbers_are_chosen_among_those_that_were_said(arguments, is_allowed):
    said = "12 June, no, 13 June, not 2028-02-24, for 3 nights under 120 euros."
    assert stays(said, arguments) is is_allowed


@pytest.mark.parametrize(
    ("arguments", "is_allowed"),
    [
        ('{"day": "when it is warm", "nights": 2}', True),  # no day was said: any words may be quoted
        ('{"day": "when it is warm", "nights": 2, "price": 20}', False),  # no number was said: no key
        ('{"day": "when it is cold", "nights": 2}', False),
    ],
)
def test_where_nothing_was_said_in_the_form_any_words_are_quoted(arguments, is_allowed):
    assert stays("Come when it is warm.", arguments) is is_allowed


def test_a_form_that_cannot_be_read_leaves_a_key_that_any_words_may_fill():
    source = Source(["a (b"])
    assert source.texts_like("(") is None
    shape = Shape({"properties": {"day": {"type": "string", "x-verbatim": True, "x-like": "("}}}, source=source)
    assert "day" in shape.properties
    assert shape.properties["day"].options is None


def test_numbers_stand_alone():
    text = "12, 7.5 and 10:30, A4, 3rd, 5个夜晚，最多300元。2028-02-24"
    assert Source([text]).numbers == (12, 5, 300)


def find(number: Code) -> dict[str, str]:
    """Find an order."""
    return {"number": number}


RING: Tool = {"type": "function", "function": {"name": "ring", "parameters": {}}}


def test_a_tool_is_not_called_before_what_it_needs_is_told():
    tools = [TOOL, tool_schema(find, surrounded=False)]
    untold = [Message(role="user", content="Where is my soup?")]
    opening = b'<tool_call>\n{"name": "'
    assert Guide(tools, "auto", untold).after(opening) is None
    assert (
        Guide(tools, "auto", [*untold, Message(role="user", content="It is T-12.")]).after(opening + b"find")
        is not None
    )
    assert Guide(tools, "required", untold).after(opening) is not None, "a forced call has to be possible"
    assert Guide([*tools, RING], "required", untold).after(opening + b"find") is None
    assert Guide([*tools, RING], "auto", untold).after(opening + b"ring") is not None
