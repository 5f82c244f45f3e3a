"""The page stands alone, shows what it should, and lets no one's words become markup."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from dialoop.conversation import Conversation, Example
from dialoop.evaluation import (
    EvaluationSettings,
    ToolsSeen,
    answers,
    compare,
    evaluate_classifier,
    evaluate_model,
    show,
    table,
    write_report,
)
from dialoop.evaluation.plots import plots
from dialoop.evaluation.report import page

from .bases import asked, booking, said, scripted, tiny_base, tiny_classifier, tool, true_ids

SETTINGS = EvaluationSettings(resamples=100)
NASTY = "<script>alert('x')</script> & </style>"
LOGS = [booking(i, lang=lang) for i in (1, 2, 3) for lang in ("en", "zh")]
LOGS.append(
    Conversation(id="nasty", lang="en", tools=[tool("f")], messages=[asked(NASTY), said("see {{ 7*7 }}" + NASTY)])
)


def measured(monkeypatch, good: bool):
    base = tiny_base()
    turns = [(one, i) for one in LOGS for i, message in enumerate(one.messages) if message.is_target]
    said_ids = [true_ids(base, one, i) if good or i == 2 else [65, 66, 67] for one, i in turns]
    monkeypatch.setattr(answers, "generate_greedy", scripted(said_ids))
    return evaluate_model(base, LOGS, SETTINGS, tools_seen=ToolsSeen.of(LOGS), data="held-out.jsonl")


@pytest.fixture
def comparison(monkeypatch):
    return compare(measured(monkeypatch, False), measured(monkeypatch, True))


def test_the_page_needs_nothing_from_outside(comparison):
    text = page(comparison)
    outside = [
        link
        for link in re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"')>\s]+)", text)
        if not link.startswith("data:")
    ]
    assert outside == []
    assert not re.search(r"<(script|link|iframe)\b", text)
    assert text.count("data:image/svg+xml;base64,") == 3


def test_words_of_the_data_stay_words(comparison):
    worst_before = page(compare(comparison.after, comparison.before))
    assert "<script>" not in worst_before
    assert "&lt;script&gt;alert" in worst_before
    assert "see {{ 7*7 }}" in worst_before


def test_the_page_shows_answers_side_by_side_and_what_was_measured(comparison):
    text = page(compare(comparison.after, comparison.before))
    assert "订好了，房号是1。" in text
    assert text.count('<div class="label">before</div>') == text.count('<div class="label">truth</div>') > 0
    assert "7 conversations (en 4, zh 3)" in text
    assert "worse, p" in text
    assert "book_room" in text


def test_one_model_alone_has_a_page_without_a_before(monkeypatch):
    text = page(measured(monkeypatch, False))
    assert '<div class="label">before</div>' not in text
    assert "<th>difference</th>" not in text


def test_the_files_are_whole_and_the_json_reads(comparison, tmp_path: Path):
    paths = write_report(comparison, tmp_path / "a" / "b")
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["evaluation.json", "report.html"]
    read = json.loads(paths["json"].read_text(encoding="utf-8"))
    assert read["after"]["figures"]["zh"]["call_exact"]["value"] == 1.0
    assert read["before"]["figures"]["zh"]["call_exact"]["value"] == 0.0
    assert read["differences"]["all"]["call_exact"]["value"] == 1.0
    assert paths["html"].read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_disk_that_fills_leaves_the_old_report(comparison, tmp_path: Path, monkeypatch):
    paths = write_report(comparison, tmp_path)
    old = paths["json"].read_bytes()

    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_report(comparison.after, tmp_path)
    assert paths["json"].read_bytes() == old
    assert len(list(tmp_path.iterdir())) == 2


def test_plots_need_no_fonts_and_no_clock(comparison):
    drawn = plots(comparison)
    assert len(drawn) == 3
    assert all("<text" not in svg and "<dc:date>" not in svg for svg in drawn.values())
    assert plots(comparison) == drawn


def test_the_table_shows_every_group_and_difference(comparison):
    console = Console(width=80, record=True, file=io.StringIO())
    show(console, table(comparison))
    text = console.export_text()
    line = next(line for line in text.splitlines() if "Exact call" in line)
    assert "0.0 %" in line
    assert "100.0 %" in line
    assert "+100.0" in line
    assert "zh, seen tools" in text
    assert "7 conversations" in text
    assert "…" not in text


def test_a_classifier_has_the_same_page(tmp_path: Path):
    texts = [Example(text=f"第{i}个问题", label=("ask", "book")[i % 2], lang="zh") for i in range(8)]
    found = evaluate_classifier(tiny_classifier(("ask", "book")), texts, SETTINGS, data="intents.jsonl")
    text = page(found)
    assert "F1 (macro)" in text
    assert "8 texts (zh 8)" in text
    assert "Texts given a wrong label" in text
    assert "Recall by label" in text


def test_a_comparison_says_what_was_measured_of_one_side_alone(comparison):
    before, after = comparison.before, comparison.after
    short = before.coverage.model_copy(update={"too_long": 3, "held": after.coverage.held + 1})
    uneven = compare(before.model_copy(update={"coverage": short}), after)
    assert any(note.startswith("turns not answered") and "3 before, 0 after" in note for note in uneven.notes)
    assert any(note.startswith("answers held to the schemas") for note in uneven.notes)
    assert not any("turns not answered" in note for note in comparison.notes)
