"""Scores under teacher forcing equal a plain reference: full logits, one token at a time."""

import numpy as np
import pytest
import torch

from dialoop.conversation import Conversation
from dialoop.evaluation import forced as room
from dialoop.evaluation.forced import forced
from dialoop.model import sentence

from .bases import asked, booking, said, tiny_base


def reference(base, conversation):
    """(nats, true ids, likeliest ids) from the logits of the whole sentence."""
    line = sentence(conversation.messages, conversation.tools, base.tokenizer)
    with torch.no_grad():
        logits = base.model(torch.tensor([line.ids])).logits[0]
    nats, true, likeliest = 0.0, [], []
    for position, (id_, target) in enumerate(zip(line.ids, line.targets, strict=True)):
        if target:
            nats -= float(logits[position - 1].log_softmax(-1)[id_])
            true.append(id_)
            likeliest.append(int(logits[position - 1].argmax()))
    return nats, true, likeliest


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gpt2"])
@pytest.mark.parametrize("at_once", [None, 700])
def test_scores_equal_the_reference_whole_and_in_parts(kind, at_once, monkeypatch):
    base, conversation = tiny_base(kind), booking(3, lang="zh")
    if at_once:
        monkeypatch.setattr(room, "_LOGITS_AT_ONCE", at_once)
    nats, true, likeliest = reference(base, conversation)
    got = forced(base, conversation)
    assert got.nats == pytest.approx(nats, rel=1e-5)
    assert got.truth.tolist() == true
    assert got.said.tolist() == likeliest
    assert not got.shortened
    hits, said_ids, true_ids = got.by_type
    assert len(hits) == sum(np.array(true) == np.array(likeliest))
    assert (said_ids.tolist(), true_ids.tolist()) == (likeliest, true)


def test_the_text_of_the_targets_is_measured_in_characters_and_bytes():
    conversation = Conversation(id="c", messages=[asked("你好"), said("您好"), asked("再见"), said("ok")])
    got = forced(tiny_base(), conversation)
    assert (got.characters, got.utf8_bytes) == (4, 8)
    assert len(got.truth) == 8 + 2  # every byte and the two stop tokens


def test_answers_of_weight_0_are_not_scored():
    conversation = Conversation(id="c", messages=[asked("a"), said("bad", weight=0), asked("b"), said("good")])
    assert forced(tiny_base(), conversation).characters == len("good")


def test_a_conversation_over_the_window_is_told_and_loses_no_target():
    messages = [message for i in range(8) for message in (asked(f"question {i}"), said(f"answer {i}"))]
    conversation = Conversation(id="c", messages=messages)
    whole, cut = forced(tiny_base(), conversation), forced(tiny_base(window=160), conversation)
    assert (whole.shortened, cut.shortened, cut.lost) == (False, True, 0)
    assert cut.truth.tolist() == whole.truth.tolist()


def test_a_target_that_fits_nowhere_is_counted_as_lost():
    conversation = Conversation(id="c", messages=[asked("a"), said("x" * 300)])
    got = forced(tiny_base(window=100), conversation)
    assert (got.lost, len(got.truth)) == (1, 0)
