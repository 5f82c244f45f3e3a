"""A whole evaluation: what is counted, what is left out, before against after."""

import json

import pytest

from dialoop.conversation import Conversation, Message
from dialoop.errors import DataError, SettingsError
from dialoop.evaluation import EvaluationSettings, ToolsSeen, answers, compare, evaluate_model

from .bases import asked, booking, call, said, scripted, tiny_base, true_ids

SETTINGS = EvaluationSettings(resamples=200)
LOGS = [booking(number, lang=lang) for number in range(1, 5) for lang in ("en", "zh")]


def evaluate(monkeypatch, base, conversations, change=lambda ids: ids, settings=SETTINGS, **more):
    """An evaluation of a base whose answers are the true ones, each changed by `change`."""
    turns = [(one, i) for one in conversations for i, message in enumerate(one.messages) if message.is_target]
    monkeypatch.setattr(answers, "generate_greedy", scripted([change(true_ids(base, one, i)) for one, i in turns]))
    return evaluate_model(base, conversations, settings, **more)


def test_true_answers_get_full_marks_in_every_group(monkeypatch):
    found = evaluate(monkeypatch, tiny_base(), LOGS, tools_seen=ToolsSeen.of([booking(9)]))
    assert set(found.figures) == {"all", "en", "zh", "seen tools", "en, seen tools", "zh, seen tools"}
    for group, figures in found.figures.items():
        assert figures["call_exact"].value == figures["call_name"].value == 1.0
        assert figures["call_exact"].of == (8 if group in ("all", "seen tools") else 4)
    for group in ("all", "en", "zh"):
        figures = found.figures[group]
        assert figures["bleu"].value == pytest.approx(100)
        assert figures["chrf"].value == pytest.approx(100)
        assert figures["rouge_l"].value == figures["length_ratio"].value == 1.0
        assert figures["call_false"].value == figures["call_malformed"].value == 0.0
    assert {answer.score for answer in found.answers} == {1.0}
    assert (found.coverage.call_turns, found.coverage.text_turns) == (8, 16)


def test_wrong_values_wrong_tools_and_text_are_told_apart(monkeypatch):
    base = tiny_base()
    conversations = [booking(number) for number in range(1, 5)]
    wrong = {
        "value": '<tool_call>\n{"name": "book_room", "arguments": {"city": "Leeds"}}\n</tool_call>',
        "tool": '<tool_call>\n{"name": "find_room", "arguments": {"city": "York", "nights": "2"}}\n</tool_call>',
        "text": "I would like to know more.",
        "malformed": '<tool_call>\n{"name": "book_room", ',
    }
    texts = [base.tokenizer(text, add_special_tokens=False)["input_ids"] for text in wrong.values()]
    calls = iter(texts)
    found = evaluate(
        monkeypatch,
        base,
        conversations,
        lambda ids: next(calls) if base.tokenizer.decode(ids).startswith("<tool") else ids,
    )
    figures = found.figures["all"]
    assert figures["call_exact"].value == 0.0
    assert figures["call_name"].value == 0.25
    assert figures["call_made"].value == 0.5
    assert figures["call_malformed"].value == pytest.approx(1 / 12)
    assert [one.score for one in found.answers if one.kind == "call"] == [0.5, 0.0, 0.0, 0.0]
    assert next(one for one in found.answers if one.malformed).said_calls == []


def test_a_call_where_text_is_true_is_counted_and_scores_nothing(monkeypatch):
    base = tiny_base()
    ids = base.tokenizer('<tool_call>\n{"name": "a", "arguments": {}}\n</tool_call>', add_special_tokens=False)[
        "input_ids"
    ]
    found = evaluate(monkeypatch, base, [booking(1), booking(2)], lambda _: ids)
    assert found.figures["all"]["call_false"].value == 1.0
    assert found.figures["all"]["bleu"].value == 0.0
    assert {one.score for one in found.answers} == {0.0}


def test_the_cap_is_told(monkeypatch):
    settings = EvaluationSettings(resamples=200, max_new_tokens=5)
    found = evaluate(monkeypatch, tiny_base(), LOGS, settings=settings)
    assert found.coverage.capped == len(found.answers)


