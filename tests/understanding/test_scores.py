"""Scores of scope and the fitting of temperature and threshold, on made-up features."""

import numpy as np
import pytest

from dialoop.understanding.fitting import calibration_error, fit_temperature, threshold_between
from dialoop.understanding.scores import METHODS, know, scope_scores, softmax

RANDOM = np.random.default_rng(0)
MEANS = np.array([[6.0, 0.0, 0.0], [0.0, 6.0, 0.0]])
HEAD = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def cloud(count: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Features around two intents, their logits and labels."""
    which = RANDOM.integers(0, 2, count)
    features = (MEANS[which] + RANDOM.normal(size=(count, 3))).astype(np.float32)
    return features, (features @ HEAD.T).astype(np.float32), ["ab"[i] for i in which]


@pytest.mark.parametrize("method", METHODS)
def test_what_lies_between_scores_below_what_was_trained_on(method):
    features, _, labels = cloud(400)
    known = know(method, features, labels)
    inside, inside_logits, _ = cloud(100)
    away = np.tile([[0.1, 0.1, 4.0]], (100, 1)).astype(np.float32)
    scores = scope_scores(method, known, inside_logits, inside)
    others = scope_scores(method, known, (away @ HEAD.T).astype(np.float32), away)
    assert scores.shape == (100,)
    assert np.quantile(scores, 0.05) > others.max()


def test_mahalanobis_is_the_squared_distance_in_the_common_spread():
    features, _, labels = cloud(4000)
    known = know("mahalanobis", features, labels)
    at_mean = scope_scores("mahalanobis", known, np.zeros((1, 2), np.float32), MEANS[:1].astype(np.float32))
    one_off = scope_scores(
        "mahalanobis", known, np.zeros((1, 2), np.float32), (MEANS[:1] + np.array([[0.0, 0.0, 2.0]])).astype(np.float32)
    )
    assert at_mean[0] == pytest.approx(0, abs=0.05)
    assert one_off[0] == pytest.approx(-4, rel=0.15)


def test_energy_does_not_overflow():
    logits = np.array([[900.0, 899.0]], dtype=np.float32)
    score = scope_scores("energy", know("energy", logits, ["a"]), logits, logits)
    assert score[0] == pytest.approx(900.3133, abs=1e-3)


def test_a_temperature_mends_what_is_too_sure():
    truth = RANDOM.integers(0, 3, 3000)
    honest = RANDOM.normal(size=(3000, 3))
    honest[np.arange(3000), truth] += 1.5
    temperature = fit_temperature((4 * honest).astype(np.float32), truth)
    right = fit_temperature(honest.astype(np.float32), truth)
    assert temperature == pytest.approx(4 * right, rel=0.02)
    before = calibration_error(softmax((4 * honest).astype(np.float32)), truth)
    after = calibration_error(softmax((4 * honest).astype(np.float32), temperature), truth)
    assert after < before / 3


def test_calibration_error_by_hand():
    sure = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]], dtype=np.float32)
    assert calibration_error(sure, np.array([0, 1, 0, 0])) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4, abs=1e-6)


def test_a_threshold_parts_what_can_be_parted_and_loses_few_where_it_cannot():
    inside, outside = np.linspace(5, 9, 100, dtype=np.float32), np.linspace(0, 4, 50, dtype=np.float32)
    assert 4 < threshold_between(inside, outside) <= 5
    mixed = np.linspace(0, 9, 100, dtype=np.float32)
    assert (mixed >= threshold_between(mixed, mixed + 1)).mean() >= 0.95


def test_mahalanobis_does_not_depend_on_where_the_features_lie():
    features, _, labels = cloud(400)
    text, logits = features[:20] + np.float32(0.5), np.zeros((20, 2), np.float32)
    here = scope_scores("mahalanobis", know("mahalanobis", features, labels), logits, text)
    far = know("mahalanobis", features + np.float32(5000), labels)
    assert scope_scores("mahalanobis", far, logits, text + np.float32(5000)) == pytest.approx(here, abs=0.05)
