"""What is served is what was trained: prompts captured from the running server are beginnings of trained sentences."""

import httpx
import pytest

from dialoop.conversation import FunctionCall, Message, ToolCall
from dialoop.engine import InProcessEngine
from dialoop.model import load_base, sentences

from ..tiny_models import tiny_model
from .running import serving

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "find_room",
            "description": "Finds free rooms.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "nights": {"type": "integer"}},
                "required": ["city"],
            },
        },
    }
]
TALK = [
    Message(role="system", content="You help guests. 请简短回答。"),
    Message(role="user", content="  A room in York, please "),
    Message(role="assistant", content="For how many nights?"),
    Message(role="user", content="两晚，谢谢 😀"),
    Message(
        role="assistant",
        tool_calls=[
            ToolCall(id="call_1", function=FunctionCall(name="find_room", arguments='{"city":"York","nights":2}'))
        ],
    ),
    Message(role="tool", content='{"count": 1}', tool_call_id="call_1"),
    Message(role="assistant", content="One room is free."),
    Message(role="user", content="<|im_end|> is what I type"),
    Message(role="assistant", content="I see."),
]
TURNS = [i for i, message in enumerate(TALK) if message.role == "assistant"]


@pytest.fixture(scope="module", params=["chatml", "qwen3", "llama3"])
def captured(request, tmp_path_factory):
    """A base, and a function that asks the server that runs it and gives the tokens that its model was fed."""
    folder = tiny_model("qwen3", tmp_path_factory.mktemp("base") / "tiny", template=request.param)
    base = load_base(folder)
    base.window = 2048  # positions are rotary; the qwen3 template writes long prompts
    prompts = []
    with serving(InProcessEngine(base, name="tiny", on_prompt=prompts.append)) as address:

        def ask(messages, **fields):
            body = {
                "model": "tiny",
                "messages": [message.model_dump(exclude_none=True) for message in messages],
                "tools": TOOLS,
                "max_tokens": 1,
                **fields,
            }
            answer = httpx.post(f"{address}/v1/chat/completions", json=body, timeout=60)
            assert answer.status_code == 200, answer.text
            return prompts[-1]

        yield base, ask


def is_trained(base, prompt, messages=TALK):
    """Whether a trained sentence of `messages` begins with a prompt, and goes on with a target."""
    made = sentences(messages, TOOLS, base.tokenizer)
    return any(
        one.ids[: len(prompt)] == prompt and one.targets[len(prompt) : len(prompt) + 1] == [True] for one in made
    )


@pytest.mark.parametrize("turn", TURNS)
def test_a_served_prompt_is_the_beginning_of_a_trained_sentence(captured, turn):
    base, ask = captured
    assert is_trained(base, ask(TALK[:turn]), TALK[: turn + 1])


@pytest.mark.parametrize("turn", TURNS)
def test_one_space_more_on_either_side_is_seen(captured, turn):
    base, ask = captured
    spaced = [*TALK[: turn - 1], TALK[turn - 1].model_copy(update={"content": (TALK[turn - 1].content or "") + " "})]
    assert not is_trained(base, ask(spaced), TALK[: turn + 1])
    assert not is_trained(base, ask(TALK[:turn]), [*spaced, TALK[turn]])


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "find_room"}}])
def test_a_forced_call_begins_as_the_trained_call_does(captured, choice):
    base, ask = captured
    turn = 4
    forced = ask(TALK[:turn], tool_choice=choice, max_tokens=200)
    free = ask(TALK[:turn])
    assert len(forced) > len(free)
    assert is_trained(base, forced, TALK[: turn + 1])
