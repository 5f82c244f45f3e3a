"""What is served is the beginning of what was trained on, token for token; in every style, with whatever is said."""

import pytest
from hypothesis import given

from dialoop.conversation import Message, Tool
from dialoop.model import Sentence, is_prefix_preserving, prompt_ids, render, sentence, sentences

from ..tiny_models import tiny_tokenizer
from .conversations import FIND_ROOM, HOTEL, STYLES, conversations, said, styled


def answers(messages: list[Message]) -> list[int]:
    return [i for i, message in enumerate(messages) if message.role == "assistant"]


def teaches_after(made: Sentence, prompt: list[int]) -> bool:
    """Whether `made` begins with `prompt` and the next token, and not the one before, is a target."""
    at = len(prompt)
    return made.ids[:at] == prompt and made.targets[at] and not made.targets[at - 1]


@pytest.mark.parametrize("style", STYLES)
@given(drawn=conversations())
def test_a_served_prompt_is_a_prefix_of_the_trained_sentence(style: str, drawn: tuple[list[Message], list[Tool]]):
    messages, tools = drawn
    tokenizer = styled(style)
    made = sentences(messages, tools, tokenizer)
    for i in answers(messages):
        prompt = prompt_ids(messages[:i], tools, tokenizer)
        if messages[i].is_target:
            assert any(teaches_after(one, prompt) for one in made)
        elif len(made) == 1:
            assert made[0].ids[: len(prompt)] == prompt or len(made[0].ids) < len(prompt)


@pytest.mark.parametrize("style", STYLES)
@given(drawn=conversations())
def test_the_tokens_are_those_of_the_rendered_text(style: str, drawn: tuple[list[Message], list[Tool]]):
    messages, tools = drawn
    tokenizer = styled(style)
    whole = sentence([*messages[:-1], said("assistant", "end", weight=1)], tools, tokenizer)
    text = render([*messages[:-1], said("assistant", "end")], tools, tokenizer)
    read = tokenizer.decode(whole.ids, clean_up_tokenization_spaces=False)
    assert text.startswith(read)
    assert text[len(read) :].strip() == ""


@pytest.mark.parametrize("style", STYLES)
def test_one_space_more_on_one_side_is_seen(style: str):
    tokenizer = styled(style)
    made = sentences(HOTEL, [FIND_ROOM], tokenizer)[-1]
    changed = [*HOTEL[:5], said("user", "好的，谢谢。 ")]
    assert teaches_after(made, prompt_ids(HOTEL[:6], [FIND_ROOM], tokenizer))
    assert not teaches_after(made, prompt_ids(changed, [FIND_ROOM], tokenizer))


@pytest.mark.parametrize("style", STYLES)
def test_a_template_says_whether_it_keeps_prefixes(style: str):
    assert is_prefix_preserving(styled(style)) == (style != "qwen3")


FORGETFUL = """{% set ns = namespace(last=0) %}
{% for m in messages %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}
{% for m in messages %}<|im_start|>{{ m.role }}
{% if loop.index0 < ns.last and WHEN %}…{% else %}{{ m.content }}{% endif %}<|im_end|>{% endfor %}
{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


@pytest.mark.parametrize("when", ["m.role == 'assistant'", "'secret' in m.content"])
def test_a_template_that_rewrites_what_was_said_gets_a_sentence_for_each_answer(when: str):
    """The first shows it to the probe; the second rewrites only some words, and is found out when they come."""
    tokenizer = tiny_tokenizer("chatml")
    tokenizer.chat_template = FORGETFUL.replace("WHEN", when)
    assert is_prefix_preserving(tokenizer) == ("secret" in when)
    messages = [said(role, f"{role} {n} has a secret") for n in range(5) for role in ("user", "assistant")]
    made = sentences(messages, None, tokenizer)
    assert len(made) == 5
    for one, i in zip(made, answers(messages), strict=True):
        assert teaches_after(one, prompt_ids(messages[:i], None, tokenizer))
        assert "earlier" in (one.note or "")
