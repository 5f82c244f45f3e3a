"""Conversations for training: nothing private is left, annotations still point at their words."""

from dialoop.conversation import (
    Annotations,
    Conversation,
    FunctionCall,
    Message,
    MessageAnnotation,
    SlotSpan,
    ToolCall,
    check_conversation,
)
from dialoop.errors import Place
from dialoop.privacy import find, protect_conversation
from tests.privacy.values import SEEDED, nothing_seeded

USER = "我叫李小雨，电话13812345678，住两晚"


def talk() -> Conversation:
    call = FunctionCall(name="book", arguments='{"name": "李小雨", "contact": "13812345678", "nights": 2}')
    return Conversation(
        id="c1",
        customer="u1",
        messages=[
            Message(role="system", content="前台电话 010-87654321。"),
            Message(role="user", content=USER),
            Message(role="assistant", content=None, tool_calls=[ToolCall(id="t", function=call)]),
            Message(role="tool", tool_call_id="t", content='{"name": "李小雨", "mail": "' + SEEDED["email"] + '"}'),
            Message(role="assistant", content="李小雨您好，请问姓名？前台010-87654321", rejected="打13812345678"),
            Message(role="user", content="王大雨"),
        ],
        annotations=Annotations(
            messages=[
                MessageAnnotation(
                    index=1,
                    slots=[
                        SlotSpan(label="contact", start=USER.index("138"), end=USER.index("138") + 11),
                        SlotSpan(label="nights", start=USER.index("两"), end=USER.index("两") + 1),
                    ],
                    state={"contact": "13812345678"},
                )
            ]
        ),
    )


def test_a_conversation_is_protected_throughout_and_consistently():
    protected = protect_conversation(talk())
    text = protected.model_dump_json()
    assert nothing_seeded(text)
    assert "李小雨" not in text
    assert "王大雨" not in text
    assert [message.content for message in protected.messages] == [
        "前台电话 010-87654321。",
        "我叫<name_1>，电话<phone_1>，住两晚",
        None,
        '{"name": "<name_1>", "mail": "<email_1>"}',
        "<name_1>您好，请问姓名？前台010-87654321",
        "<name_2>",
    ]
    assert protected.messages[2].tool_calls is not None
    arguments = protected.messages[2].tool_calls[0].function.arguments
    assert arguments == '{"name": "<name_1>", "contact": "<phone_1>", "nights": 2}'
    assert protected.messages[4].rejected == "打<phone_1>"


def test_annotated_spans_still_hold_their_words():
    protected = protect_conversation(talk())
    assert protected.annotations is not None
    annotation = protected.annotations.messages[0]
    content = protected.messages[1].content
    assert content is not None
    assert [content[slot.start : slot.end] for slot in annotation.slots or []] == ["<phone_1>", "两"]
    assert annotation.state == {"contact": "<phone_1>"}
    assert [slot.label for slot in annotation.slots or []] == ["contact", "nights"]
    assert not [one for one in check_conversation(protected, Place("here", 1)) if one.level == "error"]


def test_the_conversation_itself_is_left_alone():
    one = talk()
    before = one.model_dump_json()
    protect_conversation(one)
    assert one.model_dump_json() == before


def test_a_name_that_a_later_call_gives_away_is_replaced_where_it_was_said():
    call = FunctionCall(name="book", arguments='{"name": "鄢峥"}')
    messages = [
        Message(role="user", content="就记鄢峥那边好了"),
        Message(role="assistant", content=None, tool_calls=[ToolCall(id="t", function=call)]),
    ]
    assert find(messages[0].content or "") == []
    protected = protect_conversation(Conversation(id="c2", messages=messages))
    assert protected.messages[0].content == "就记<name_1>那边好了"


def test_what_a_tool_is_chosen_among_is_no_name_of_a_person():
    """A room may be called Heather Suite; a guest is called Heather all the same."""
    parameters = {"type": "object", "properties": {"room": {"type": "string", "enum": ["Heather Suite", "Oak Loft"]}}}
    tools = [{"type": "function", "function": {"name": "book", "parameters": parameters}}]
    call = FunctionCall(name="book", arguments='{"room": "Heather Suite"}')
    one = Conversation(
        id="c2",
        messages=[
            Message(role="user", content="My name is Heather Moss. I want the Heather Suite."),
            Message(role="assistant", content=None, tool_calls=[ToolCall(id="t", function=call)]),
            Message(role="tool", tool_call_id="t", content='{"name": "Heather Moss", "room": "Heather Suite"}'),
            Message(role="assistant", content="The Heather Suite is yours, Heather Moss."),
        ],
        tools=tools,
    )
    done = protect_conversation(one).messages
    assert done[0].content == "My name is <name_1>. I want the Heather Suite."
    assert done[1].tool_calls[0].function.arguments == call.arguments
    assert done[2].content == '{"name": "<name_1>", "room": "Heather Suite"}'
    assert done[3].content == "The Heather Suite is yours, <name_1>."