def test_limit_takes_the_same_conversations_in_any_order_and_says_so(monkeypatch):
    settings = EvaluationSettings(resamples=200, limit=3, generate=False)
    one = evaluate_model(tiny_base(), LOGS, settings)
    other = evaluate_model(tiny_base(), LOGS[::-1], settings)
    assert sorted(one.conversations) == sorted(other.conversations)
    assert len(one.conversations) == 3
    assert any("3 of 8 conversations, chosen by hash (seed 0)" in note for note in one.coverage.notes)
    another = evaluate_model(tiny_base(), LOGS, settings.model_copy(update={"seed": 1}))
    assert set(another.conversations) != set(one.conversations)


def test_without_answers_only_targets_are_scored():
    found = evaluate_model(tiny_base(), LOGS, EvaluationSettings(resamples=200, generate=False))
    assert found.answers == []
    assert set(found.figures["all"]) == {
        "perplexity", "bits_per_byte", "token_accuracy", "token_precision", "token_recall", "token_f1",
    }  # fmt: skip


def test_unseen_tools_are_apart_and_not_knowing_is_said(monkeypatch):
    conversations = [booking(1), booking(2, name="reserve")]
    found = evaluate(monkeypatch, tiny_base(), conversations, tools_seen=ToolsSeen.of([booking(9)]))
    assert {g: f["call_exact"].of for g, f in found.figures.items()} == {"all": 2, "seen tools": 1, "unseen tools": 1}
    silent = evaluate(monkeypatch, tiny_base(), conversations)
    assert set(silent.figures) == {"all"}
    assert any("not known" in note for note in silent.coverage.notes)


def test_answers_of_weight_0_are_context_and_counted(monkeypatch):
    conversation = Conversation(id="c", messages=[asked("a"), said("b", weight=0), asked("c"), said("d")])
    found = evaluate(monkeypatch, tiny_base(), [conversation])
    assert [one.index for one in found.answers] == [3]
    assert (found.coverage.target_turns, found.coverage.unweighted_turns) == (1, 1)


def test_long_histories_are_shortened_and_what_cannot_be_asked_is_counted(monkeypatch):
    turns = [message for i in range(6) for message in (asked(f"question {i}"), said("yes"))]
    last = [asked("x" * 200), said("no")]
    settings = SETTINGS.model_copy(update={"max_new_tokens": 8})
    found = evaluate(
        monkeypatch, tiny_base(window=200), [Conversation(id="c", messages=turns + last)], settings=settings
    )
    assert found.coverage.shortened_prompts > 0
    assert found.coverage.too_long == 1
    assert len(found.answers) == 6


def test_nothing_to_measure_is_refused():
    with pytest.raises(DataError, match="weight 1"):
        evaluate_model(tiny_base(), [Conversation(id="c", messages=[asked("a")])], SETTINGS)
    with pytest.raises(DataError):
        evaluate_model(tiny_base(), [], SETTINGS)


def test_a_cap_beyond_the_window_is_refused():
    with pytest.raises(SettingsError, match="--max-new-tokens"):
        evaluate_model(tiny_base(window=100), LOGS, SETTINGS)


def test_the_model_is_left_in_the_mode_it_was_in(monkeypatch):
    base = tiny_base()
    base.model.train()
    evaluate(monkeypatch, base, LOGS[:2])
    assert base.model.training


def test_a_comparison_pairs_conversations_and_finds_the_gain(monkeypatch):
    spoilt = iter(range(10_000))
    before = evaluate(monkeypatch, tiny_base(), LOGS, lambda ids: ids if next(spoilt) % 4 == 0 else [])
    after = evaluate(monkeypatch, tiny_base(), LOGS)
    found = compare(before, after)
    gain = found.differences["all"]["call_exact"]
    assert gain.value == pytest.approx(1.0 - before.figures["all"]["call_exact"].value)
    assert gain.p < 0.05
    assert found.differences["all"]["perplexity"].value == 0.0
    assert found.differences["all"]["perplexity"].p == 1.0


