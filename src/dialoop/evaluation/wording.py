"""Figures and answers as a person reads them, for the terminal and for the page alike. Computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dialoop.evaluation.measures import MEASURES, Measure
from dialoop.evaluation.results import Answer, Call, Comparison, Coverage, Difference, Evaluation, Figure, LabelFigures

SECTIONS = {
    "labels": "Labels",
    "spans": "Spans",
    "words": "Words and their tags",
    "scores": "Scores",
    "calls": "Tool calls",
    "texts": "Answers in words",
    "pairs": "Edited answers",
    "targets": "Target tokens",
}
NOTHING = "–"
Verdict = Literal["better", "worse", "same", "unknown"]


@dataclass(frozen=True)
class Line:
    """One measure in one group, ready to be shown."""

    group: str
    name: str
    measure: Measure
    before: Figure | None
    after: Figure
    difference: Difference | None

    @property
    def verdict(self) -> Verdict:
        """`better` or `worse` only where the interval of the difference leaves out 0 and p is below 0.05."""
        gap = self.difference
        if gap is None or gap.value is None or gap.p is None or gap.low is None or gap.high is None:
            return "unknown"
        if gap.p >= 0.05 or gap.low <= 0 <= gap.high:
            return "same"
        if self.measure.better == "near one" and self.before and self.before.value is not None and self.after.value:
            return "better" if abs(self.after.value - 1) < abs(self.before.value - 1) else "worse"
        if self.measure.better == "neither":
            return "unknown"
        return "better" if (gap.value > 0) == (self.measure.better == "higher") else "worse"


def lines(result: Evaluation | Comparison) -> dict[str, list[Line]]:
    """All lines by section, in the order of `MEASURES` and then of the groups; what counts nothing is left out."""
    after = result.after if isinstance(result, Comparison) else result
    found: dict[str, list[Line]] = {section: [] for section in SECTIONS}
    for name, measure in MEASURES.items():
        for group, figures in after.figures.items():
            figure = figures.get(name)
            if figure is None or figure.of == 0:
                continue
            before = gap = None
            if isinstance(result, Comparison):
                before = result.before.figures.get(group, {}).get(name)
                gap = result.differences.get(group, {}).get(name)
            found[measure.section].append(Line(group, name, measure, before, figure, gap))
    return {section: some for section, some in found.items() if some}


def number(value: float | None, measure: Measure) -> str:
    """A value in its unit: shares in per cent with one digit, scores with one, the rest with two; of what is below 0.1
    two figures, so that a small error is not shown as none.
    """
    if value is None:
        return NOTHING
    if measure.unit == "%":
        return f"{100 * value:.1f} %"
    if 0 < abs(value) < 0.1 and measure.unit == "":
        return f"{value:.2g}"
    return f"{value:.1f}" if measure.unit == "0–100" or abs(value) >= 100 else f"{value:.2f}"


def interval(figure: Figure | Difference | None, measure: Measure) -> str:
    """`low to high` in the measure's unit; nothing where there is no interval."""
    if figure is None or figure.low is None or figure.high is None:
        return ""
    return f"{number(figure.low, measure).removesuffix(' %')} to {number(figure.high, measure).removesuffix(' %')}"


def signed(difference: Difference | None, measure: Measure) -> str:
    """A difference with its sign; per cent become percentage points."""
    if difference is None or difference.value is None:
        return NOTHING
    text = number(difference.value, measure).removesuffix(" %")
    return text if text.startswith("-") else f"+{text}"


def chance(difference: Difference | None) -> str:
    """The p value, never written as zero."""
    if difference is None or difference.p is None:
        return ""
    return f"{difference.p:.3f}" if difference.p >= 0.001 else "<0.001"


def call_text(call: Call) -> str:
    """A call as `name {arguments}`."""
    return f"{call.name} {call.arguments}"


def truth_of(answer: Answer) -> str:
    """What was truly said, called or given as a label."""
    return _spoken(answer.truth, answer.true_calls, answer.true_labels, [])


def said_of(answer: Answer | None) -> str:
    """What the model said, its calls, its labels, and what looked like a call and was none."""
    if answer is None:
        return NOTHING
    return _spoken(answer.said, answer.said_calls, answer.said_labels, answer.malformed)


def _spoken(text: str | None, calls: Sequence[Call], labels: Sequence[str], malformed: Sequence[str]) -> str:
    parts = [
        text or "",
        *(f"→ {call_text(call)}" for call in calls),
        ", ".join(labels),
        *(f"✗ {bad}" for bad in malformed),
    ]
    return "\n".join(part for part in parts if part) or "(nothing)"


