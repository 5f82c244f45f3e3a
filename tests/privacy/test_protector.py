"""Stand-ins go in, values come back: texts, arguments, streams; for one conversation and no other."""

import json
import re
import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.errors import DataError
from dialoop.privacy import STAND_IN, Found, MemoryVault, Protector, Restorer, find, same, stand_in
from tests.privacy.values import SEEDED, identity_number, nothing_seeded

PIECES = [
    *SEEDED.values(),
    "１３８１２３４５６７８",
    "+86 138-1234-5678",
    "我叫李小雨，",
    "my name is Nora Quill. ",
    "Mr Quill ",
    "王先生",
]
PIECES += [
    "<phone_1>",
    "<email_1>",
    "<",
    ">",
    "<name_",
    "_1>",
    "<text_1>",
    "1",
    " ",
    "，",
    "订单",
    "@example.com",
    "a",
    "é",
    "\n",
]
TEXTS = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "contact", "note", "id", "电话"]), inner)
    ),
    max_leaves=6,
)


def protector(vault: MemoryVault | None = None, conversation: str = "c", **more) -> Protector:
    return Protector(vault or MemoryVault(), conversation, **more)


def first_writings(text: str) -> str:
    """The text with every value as it was first written in it: that is what comes back."""
    written: dict[tuple[str, str], str] = {}
    parts, at = [], 0
    for one in find(text):
        parts += [text[at : one.start], written.setdefault((one.kind, same(one.kind, one.text)), one.text)]
        at = one.end
    return "".join([*parts, text[at:]])


@given(TEXTS)
def test_what_was_protected_comes_back(text):
    there = protector()
    restored = there.restore(there.protect(text))
    assert restored.value == first_writings(text)
    assert restored.unknown == ()


@given(st.text())
def test_any_text_without_two_writings_of_one_value_comes_back_as_it_was(text):
    there = protector()
    if first_writings(text) == text:
        assert there.restore(there.protect(text)).value == text


@given(st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join))
def test_no_seeded_value_is_left(text):
    assert nothing_seeded(protector().protect(text))


@given(st.dictionaries(st.sampled_from(["name", "contact", "phone", "note"]), JSON))
def test_arguments_come_back(arguments):
    there = protector()
    protected = there.protect_arguments(arguments)
    assert there.restore_arguments(protected).unknown == ()
    again = protector()
    assert again.protect_arguments(there.restore_arguments(protected).value) == protected


@given(TEXTS, st.lists(st.integers(0, 200), max_size=6))
def test_a_stream_cut_anywhere_is_the_whole(text, cuts):
    there = protector()
    protected = there.protect(text) + "<phone_99>"
    places = sorted({min(cut, len(protected)) for cut in cuts} | {0, len(protected)})
    restorer = Restorer(there)
    pieces = [restorer.feed(protected[a:b]) for a, b in pairwise(places)]
    whole = there.restore(protected)
    assert "".join(pieces) + restorer.finish() == whole.value
    assert restorer.unknown == list(whole.unknown) == ["<phone_99>"]


def test_a_stream_holds_back_no_more_than_what_may_be_a_stand_in():
    there = protector()
    there.protect("13812345678")
    restorer = Restorer(there)
    assert [restorer.feed(piece) for piece in ("a < b, <ph", "one_1", "> ok <", "b>")] == [
        "a < b, ",
        "",
        "13812345678 ok ",
        "<b>",
    ]
    assert restorer.finish() == ""


def test_one_value_has_one_stand_in_however_it_is_written():
    there = protector()
    assert there.protect("13812345678或+86 138-1234-5678") == "<phone_1>或<phone_1>"
    assert there.protect("KIM@example.com, kim@example.com") == "<email_1>, <email_1>"
    assert there.protect_arguments({"phone": "138 1234 5678"}) == {"phone": "<phone_1>"}
    assert there.restore("<phone_1>").value == "13812345678"


def test_what_a_customer_types_reveals_nothing():
    vault = MemoryVault()
    theirs, mine = protector(vault, "theirs"), protector(vault, "mine")
    assert theirs.protect("13812345678") == "<phone_1>"
    assert mine.restore("<phone_1>").value == "<phone_1>"
    typed = theirs.protect("tell me <phone_1>")
    assert typed == "tell me <text_1>"
    assert theirs.restore(typed).value == "tell me <phone_1>"


def test_an_unknown_stand_in_stays_and_is_told_once():
    restored = protector().restore("<phone_7> or <phone_7> or <name_1>")
    assert restored.value == "<phone_7> or <phone_7> or <name_1>"
    assert restored.unknown == ("<phone_7>", "<name_1>")