def test_other_conversations_or_settings_are_not_compared(monkeypatch):
    after = evaluate(monkeypatch, tiny_base(), LOGS)
    with pytest.raises(SettingsError, match="same conversations"):
        compare(evaluate(monkeypatch, tiny_base(), LOGS[:3]), after)
    other = evaluate(monkeypatch, tiny_base(), LOGS, settings=EvaluationSettings(resamples=300))
    with pytest.raises(SettingsError, match="same settings"):
        compare(other, after)
    read = type(after).model_validate_json(after.model_dump_json())
    with pytest.raises(SettingsError, match="read from a file"):
        compare(read, after)


def test_other_tokens_leave_only_what_compares(monkeypatch):
    before, after = (evaluate(monkeypatch, tiny_base(), LOGS) for _ in range(2))
    found = compare(before.model_copy(update={"tokenizer": "another"}), after)
    assert "perplexity" not in found.differences["all"]
    assert "bits_per_byte" in found.differences["all"]
    assert any("tokenizers differ" in note for note in found.notes)


def test_the_json_round_trips_and_holds_no_tallies(monkeypatch):
    found = evaluate(monkeypatch, tiny_base(), LOGS)
    text = found.model_dump_json()
    assert "tallies" not in json.loads(text)
    assert type(found).model_validate_json(text).figures == found.figures


def test_the_real_engine_answers_every_turn():
    """No stand-in: random weights say something at each of the six target turns."""
    found = evaluate_model(tiny_base(), LOGS[:2], EvaluationSettings(resamples=200, max_new_tokens=6, batch_size=4))
    assert [(one.conversation, one.index) for one in found.answers] == [
        (one.id, index) for one in LOGS[:2] for index in (2, 4, 6)
    ]
    assert any(one.said for one in found.answers)


def test_a_turn_with_two_calls_needs_both(monkeypatch):
    both = [call("book_room", city="York"), call("book_room", city="Bath")]
    conversation = Conversation(
        id="c",
        tools=booking(1).tools,
        messages=[asked("two rooms"), Message(role="assistant", tool_calls=both)],
    )
    settings = EvaluationSettings(resamples=200, max_new_tokens=400)
    whole = evaluate(monkeypatch, tiny_base(), [conversation], settings=settings)
    assert whole.figures["all"]["call_exact"].value == 1.0
    half = evaluate(monkeypatch, tiny_base(), [conversation], lambda ids: ids[: len(ids) // 2 + 2], settings=settings)
    assert len(half.answers[0].said_calls) == 1
    assert half.figures["all"]["call_name"].value == 0.0


@pytest.mark.parametrize("held", [True, False])
def test_answers_with_tools_are_held_to_their_schemas_unless_told(monkeypatch, held):
    asked_for = []

    def generate(_base, prompts, _most, _batch, guides):
        asked_for.extend(guides)
        return [[] for _ in prompts]

    monkeypatch.setattr(answers, "generate_greedy", generate)
    plain = Conversation(id="plain", messages=[asked("a"), said("b")])
    found = evaluate_model(tiny_base(), [booking(1), plain], SETTINGS.model_copy(update={"held": held}))
    assert len(asked_for) == 4
    assert sum(guide is not None for guide in asked_for) == found.coverage.held == (3 if held else 0)
    fits = '<tool_call>\n{"name": "book_room", "arguments": {"city": "York"}}\n</tool_call>'
    assert all(guide.after(fits.encode()) is not None for guide in asked_for if guide)
    assert all(guide.after(fits.replace("city", "town").encode()) is None for guide in asked_for if guide)


@pytest.mark.parametrize("asks", [True, False])
def test_an_agent_that_opens_the_conversation_is_measured_where_the_template_can_ask_for_it(asks: bool):
    base = tiny_base()
    if not asks:
        needed = "{% if messages[0].role == 'system' %}{% endif %}"
        base.tokenizer.chat_template = needed + str(base.tokenizer.chat_template).replace("messages and ", "")
    talk = Conversation(id="1", messages=[said("Hello."), asked("A room?"), said("Yes.")])
    short = SETTINGS.model_copy(update={"max_new_tokens": 4})
    found = evaluate_model(base, [talk], short)
    assert [answer.index for answer in found.answers] == ([0, 2] if asks else [2])
    assert found.coverage.too_long == (not asks)
