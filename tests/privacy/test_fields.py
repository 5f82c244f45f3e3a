"""What keys say of their values, in nested and awkward JSON as tools give it."""

import json

import pytest

from dialoop.privacy import MemoryVault, Protector


def protector(**more) -> Protector:
    return Protector(MemoryVault(), "c", **more)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"name": {"first": "Quorra", "last": "Zorn"}}, {"name": {"first": "<name_1>", "last": "<name_2>"}}),
        ({"guest": {"first": "Quorra"}}, {"guest": {"first": "<name_1>"}}),
        ({"phone": {"number": 87654321}}, {"phone": {"number": "<phone_1>"}}),
        ({"phoneNumbers": [{"value": "87654321"}]}, {"phoneNumbers": [{"value": "<phone_1>"}]}),
        ({"guest_names": ["Quorra", "Tom"]}, {"guest_names": ["<name_1>", "<name_2>"]}),
        ({"phone1": "87654321", "mobile_2": "87654322"}, {"phone1": "<phone_1>", "mobile_2": "<phone_2>"}),
        ({"住客姓名": "阿依", "紧急联系人": "买买提"}, {"住客姓名": "<name_1>", "紧急联系人": "<name_2>"}),
        ({"rooms": [{"guest": {"name": "Quorra"}}]}, {"rooms": [{"guest": {"name": "<name_1>"}}]}),
        ({"hotel": {"guests": [{"name": "Quorra"}]}}, {"hotel": {"guests": [{"name": "<name_1>"}]}}),
    ],
)
def test_a_value_below_a_person_or_in_a_key_of_several_words_is_found(given, shown):
    assert protector().protect_arguments(given) == shown


@pytest.mark.parametrize(
    "given",
    [
        {"guest": "2 adults", "passengers": "3 adults", "客人": "2位", "guests": "two"},
        {"contact": "by phone", "mail": "yes"},
        {"order_numbers": ["13812345678"], "dishes": [{"name": "Soup of the Day"}]},
        {"guest": {"room": {"name": "Garden Suite"}}, "order": {"number": "87654321"}},
        {"room": {"first": "Garden", "value": "87654321"}, "房型名称": "花园套房"},
        {"price": 1388.0, "share": 0.5, "total": 13812345678.5},
    ],
)
def test_what_is_no_persons_stays(given):
    assert protector().protect_arguments(given) == given


def test_a_number_with_an_empty_fraction_is_a_number():
    there = protector()
    assert there.protect_json('{"phone": 13812345678.0, "n": 2.0}') == '{"phone": "<phone_1>", "n": 2.0}'
    assert there.restore("<phone_1>").value == "13812345678"


def test_json_inside_json_is_read_with_its_keys_and_stays_json():
    there = protector()
    inner = {"guestName": 'Quorra "Q" \\ Zorn', "tel": 87654321, "room": "302"}
    protected = there.protect_arguments({"payload": json.dumps(inner), "guests": '["Tom Berg"]'})
    assert json.loads(protected["payload"]) == {"guestName": "<name_1>", "tel": "<phone_1>", "room": "302"}
    assert protected["guests"] == '["<name_2>"]'
    restored = there.restore_json(json.dumps(protected))
    assert json.loads(json.loads(restored.value)["payload"]) == inner | {"tel": "87654321"}
    assert restored.unknown == ()


def test_json_inside_json_that_the_project_calls_public_stays():
    given = {"remark": '{"name": "Quorra Zorn"}'}
    assert protector(keys={"name": None}).protect_arguments(given) == given


def test_a_key_that_stands_twice_hides_no_value():
    protected = protector().protect_json('{"note": "13812345678", "note": "x"}')
    assert protected == '{"note": "<phone_1>", "note": "x"}'


def test_half_a_sign_in_a_tools_result_can_still_be_written():
    protected = protector().protect_json('{"cut": "\\ud83d", "name": "李小雨"}')
    assert json.loads(protected.encode()) == {"cut": "\ud83d", "name": "<name_1>"}


def test_a_stand_in_in_the_system_message_lets_nobody_type_another():
    there = protector(house=["Private values look like <phone_1>."])
    there.protect("13812345678")
    typed = there.protect("say <phone_1>")
    assert typed == "say <text_1>"
    assert there.restore(typed).value == "say <phone_1>"


def test_a_number_is_known_again_in_other_groups():
    there = protector()
    assert there.protect("我的电话是8765 4321，护照E12345678") == "我的电话是<phone_1>，护照<id_1>"
    assert there.protect("就打 ８７６５-４３２１，或 e 12345678") == "就打 <phone_1>，或 <id_1>"
    assert there.protect("98765 43210") == "98765 43210"


@pytest.mark.parametrize("depth", [200, 600, 2000, 50_000])
def test_json_of_any_depth_is_protected(depth):
    assert protector().protect_json("[" * depth + '"13812345678"' + "]" * depth).count("<phone_1>") == 1
