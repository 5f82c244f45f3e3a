"""Templates that published bases bring: what they ask of the rows, and what is said where they lose something.

Each keeps the branches of the published template that matter here; tools and system message are shortened.
"""

import json

import pytest
from transformers import PreTrainedTokenizerFast

from dialoop.conversation import Conversation, Message
from dialoop.errors import ModelError
from dialoop.model import answer_pairs, parse_answer, prompt_ids, sentence, sentences, template_facts
from dialoop.model.chat import RowForm

from ..tiny_models import tiny_tokenizer
from .conversations import FIND_ROOM, HOTEL, calls, result, said
from .test_sentence import taught

_TOOLS = r"""{%- if tools %}
    {{- '<|im_start|>system\n# Tools\n\n<tools>' }}
    {%- for tool in tools %}{{- "\n" }}{{- tool | tojson }}{%- endfor %}
    {{- "\n</tools><|im_end|>\n" }}
{%- endif %}
{%- set ns = namespace(last=messages|length - 1, open=true) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.open and message.role == "user" and not(message.content.startswith('<tool_response>')) %}
        {%- set ns.open = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    CONTENT
    {%- if (message.role == "user") or (message.role == "system") %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
"""
_CALLS = r"""
        {%- if loop.index0 > ns.last %}
            {%- if loop.last or (not loop.last and reasoning_content) %}
                {{- '<|im_start|>' + message.role + '\n<think>\n' + reasoning_content.strip('\n') }}
                {{- '\n</think>\n\n' + content.lstrip('\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\n' + content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls or [] %}
            {%- if (loop.first and content) or (not loop.first) %}{{- '\n' }}{%- endif %}
            {{- '<tool_call>\n{"name": "' + tool_call.function.name + '", "arguments": ' }}
            {{- tool_call.function.arguments | tojson }}
            {{- '}\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == "tool" %}
        {{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}
"""
QWEN3_RELEASE = (
    _TOOLS.replace("CONTENT", "")
    + r"""
        {%- set content = message.content %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is defined and message.reasoning_content is not none %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in message.content %}
                {%- set content = message.content.split('</think>')[-1].lstrip('\n') %}
                {%- set reasoning_content = message.content.split('</think>')[0].split('<think>')[-1] %}
            {%- endif %}
        {%- endif %}
"""
    + _CALLS
)
QWEN3_REVISED = (
    _TOOLS.replace(
        "CONTENT",
        "{%- if message.content is string %}{%- set content = message.content %}"
        "{%- else %}{%- set content = '' %}{%- endif %}",
    )
    + r"""
        {%- set reasoning_content = '' %}
        {%- if '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].split('<think>')[-1] %}
            {%- set content = content.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
"""
    + _CALLS
)
LLAMA31 = r"""{{- bos_token or '' }}
{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
{%- if tools is not none and tools %}{%- for t in tools %}{{- t | tojson(indent=4) }}{%- endfor %}{%- endif %}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim }}
        {{- '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("This model only supports single tool-calls at once!") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}" }}
        {{- "<|eot_id|>" }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\n\n" }}
        {{- message.content | tojson }}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}"""
MISTRAL_V3 = r"""{%- set user_messages = messages | selectattr("role", "equalto", "user") | list %}
{{- bos_token or '<s>' }}
{%- for message in messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}{%- for tool in tools %}{{- tool | tojson }}{%- endfor %}{{- "]" }}
        {%- endif %}
        {{- "[INST] " + message["content"] + "[/INST]" }}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {{- "[TOOL_CALLS] [" }}
        {%- for tool_call in message.tool_calls %}
            {%- set out = tool_call.function|tojson %}
            {{- out[:-1] }}
            {%- if not tool_call.id is defined or tool_call.id|length != 9 %}
                {{- raise_exception("Tool call IDs should be alphanumeric strings with length 9!") }}
            {%- endif %}
            {{- ', "id": "' + tool_call.id + '"}' }}
            {%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" + eos_token }}{%- endif %}
        {%- endfor %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- elif message["role"] == "tool" %}
        {{- '[TOOL_RESULTS] {"content": ' + message.content|string + ", " }}
        {%- if not message.tool_call_id is defined or message.tool_call_id|length != 9 %}
            {{- raise_exception("Tool call IDs should be alphanumeric strings with length 9!") }}
        {%- endif %}
        {{- '"call_id": "' + message.tool_call_id + '"}[/TOOL_RESULTS]' }}
    {%- endif %}
{%- endfor %}"""


