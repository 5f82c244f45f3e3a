"""Made-up records for the tests of this room, and Hypothesis strategies that make more."""

import gzip
import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from dialoop.conversation import (
    Annotations,
    Conversation,
    Fault,
    FunctionCall,
    Message,
    MessageAnnotation,
    SlotSpan,
    ToolCall,
    canonical_json,
    scan,
)

TOOL = {
    "type": "function",
    "function": {
        "name": "find_table",
        "parameters": {
            "type": "object",
            "properties": {
                "town": {"type": "string"},
                "guests": {"type": "integer", "minimum": 1},
                "area": {"type": "string", "enum": ["inside", "garden"]},
            },
            "required": ["town"],
            "additionalProperties": False,
        },
    },
}


def call(arguments: str = '{"town":"Ulm"}', name: str = "find_table", identity: str = "call_1") -> dict[str, Any]:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def talk(**fields: Any) -> dict[str, Any]:
    """A sound record: one call, answered."""
    record = {
        "id": "t1",
        "messages": [
            {"role": "system", "content": "Find tables."},
            {"role": "user", "content": "A table in Ulm, please."},
            {"role": "assistant", "content": None, "tool_calls": [call()]},
            {"role": "tool", "tool_call_id": "call_1", "content": '{"found":2}'},
            {"role": "assistant", "content": "There are two."},
        ],
        "tools": [TOOL],
    }
    return record | fields


def chat(*said: str, **fields: Any) -> dict[str, Any]:
    """A record of plain turns, the user first."""
    roles = ("user", "assistant")
    messages = [{"role": roles[index % 2], "content": text} for index, text in enumerate(said)]
    return {"messages": messages} | fields


def write(path: Path, *records: Any) -> Path:
    """Records, or lines that are text already, as JSONL."""
    lines = [record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records]
    data = "".join(line + "\n" for line in lines).encode("utf-8", errors="surrogatepass")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def faults(path: Path, **options: Any) -> list[Fault]:
    return [item for item in scan(path, **options) if isinstance(item, Fault)]


def records(path: Path, **options: Any) -> list[Any]:
    return [item for item in scan(path, **options) if not isinstance(item, Fault)]


letters = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
lines = st.text(letters, min_size=1, max_size=20).filter(lambda text: text.strip())
texts = st.lists(lines, min_size=1, max_size=3).map("\n".join)
names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6) | st.text(letters, max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
meta = st.fixed_dictionaries(
    {"id": names},
    optional={"lang": st.sampled_from(["en", "zh"]), "source": names, "split": names, "customer": names},
)


@st.composite
def plain_conversations(draw: st.DrawFn, *, text: Any = texts) -> Conversation:
    """Turns of text alone, user and assistant by turns."""
    messages = [Message(role="system", content=draw(text))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        messages.append(Message(role="user", content=draw(text)))
        messages.append(Message(role="assistant", content=draw(text)))
    return Conversation(messages=messages, **draw(meta))


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Anything that the record holds and the rules allow."""
    messages = [Message(role="system", content=draw(texts))] if draw(st.booleans()) else []
    made = 0
    for _ in range(draw(st.integers(1, 3))):
        messages.append(Message(role="user", content=draw(texts), name=draw(st.none() | names)))
        calls = []
        for _ in range(draw(st.integers(0, 2))):
            made += 1
            arguments = canonical_json(draw(st.dictionaries(names, json_values, max_size=3)))
            function = FunctionCall(name=draw(names), arguments=arguments)
            calls.append(ToolCall(id=f"call_{made}", function=function))
        if calls:
            messages.append(Message(role="assistant", tool_calls=calls))
            messages += [Message(role="tool", tool_call_id=one.id, content=draw(texts)) for one in calls]
        rejected, weight = draw(st.none() | texts), draw(st.sampled_from([None, 0, 1]))
        messages.append(Message(role="assistant", content=draw(texts), rejected=rejected, weight=weight))
    annotations = None
    if draw(st.booleans()):
        last = messages[-1].content or ""
        slots = [SlotSpan(label=draw(names), start=0, end=len(last))]
        state = draw(st.dictionaries(names, json_values, max_size=2))
        annotations = Annotations(messages=[MessageAnnotation(index=len(messages) - 1, slots=slots, state=state)])
    used = {one.function.name for message in messages for one in message.tool_calls or []}
    tools = [{"type": "function", "function": {"name": name}} for name in sorted(used)]
    return Conversation(messages=messages, tools=tools, annotations=annotations, **draw(meta))
