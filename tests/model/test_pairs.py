"""Two answers to one prompt: the prompt is the served one, calls are calls, and what does not fit is counted."""

import pytest

from dialoop.conversation import Conversation, Message
from dialoop.model import answer_pairs, is_pair, prompt_ids, rejected_message, sentence

from ..tiny_models import tiny_tokenizer

CALL = '<tool_call>\n{"name": "find_room", "arguments": {"city": "Leeds"}}\n</tool_call>'
TOOL = {"type": "function", "function": {"name": "find_room", "parameters": {"type": "object", "properties": {}}}}


def talk(rejected: str, *, before: int = 0) -> Conversation:
    history = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Good day."}] * before
    asked = {"role": "user", "content": "How much is the garden room?"}
    said = {"role": "assistant", "content": "It costs 80 pounds.", "rejected": rejected}
    return Conversation.model_validate({"id": "1", "messages": [*history, asked, said], "tools": [TOOL]})


@pytest.mark.parametrize("template", ["chatml", "llama3", "qwen3"])
def test_both_answers_follow_the_prompt_that_is_served(template):
    tokenizer, conversation = tiny_tokenizer(template), talk("No idea.", before=2)
    (pair,), lost = answer_pairs(conversation, tokenizer)
    assert lost == 0
    assert pair.index == 5
    assert pair.prompt == prompt_ids(conversation.messages[:-1], conversation.tools, tokenizer)
    taught = sentence(conversation.messages, conversation.tools, tokenizer)
    assert [*pair.prompt, *pair.answers[0]] == taught.ids
    assert "No idea." in tokenizer.decode(pair.answers[1])
    assert pair.answers[0][-1] == pair.answers[1][-1]


def test_a_rejected_call_is_a_call_and_broken_ones_stay_text():
    found = rejected_message(talk(CALL).messages[-1])
    assert found.content is None
    assert found.tool_calls[0].function.name == "find_room"
    broken = CALL.removesuffix("</tool_call>")
    assert rejected_message(talk(broken).messages[-1]) == Message(role="assistant", content=broken)


def test_turns_leave_for_both_alike_and_what_does_not_fit_is_counted():
    tokenizer, conversation = tiny_tokenizer(), talk("Oh, " * 20, before=20)
    (whole,), _ = answer_pairs(conversation, tokenizer)
    window = len(whole.prompt) // 2 + max(map(len, whole.answers))
    (pair,), lost = answer_pairs(conversation, tokenizer, window=window)
    assert (lost, pair.answers) == (0, whole.answers)
    assert 0 < pair.left_out < 20
    assert len(pair.prompt) + max(map(len, pair.answers)) <= window
    assert answer_pairs(conversation, tokenizer, window=60) == ([], 1)


def test_a_blank_rejected_answer_and_one_of_weight_0_are_no_pairs():
    message = talk("No.").messages[-1]
    assert is_pair(message)
    assert not is_pair(message.model_copy(update={"weight": 0}))
    assert not is_pair(message.model_copy(update={"rejected": " "}))