def test_erased_values_are_gone_and_their_stand_ins_never_used_again():
    vault = MemoryVault()
    there, other = protector(vault), protector(vault, "other")
    protected = there.protect("13812345678, kim@example.com")
    other.protect("13912345678")
    assert vault.erase("c") == 2
    assert there.restore(protected).unknown == ("<phone_1>", "<email_1>")
    assert there.protect("13712345678") == "<phone_2>"
    assert other.restore("<phone_1>").value == "13912345678"
    assert vault.erase("c") == 1
    assert vault.erase("c") == 0


def test_a_vault_tells_what_it_keeps_of_a_conversation_and_no_other():
    vault = MemoryVault()
    protector(vault).protect("13812345678, kim@example.com")
    protector(vault, "other").protect("13912345678")
    assert sorted(vault.kept("c")) == [("email", 1, "kim@example.com"), ("phone", 1, "13812345678")]
    assert list(vault.kept("never heard of")) == []


def test_a_kind_that_cannot_be_written_is_refused_before_it_is_kept():
    vault = MemoryVault()
    there = protector(vault, finders=[lambda text: [Found("Room No", 0, 3, text[:3], "a tagger")]])
    with pytest.raises(DataError, match="Room No"):
        there.protect("302")
    assert list(vault.kept("c")) == []


def test_two_workers_that_keep_one_value_agree():
    vault = MemoryVault()
    texts = [f"1381234{number:04d}" for number in range(40)]
    seen: list[list[str]] = []

    def work() -> None:
        there = protector(vault)
        seen.append([there.protect(text) for text in texts])

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(one == seen[0] for one in seen)
    assert len(set(seen[0])) == len(texts)


def test_keys_say_what_their_values_are():
    there = protector(keys={"remark": None, "字段": "name"})
    arguments = {
        "name": "Nora Quill",
        "guestName": "Tomas Quill",
        "contact": "kim@example.com",
        "room": {"name": "Garden Suite"},
        "room_name": "Garden Suite",
        "联系电话": "87654321",
        "id_number": identity_number(),
        "guests": 2,
        "order_no": "13812345678",
        "phone": 13912345678,
        "字段": "小雨",
        "remark": "13812345678",
        "note": ["call 13812345678"],
    }
    assert there.protect_arguments(arguments) == arguments | {
        "name": "<name_1>",
        "guestName": "<name_2>",
        "contact": "<email_1>",
        "联系电话": "<phone_1>",
        "id_number": "<id_1>",
        "phone": "<phone_2>",
        "字段": "<name_3>",
        "note": ["call <phone_3>"],
    }
    assert there.protect("Nora Quill is here") == "<name_1> is here"  # known from the arguments


def test_keys_may_hold_values_but_two_keys_stay_two():
    there = protector()
    arguments = {"13812345678": 1, "138 1234 5678": 2}
    protected = there.protect_arguments(arguments)
    assert list(protected.values()) == [1, 2]
    assert nothing_seeded(json.dumps(protected))
    assert there.restore_arguments(protected).value == arguments


@pytest.mark.parametrize("text", ['{"name": "李小雨", "n": 1}', '{"name":"李小雨","n":1}'])
def test_json_text_comes_back_as_it_was_written(text):
    there = protector()
    protected = there.protect_json(text)
    assert protected == text.replace("李小雨", "<name_1>")
    assert there.restore_json(protected).value == text


def test_a_value_with_quotes_keeps_json_whole():
    there = protector()
    protected = there.protect_arguments({"name": 'Nora "Nick" Quill'})
    restored = there.restore_json(json.dumps(protected))
    assert json.loads(restored.value) == {"name": 'Nora "Nick" Quill'}
    with pytest.raises(DataError):
        there.restore_json("{no json")
    assert there.protect_json("no json, 13812345678") == "no json, <phone_1>"


def test_what_the_house_says_itself_stays():
    there = protector(house=["Front desk: +44 20 7946 0958, desk@example.com"])
    assert there.protect("so +442079460958 or kim@example.com?") == "so +442079460958 or <email_1>?"


def test_spans_move_with_the_text():
    text = "ab 13812345678 cd kim@example.com ef"
    protected = protector().protect_places(text)
    for word in ("ab", "cd", "ef"):
        start, end = protected.moved(text.index(word), text.index(word) + 2)
        assert protected.text[start:end] == word
    start, end = protected.moved(text.index("138"), text.index("138") + 11)
    assert protected.text[start:end] == "<phone_1>"
    start, end = protected.moved(text.index("cd"), text.index("@"))
    assert protected.text[start:end] == "cd <email_1>"


def test_a_stand_in_is_one_word_of_plain_signs():
    assert STAND_IN.fullmatch(stand_in("phone", 12))
    assert re.fullmatch(r"[<>a-z_0-9]+", stand_in("phone", 12))
    with pytest.raises(DataError):
        stand_in("Phone 1", 1)
    with pytest.raises(DataError):
        stand_in("phone", 0)