def coverage_notes(coverage: Coverage, max_new_tokens: int) -> list[str]:
    """What was measured, then everything that was left out, shortened or cut."""
    tongues = ", ".join(f"{lang} {count}" for lang, count in coverage.languages.items())
    notes = [f"{coverage.used} {coverage.unit} ({tongues})"]
    if coverage.unit == "conversations":
        notes[0] += (
            f", {coverage.call_turns} turns whose truth is a call, {coverage.text_turns} whose truth is text, "
            f"{coverage.target_tokens} target tokens"
        )
    for count, what in (
        (coverage.unweighted_turns, "assistant turns of weight 0 are context and not measured"),
        (
            coverage.shortened,
            "conversations are longer than the window: later targets were scored with less before them",
        ),
        (coverage.lost_targets, "target messages were not scored: they do not fit into the window"),
        (coverage.shortened_prompts, "answers were given on a history shortened to the window"),
        (coverage.lost_pairs, "edited answers were not compared: they do not fit into the window"),
        (
            coverage.too_long,
            "turns not answered: even the last turn alone exceeds the window, or the template cannot ask for them",
        ),
        (coverage.held, "answers had tools and were held to their schemas, as the engine holds them when it serves"),
        (coverage.capped, f"answers were cut at {max_new_tokens} new tokens"),
    ):
        if count:
            notes.append(f"{count} {what}")
    return notes + coverage.notes


@dataclass(frozen=True)
class SideBySide:
    """One turn: what was asked, and both answers beside the truth."""

    after: Answer
    before: Answer | None


def worst_answers(
    result: Evaluation | Comparison, kind: Literal["call", "text", "label", "spans", "score"], most: int
) -> list[SideBySide]:
    """The `most` lowest scored answers of a kind; among equals, those first that were better before."""
    after = result.after if isinstance(result, Comparison) else result
    earlier: dict[tuple[object, ...], Answer] = {}
    if isinstance(result, Comparison):
        earlier = {_turn(one): one for one in result.before.answers}
    pairs = [SideBySide(one, earlier.get(_turn(one))) for one in after.answers if one.kind == kind and one.score < 1.0]
    return sorted(pairs, key=lambda pair: (pair.after.score, -(pair.before.score if pair.before else 0.0)))[:most]


def _turn(answer: Answer) -> tuple[object, ...]:
    """What tells turns apart: ids of conversations may be there twice."""
    return (answer.conversation, answer.index, answer.asked, answer.truth, *answer.true_calls, *answer.true_labels)


@dataclass(frozen=True)
class Share:
    """How the turns of one tool, or the texts of one label, came out; shares of exact ones from 0 to 1."""

    name: str
    of: int
    seen: bool | None
    before: float | None
    after: float


def by_truth(result: Evaluation | Comparison, kind: Literal["call", "label"]) -> list[Share]:
    """Exact answers by true tools or labels, most frequent first; two together are a line of their own."""
    after = result.after if isinstance(result, Comparison) else result
    before = _by_name(result.before.answers, kind) if isinstance(result, Comparison) else {}
    some = []
    for name, answers in _by_name(after.answers, kind).items():
        earlier = before.get(name)
        some.append(Share(name, len(answers), answers[0].seen, _exact(earlier) if earlier else None, _exact(answers)))
    return sorted(some, key=lambda line: (-line.of, line.name))


@dataclass(frozen=True)
class LabelLine:
    """One label's figures, and its F1 before where there is a before."""

    after: LabelFigures
    before: float | None


def by_label(result: Evaluation | Comparison) -> list[tuple[str, list[LabelLine]]]:
    """Title and lines of each table of figures label by label."""
    after = result.after if isinstance(result, Comparison) else result
    found = []
    for level, some in after.labels.items():
        earlier = result.before.labels.get(level, []) if isinstance(result, Comparison) else []
        before = {one.label: one.f1 for one in earlier}
        found.append((_LEVELS.get(level, level), [LabelLine(one, before.get(one.label)) for one in some]))
    return found


_LEVELS = {
    "labels": "Label by label",
    "spans": "Spans, label by label",
    "words": "Words, tag by tag",
}


def _by_name(answers: Sequence[Answer], kind: str) -> dict[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for one in answers:
        if one.kind == kind:
            names = one.true_labels if kind == "label" else [call.name for call in one.true_calls]
            found.setdefault(" + ".join(sorted(names)) or "(none)", []).append(one)
    return found


def _exact(answers: Sequence[Answer]) -> float:
    return sum(one.score == 1.0 for one in answers) / len(answers)
