"""The preferred answer's share: by hand on a tiny base, in the figures, by language, and before against after."""

import pytest
import torch
import torch.nn.functional as F

from dialoop.conversation import Conversation
from dialoop.evaluation import EvaluationSettings, compare, evaluate_model
from dialoop.evaluation.pairs import Preferred, pair_tallies, preferred
from dialoop.model import prompt_ids

from .bases import asked, said, tiny_base

SETTINGS = EvaluationSettings(resamples=200, generate=False)


def edited(number: int, lang: str = "en") -> Conversation:
    chosen = said(f"Room {number}.", rejected=f"Do not ask me about {number}!")
    return Conversation(id=f"{lang}-{number}", lang=lang, messages=[asked("Which room?"), chosen])


def test_both_answers_are_scored_after_the_prompt_with_their_stops():
    base, conversation = tiny_base(), edited(3)
    ((found,), lost) = preferred(base, conversation)
    assert lost == 0
    before = prompt_ids(conversation.messages[:1], [], base.tokenizer)
    for text, nats, tokens in (
        ("Room 3.<|im_end|>", found.chosen, found.chosen_tokens),
        ("Do not ask me about 3!<|im_end|>", found.rejected, found.rejected_tokens),
    ):
        answer = base.tokenizer(text, add_special_tokens=False)["input_ids"]
        ids = torch.tensor([[*before, *answer]])
        every = F.log_softmax(base.model(input_ids=ids).logits[0].double(), dim=-1)
        wanted = sum(every[place - 1, ids[0, place]] for place in range(len(before), ids.shape[1]))
        assert nats == pytest.approx(float(wanted.detach()), rel=1e-4)
        assert tokens == len(answer)


def test_shares_as_a_whole_and_a_token_can_differ():
    long_and_likely = Preferred(chosen=-10.0, rejected=-6.0, chosen_tokens=20, rejected_tokens=3)
    both = Preferred(chosen=-1.0, rejected=-6.0, chosen_tokens=2, rejected_tokens=3)
    tallies = pair_tallies([[long_and_likely, both], []])
    assert tallies["preferred"].sums.tolist() == [[1.0, 2.0], [0.0, 0.0]]
    assert tallies["preferred_a_token"].sums.tolist() == [[2.0, 2.0], [0.0, 0.0]]


def test_they_stand_in_the_figures_by_language_and_in_the_comparison():
    conversations = [edited(number, lang) for number in range(4) for lang in ("en", "zh")]
    before, after = (evaluate_model(tiny_base(seed=seed), conversations, SETTINGS) for seed in (0, 1))
    assert after.figures["all"]["preferred"].of == 8
    assert after.figures["zh"]["preferred_a_token"].of == 4
    assert after.figures["all"]["preferred"].value == 1.0  # the shorter one, for a base that knows nothing
    assert compare(before, after).differences["all"]["preferred"].value == 0.0


def test_pairs_that_do_not_fit_are_counted_and_without_pairs_nothing_is_said():
    base = tiny_base(window=64)
    long = edited(1).model_copy(update={"messages": [asked("?"), said("Yes.", rejected="No" * 40)]})
    found = evaluate_model(base, [long, edited(2)], SETTINGS)
    assert found.coverage.lost_pairs == 1
    assert found.figures["all"]["preferred"].of == 1
    plain = Conversation(id="p", lang="en", messages=[asked("?"), said("Yes.")])
    assert "preferred" not in evaluate_model(base, [plain], SETTINGS).figures["all"]
