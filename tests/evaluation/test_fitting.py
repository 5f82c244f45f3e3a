"""Fit of data and base: lengths, targets, distance from a reference."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dialoop.conversation import Conversation, Example
from dialoop.errors import DataError, ModelError
from dialoop.evaluation import fit, fit_texts, known_figures
from dialoop.evaluation.fit_results import Known
from dialoop.evaluation.nearness import Reference, reference
from dialoop.model import sentence

from .bases import asked, booking, said, tiny_base

LOGS = [booking(number, lang=lang) for number in range(1, 5) for lang in ("en", "zh")]


def test_tokens_targets_and_lengths_are_those_of_the_sentences():
    base = tiny_base()
    lines = [sentence(one.messages, one.tools, base.tokenizer) for one in LOGS]
    found = fit(base, LOGS)
    assert found.tokens == sum(len(line.ids) for line in lines)
    assert found.target_tokens == sum(sum(line.targets) for line in lines)
    assert found.target_share == pytest.approx(found.target_tokens / found.tokens)
    assert found.lengths.longest == max(len(line.ids) for line in lines)
    assert (found.lengths.over_window, found.faults) == (0, [])


def test_no_target_at_all_is_a_fault_and_some_without_are_a_warning():
    mute = [Conversation(id=f"c{i}", messages=[asked("hello"), said("x", weight=0)]) for i in range(3)]
    found = fit(tiny_base(), mute)
    assert any("no token is a target" in fault for fault in found.faults)
    assert (found.target_tokens, found.example, found.nearness) == (0, [], [])
    some = fit(tiny_base(), [*mute, *LOGS])
    assert some.faults == []
    assert some.without_target == ["c0", "c1", "c2"]
    assert any("3 conversations have no target" in warning for warning in some.warnings)


def test_what_exceeds_the_window_is_counted():
    turns = [message for i in range(8) for message in (asked(f"question {i}"), said(f"answer {i}"))]
    long, mute = (
        Conversation(id="long", messages=turns),
        Conversation(id="mute", messages=[asked("a"), said("b" * 300)]),
    )
    found = fit(tiny_base(window=160), [long, mute, Conversation(id="short", messages=[asked("a"), said("b")])])
    assert (found.lengths.over_window, found.lengths.lost_targets) == (2, 1)
    assert found.lengths.left_out_turns > 0
    assert any("longer than the window of 160" in warning for warning in found.warnings)


def test_the_samples_are_bounded_and_told():
    found = fit(tiny_base(), iter(LOGS), measure=5, score=2)
    assert (found.given, found.measured, found.scored) == (8, 5, 2)
    assert any("5 of 8 conversations" in note for note in found.notes)
    assert any("2 of 8 conversations" in note for note in found.notes)


def test_known_figures_are_bits_and_tokens_a_character():
    base = tiny_base()
    with torch.no_grad():
        base.model.lm_head.weight.zero_()  # every token equally likely
    size = base.model.config.vocab_size
    known = known_figures(base, [Conversation(id="c", lang="en", messages=[asked("a"), said("four")])])["en"]
    assert known.perplexity == pytest.approx(size, rel=1e-4)
    assert known.tokens_per_character == 5 / 4  # four letters and the stop token
    assert known.bits_per_character == pytest.approx(math.log2(size) * 5 / 4, rel=1e-4)


def test_text_like_the_reference_is_near_and_strange_text_is_far(tmp_path: Path):
    base = replace(tiny_base(), path=tmp_path)
    own = known_figures(base, LOGS)
    figures = {lang: one.model_dump() for lang, one in own.items()}
    (tmp_path / "reference.json").write_text(json.dumps({"source": "the same logs", "figures": figures}))
    near = fit(base, LOGS)
    assert [one.verdict for one in near.nearness] == ["near", "near"]
    assert [one.distance for one in near.nearness] == pytest.approx([1.0, 1.0])
    assert near.reference == "the same logs"
    for one in figures.values():
        one["bits_per_character"] /= 4
        one["tokens_per_character"] /= 4
    (tmp_path / "reference.json").write_text(json.dumps({"source": "easier text", "figures": figures}))
    far = fit(base, LOGS)
    assert [one.verdict for one in far.nearness] == ["far", "far"]
    assert sum("far from what" in warning for warning in far.warnings) == 2
    assert sum("many pieces" in warning for warning in far.warnings) == 2


def test_without_a_file_the_packaged_conversations_are_the_reference():
    beside = reference(tiny_base(), ["en", "zh-CN", "fr"])
    assert set(beside.figures) == {"en", "zh"}
    assert "packaged" in beside.source
    french = [Conversation(id="f", lang="fr", messages=[asked("bonjour"), said("bonsoir")])]
    plain = [Conversation(id="u", messages=[asked("hi"), said("hello")])]
    found = fit(tiny_base(), [*french, *plain])
    assert {one.lang: (one.verdict == "no reference", one.compared_with) for one in found.nearness} == {
        "fr": (True, None),
        "unstated": (False, "en"),
    }


def test_a_broken_reference_is_told_with_its_place(tmp_path: Path):
    (tmp_path / "reference.json").write_text("{}")
    with pytest.raises(ModelError, match=r"reference\.json"):
        fit(replace(tiny_base(), path=tmp_path), LOGS)


def test_the_example_is_the_conversation_with_its_targets_marked():
    found = fit(tiny_base(), [booking(7)])
    learnt = [stretch.text for stretch in found.example if stretch.target]
    assert learnt[0] == "Hello! Which city are you going to?<|im_end|>"
    assert '"name": "book_room"' in learnt[1]
    assert "".join(stretch.text for stretch in found.example).startswith("<|im_start|>system\nYou book rooms.")


def test_labelled_texts_are_measured_against_the_window():
    texts = [Example(text="x" * length, label="a") for length in (10, 20, 90)]
    found = fit_texts(tiny_base(window=64), texts)
    assert (found.lengths.longest, found.lengths.over_window, found.unit) == (90, 1, "texts")
    assert any("1 texts are longer" in warning for warning in found.warnings)


def test_nothing_is_refused():
    with pytest.raises(DataError):
        fit(tiny_base(), [])
    with pytest.raises(DataError):
        fit_texts(tiny_base(), [])


def test_calls_in_a_form_that_nothing_reads_are_a_warning():
    base = tiny_base()
    assert not any("as text, not as calls" in warning for warning in fit(base, LOGS).warnings)
    template = str(base.tokenizer.chat_template).replace("tool_call>", "call>")
    base.tokenizer.chat_template = template
    assert any(f"{len(LOGS)} conversations hold calls" in warning for warning in fit(base, LOGS).warnings)


@pytest.mark.parametrize("lang", ["zh", "zh-CN", "zh_CN", "Chinese"])
def test_the_reference_of_a_language_is_found_by_its_usual_names(lang: str):
    known = Known(perplexity=5.0, bits_per_character=2.0, tokens_per_character=0.8)
    assert Reference(source="made up", figures={"zh": known}).of(lang) == ("zh", known)
