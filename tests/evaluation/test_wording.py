"""Figures and answers as a person reads them."""

import pytest

from dialoop.evaluation import wording
from dialoop.evaluation.measures import MEASURES
from dialoop.evaluation.results import Answer, Comparison, Difference, Evaluation


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0042, "0.0042"), (-0.00036, "-0.00036"), (0.0, "0.00"), (0.25, "0.25"), (12.344, "12.34"), (123.44, "123.4")],
)
def test_a_small_error_is_not_shown_as_none(value: float, shown: str):
    assert wording.number(value, MEASURES["score_mse"]) == shown


def test_a_small_change_has_its_sign():
    assert wording.signed(Difference(value=0.0042), MEASURES["score_mae"]) == "+0.0042"
    assert wording.signed(Difference(value=0.0042), MEASURES["call_exact"]) == "+0.4"


def answered(asked: str, said: str) -> Answer:
    return Answer(conversation="same", index=1, lang="en", kind="text", asked=asked, truth="yes", said=said, score=0.2)


def test_answers_of_conversations_with_one_id_stand_beside_their_own():
    before = Evaluation.model_construct(answers=[answered("open?", "before 1"), answered("warm?", "before 2")])
    after = Evaluation.model_construct(answers=[answered("open?", "after 1"), answered("warm?", "after 2")])
    found = wording.worst_answers(Comparison.model_construct(before=before, after=after), "text", 5)
    assert [(one.after.said, one.before.said if one.before else None) for one in found] == [
        ("after 1", "before 1"),
        ("after 2", "before 2"),
    ]