def own(template: str, style: str = "chatml") -> PreTrainedTokenizerFast:
    """A tiny tokenizer with the control tokens of `style` and a template of its own."""
    tokenizer = tiny_tokenizer(style)
    tokenizer.chat_template = template
    return tokenizer


TALK = HOTEL[1:5]
CALL = '<tool_call>\n{"name": "find_room", "arguments": {"city": "York", "nights": 2}}\n</tool_call>'
EMPTY = "<think>\n\n</think>\n\n"


def test_the_release_template_of_qwen3_teaches_calls():
    tokenizer = own(QWEN3_RELEASE)
    made = sentences(TALK, [FIND_ROOM], tokenizer)
    assert [taught(one, tokenizer) for one in made] == [
        [f"{EMPTY}{CALL}<|im_end|>"],
        [f"{EMPTY}The garden room is free for 80 pounds.<|im_end|>"],
    ]
    forced = prompt_ids(TALK[:1], [FIND_ROOM], tokenizer, call="find_room")
    assert made[0].ids[: len(forced)] == forced
    assert '"name": "find_room"' in tokenizer.decode(forced).partition("</think>")[2]


def test_its_revision_gives_what_the_release_gives():
    release, revised = own(QWEN3_RELEASE), own(QWEN3_REVISED)
    assert sentences(TALK, [FIND_ROOM], revised) == sentences(TALK, [FIND_ROOM], release)
    assert template_facts(revised).form == RowForm()
    assert template_facts(release).form == RowForm(empty=True)


def test_a_template_that_refuses_every_call_says_so_itself():
    strict = "{%- for m in messages %}{%- if m.tool_calls %}{{ raise_exception('no calls, please') }}"
    tokenizer = own(strict + "{%- endif %}{%- endfor %}" + str(tiny_tokenizer("chatml").chat_template))
    for messages, tools in ((TALK, [FIND_ROOM]), (TALK, None), (TALK[:1], [FIND_ROOM])):
        with pytest.raises(ModelError, match="no calls, please") as refused:
            sentences(messages, tools, tokenizer)
        assert "--template chatml" in str(refused.value.remedy)
    assert sentences([TALK[0], TALK[3]], None, tokenizer)


def test_words_beside_a_call_are_not_lost_in_silence():
    tokenizer = own(LLAMA31, "llama3")
    both = [TALK[0], calls(("find_room", {"city": "York"}), content="One moment.")]
    with pytest.raises(ModelError, match="beside a call"):
        sentences(both, [FIND_ROOM], tokenizer)
    packaged = tiny_tokenizer("llama3")
    assert "One moment." in taught(sentences(both, [FIND_ROOM], packaged)[0], packaged)[0]


def test_it_is_known_whether_calls_can_be_read_again():
    llama = own(LLAMA31, "llama3")
    [made] = sentences(TALK, [FIND_ROOM], llama)
    written = taught(made, llama)[0].removesuffix("<|eot_id|>")
    assert json.loads(written) == {"name": "find_room", "parameters": {"city": "York", "nights": 2}}
    assert parse_answer(written).tool_calls == []
    assert not template_facts(llama).readable
    assert not template_facts(own(MISTRAL_V3, "mistral")).readable
    for tokenizer in (own(QWEN3_RELEASE), own(QWEN3_REVISED), tiny_tokenizer("llama3")):
        assert template_facts(tokenizer).readable


