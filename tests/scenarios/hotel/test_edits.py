"""Edited hotel logs: the rejected answers are worse in the way that they say, and usable as they are."""

import json
from collections import Counter

from dialoop.conversation import Conversation
from dialoop.model import rejected_message
from dialoop.scenarios.hotel import make_edited_logs, make_logs


def edits(part: str) -> list[tuple[str, Conversation, int]]:
    return [
        (note.model_extra["edit"], one, note.index)
        for one in make_edited_logs(80, seed=3, part=part)
        for note in one.annotations.messages
        if "edit" in (note.model_extra or {})
    ]


def test_every_kind_occurs_and_differs_from_the_true_answer_as_it_says():
    found = edits("train")
    assert min(Counter(kind for kind, _, _ in found).values()) >= 8
    assert {kind for kind, _, _ in found} == {"impolite", "wrong_number", "wrong_room", "wrong_call"}
    for kind, conversation, index in found:
        true, worse = conversation.messages[index], rejected_message(conversation.messages[index])
        if kind == "wrong_call":
            (mine,), (other,) = true.tool_calls, worse.tool_calls
            right, wrong = json.loads(mine.function.arguments), json.loads(other.function.arguments)
            assert mine.function.name == other.function.name
            assert [right[key] == wrong[key] for key in right].count(False) == 1
        else:
            assert worse.tool_calls is None
            assert worse.content
            assert worse.content != true.content


def test_apart_from_the_edits_they_are_the_logs_and_the_parts_share_no_impolite_answer():
    for one, other in zip(make_logs(20, seed=3), make_edited_logs(20, seed=3), strict=True):
        assert [m.model_copy(update={"rejected": None}) for m in other.messages] == one.messages
        assert 1 <= sum(message.rejected is not None for message in other.messages) <= 3
    rude = {
        part: {one.messages[i].rejected for kind, one, i in edits(part) if kind == "impolite"}
        for part in ("train", "test")
    }
    assert rude["train"]
    assert not rude["train"] & rude["test"]


def test_the_same_seed_gives_the_same_edits():
    assert list(make_edited_logs(6, seed=1)) == list(make_edited_logs(6, seed=1)) != list(make_edited_logs(6, seed=2))
