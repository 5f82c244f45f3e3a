"""How often the passage that answers a question is among the first three, beside a plain count of shared words.

    python benchmarks/knowledge.py [--seed 1] [--index postgresql://…] [--jieba] [--fitting] [--misses]

House rules of the hotel scenario (34 topics of both parts, both languages in one folder) are written as
Markdown; the questions of `knowledge_questions.yaml` are asked, which share few words with the rules. All is measured
twice: on the rules alone, and with the words that guests use written beside each rule (`also`), which both ways of
searching are given. Turns of the hotel's test logs that ask for no rule should find nothing.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import yaml

from dialoop.knowledge import FLOOR, Knowledge, Section, open_knowledge, sections, words
from dialoop.scenarios.hotel import make_logs
from dialoop.scenarios.hotel.wording import load

HERE = Path(__file__).parent
QUESTIONS: dict[str, Any] = yaml.safe_load((HERE / "knowledge_questions.yaml").read_text(encoding="utf-8"))
LANGUAGES = {"en": "English", "zh": "Chinese"}
NOT_ASKING = ("greet", "book", "find", "change", "cancel", "inform", "choose", "yes", "no", "thanks", "bye")
Search = Callable[[str, str], list[str]]
"""Question and language → sources, the best first, three at most."""


def rules_page(lang: str, seed: int, *, also: bool) -> str:
    """House rules as a team would write them down: a heading a topic, one rule each."""
    dice = Random(seed)
    page = "# House rules\n" if lang == "en" else "# 住店须知\n"
    for part in ("train", "test"):
        names = load("names", lang, part)
        for topic, variants in names["rules"].items():
            if topic not in QUESTIONS[lang]["also"]:  # the questions are older than it
                continue
            rule = dice.choice(variants).format(fee=dice.choice(names["fees"]), hour=dice.choice(names["hours"]))
            comment = f"<!-- also: {QUESTIONS[lang]['also'][topic]} -->\n" if also else ""
            page += f"\n## {topic}\n\n{comment}{rule}\n"
    return page


def answers(folder: Path) -> dict[tuple[str, str], str]:
    """The source that answers, by language and topic."""
    found = {}
    for lang in LANGUAGES:
        name = f"rules.{lang}.md"
        for section in sections((folder / name).read_text(encoding="utf-8"), name):
            found[lang, section.heading] = section.source
    return found


def keyword_count(folder: Path) -> Search:
    """The baseline: how many of the question's words (Chinese: characters) stand in a section, the most first."""
    held: dict[str, list[tuple[Section, list[str]]]] = {}
    for lang in LANGUAGES:
        name = f"rules.{lang}.md"
        made = sections((folder / name).read_text(encoding="utf-8"), name)
        held[lang] = [(one, plain_words(f"{one.heading} {one.also} {one.text}")) for one in made]

    def search(question: str, lang: str) -> list[str]:
        asked = set(plain_words(question))
        counted = [(sum(word in asked for word in held_words), one.source) for one, held_words in held[lang]]
        best = sorted((pair for pair in counted if pair[0]), key=lambda pair: -pair[0])
        return [source for _, source in best[:3]]

    return search


def plain_words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+|[\u3400-\u9fff]", text.lower())


def ours(knowledge: Knowledge, floor: float) -> Search:
    return lambda question, lang: [one.passage.source for one in knowledge.matches(question, lang, floor=floor)]


def not_asking(lang: str, part: Any) -> list[str]:
    """Turns of the hotel's logs in which a customer asks for nothing that stands in the rules."""
    found = set()
    for conversation in make_logs(150, lang=lang, seed=7, part=part):
        for note in conversation.annotations.messages if conversation.annotations else []:
            if note.intents and note.intents[0] in NOT_ASKING:
                found.add(str(conversation.messages[note.index].content))
    return sorted(found)


def with_jieba() -> None:
    """Cuts Chinese with jieba in place of pairs and single characters (pip install jieba)."""
    import jieba

    jieba.setLogLevel(60)
    words._han = lambda run: [one for one in jieba.cut_for_search(run) if not set(one) <= set(words._CHINESE)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--index", help="postgresql://… in place of SQLite")
    parser.add_argument("--jieba", action="store_true", help="cut Chinese with jieba")
    parser.add_argument("--fitting", action="store_true", help="the questions and turns that the floor was fitted on")
    parser.add_argument("--misses", action="store_true", help="tell each question that was missed")
    options = parser.parse_args()
    if options.jieba:
        with_jieba()
    asked = "fitting" if options.fitting else "figure"
    off_topic = {lang: not_asking(lang, "train" if options.fitting else "test") for lang in LANGUAGES}
    print(f"{'':34}{'en found':>10}{'en first':>10}{'zh found':>10}{'zh first':>10}{'en noise':>10}{'zh noise':>10}")
    for also in (False, True):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for lang in LANGUAGES:
                page = rules_page(lang, options.seed, also=also)
                (folder / f"rules.{lang}.md").write_text(page, encoding="utf-8")
            with open_knowledge(folder, options.index) as knowledge:
                ways = {
                    "keyword count": keyword_count(folder),
                    "dialoop, no floor": ours(knowledge, 0.0),
                    f"dialoop, floor {FLOOR}": ours(knowledge, FLOOR),
                }
                for way, search in ways.items():
                    show(f"{way}{', also' if also else ''}", search, answers(folder), asked, off_topic, options.misses)


def show(
    title: str,
    search: Search,
    right: dict[tuple[str, str], str],
    asked: str,
    off_topic: dict[str, list[str]],
    misses: bool,
) -> None:
    """One line: among the first three, first, and turns that ask for nothing but find something."""
    began, questions, told = time.perf_counter(), 0, []
    for lang in LANGUAGES:
        ranks = []
        for topic, question in QUESTIONS[lang][asked]:
            found = search(question, lang)
            ranks.append(found.index(right[lang, topic]) if right[lang, topic] in found else 3)
            if misses and ranks[-1] == 3:
                print(f"    missed: {question} → {found}")
        questions += len(ranks)
        told += [sum(rank < 3 for rank in ranks) / len(ranks), sum(rank == 0 for rank in ranks) / len(ranks)]
    each = (time.perf_counter() - began) / questions
    told += [sum(bool(search(turn, lang)) for turn in off_topic[lang]) / len(off_topic[lang]) for lang in LANGUAGES]
    print(f"{title:34}" + "".join(f"{value:10.1%}" for value in told) + f"   {each * 1000:.1f} ms a question")


if __name__ == "__main__":
    main()