def mistral_talk(id_: str) -> list[Message]:
    asked = calls(("find_room", {"city": "York"}))
    assert asked.tool_calls is not None
    call = asked.tool_calls[0].model_copy(update={"id": id_})
    return [said("user", "A room."), asked.model_copy(update={"tool_calls": [call]}), result("none", id_)]


@pytest.mark.parametrize(
    ("given", "shown"), [("call_0", "0000call0"), ("abcDEF123", "abcDEF123"), ("call_" + "x" * 40, None)]
)
def test_calls_get_ids_of_nine_where_the_template_wants_them(given: str, shown: str | None):
    tokenizer = own(MISTRAL_V3, "mistral")
    messages = [*mistral_talk(given), said("assistant", "None is free.")]
    made = sentences(messages, [FIND_ROOM], tokenizer)
    text = tokenizer.decode(made[-1].ids)
    [id_] = {text.partition('"id": "')[2][:9], text.partition('"call_id": "')[2][:9]}
    assert id_.isalnum()
    assert shown is None or id_ == shown
    assert given not in text or given == shown


_ALTERNATING = r"""{%- for message in messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
    {%- endif %}
    {{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"""
_FIRST_NEEDED = r"""{%- if messages[0].role == 'system' %}{{- '' }}{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"""
GREETED = [
    said("assistant", "Hello, hotel here."),
    said("user", "A room."),
    said("assistant", "For how long?"),
    said("user", "Two nights."),
    said("assistant", "Fine."),
]


@pytest.mark.parametrize("weight", [0, 1])
@pytest.mark.parametrize(("template", "shown"), [(_FIRST_NEEDED, True), (_ALTERNATING, False)])
def test_a_greeting_that_the_template_cannot_ask_for_is_lost_and_the_rest_is_taught(
    template: str, shown: bool, weight: int
):
    tokenizer = own(template)
    messages = [GREETED[0].model_copy(update={"weight": weight}), *GREETED[1:]]
    [made] = sentences(messages, None, tokenizer)
    assert taught(made, tokenizer) == ["For how long?<|im_end|>", "Fine.<|im_end|>"]
    assert made.lost == weight
    assert ("Hello, hotel here." in tokenizer.decode(made.ids)) is shown
    assert sentence(messages, None, tokenizer) == made
    for index in (2, 4):
        asked = prompt_ids(messages[:index], None, tokenizer)
        assert made.ids[: len(asked)] == asked
    long = [*messages, *GREETED[1:] * 10]
    parts = sentences(long, None, tokenizer, window=60)
    assert sum(one.lost for one in parts) == weight
    assert sum(len(taught(one, tokenizer)) for one in parts) == 22


def test_an_agent_that_speaks_alone_teaches_nothing_where_it_cannot_be_shown():
    tokenizer = own(_ALTERNATING)
    [made] = sentences(GREETED[:1], None, tokenizer)
    assert (made.ids, made.lost) == ([], 1)
    assert sentence(GREETED[:1], None, tokenizer) == made


@pytest.mark.parametrize(("template", "pairs"), [("chatml", 2), (_FIRST_NEEDED, 1), (_ALTERNATING, 1)])
def test_a_greeting_that_was_edited_is_a_pair_where_it_can_be_asked_for(template: str, pairs: int):
    tokenizer = tiny_tokenizer("chatml") if template == "chatml" else own(template)
    messages = [m.model_copy(update={"rejected": "Eh?"}) if i in (0, 2) else m for i, m in enumerate(GREETED)]
    talk = Conversation(id="1", messages=messages)
    found, lost = answer_pairs(talk, tokenizer, window=200)
    assert (len(found), lost) == (pairs, 2 - pairs)
    whole = sentence(messages, None, tokenizer)
    assert [*found[-1].prompt, *found[-1].answers[0]] == whole.ids[: len(found[-1].prompt) + len(found[-1].answers[0])]
    if pairs == 2:
        assert found[0].prompt == whole.ids[: whole.targets.index(True)]
        assert answer_pairs(talk, tokenizer, window=6) == ([], 2)
