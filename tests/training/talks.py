"""Made-up conversations and labelled texts for the tests of training, and the files that hold them."""

import json
from pathlib import Path
from random import Random

from dialoop.conversation import Conversation, write_conversations

PAIRS = [
    ("你好，我想预订一个明天下午的酒店", "好的，请问您的预算是多少？"),
    ("我早上要开会，需要叫车", "好的，请问您的出发地和目的地是哪里？"),
    ("我想知道最近的美食推荐", "好的，请问您的位置在哪里？"),
]
"""The example of the project's guide."""
TOOL = {
    "type": "function",
    "function": {
        "name": "find",
        "parameters": {"type": "object", "properties": {"thing": {"enum": ["lamp"]}}, "required": ["thing"]},
    },
}
"""It finds the lamp."""
_THINGS = ("kettle", "lamp", "desk", "chair", "plant", "clock", "shelf", "rug")
_PLACES = ("kitchen", "hall", "attic", "cellar", "garden")


def talks(count: int, seed: int = 0, *, turns: int = 2) -> list[Conversation]:
    """`count` conversations of up to `turns` turns about things in a house; no two are alike."""
    dice = Random(seed)
    made = []
    for number in range(count):
        messages = [{"role": "system", "content": f"You keep house {number}."}]
        for _ in range(dice.randint(1, turns)):
            thing, place = dice.choice(_THINGS), dice.choice(_PLACES)
            messages.append({"role": "user", "content": f"Where is the {thing} number {number}?"})
            messages.append({"role": "assistant", "content": f"The {thing} is in the {place}."})
        made.append(Conversation.model_validate({"id": f"talk-{number}", "messages": messages}))
    return made


def talks_file(folder: Path, count: int, seed: int = 0, *, turns: int = 2, name: str = "talks.jsonl") -> Path:
    """The conversations of `talks` in a file."""
    write_conversations(folder / name, talks(count, seed, turns=turns))
    return folder / name


def calls_file(folder: Path, count: int) -> Path:
    """Conversations with a call of `TOOL` and a text each."""
    made = []
    for number in range(count):
        call = {"id": "c", "type": "function", "function": {"name": "find", "arguments": '{"thing":"lamp"}'}}
        messages = [
            {"role": "user", "content": f"the lamp, {number}"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "hall"},
            {"role": "assistant", "content": "hall"},
        ]
        made.append(Conversation.model_validate({"id": f"call-{number}", "messages": messages, "tools": [TOOL]}))
    write_conversations(folder / "calls.jsonl", made)
    return folder / "calls.jsonl"


def pairs_file(folder: Path) -> Path:
    """The guide's three pairs as {"context", "response"}."""
    path = folder / "pairs.jsonl"
    lines = [json.dumps({"context": asked, "response": said}, ensure_ascii=False) + "\n" for asked, said in PAIRS]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def texts_file(folder: Path, count: int = 40, *, multi: bool = False) -> Path:
    """Labelled texts: of a thing or of a place, or with the labels of all that is in them."""
    dice = Random(0)
    path = folder / "texts.jsonl"
    lines = []
    for number in range(count):
        thing, place = dice.choice(_THINGS), dice.choice(_PLACES)
        if multi:
            labels = sorted({"thing", "place"} if number % 3 else {"thing"})
            text = f"the {thing} in the {place}, {number}" if number % 3 else f"only the {thing}, {number}"
            lines.append({"text": text, "labels": labels})
        else:
            lines.append({"text": f"look for the {thing}, {number}", "label": "thing"})
            lines.append({"text": f"go to the {place}, {number}", "label": "place"})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path
