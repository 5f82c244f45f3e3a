"""Searching, the floor, and keeping up with the files; each on SQLite and on PostgreSQL."""

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dialoop.conversation.events import Passage
from dialoop.errors import DataError, SettingsError, StoreError
from dialoop.knowledge import Knowledge, open_knowledge
from dialoop.store import open_store
from tests.knowledge.conftest import Hands


def sources(knowledge: Knowledge, text: str, lang: str | None = None, limit: int = 3) -> list[str]:
    return [passage.source for passage in knowledge.search(text, lang, limit)]


@pytest.mark.parametrize(
    ("text", "lang", "source"),
    [
        ("Are pets allowed?", "en", "rules.en.md#pets"),
        ("My dog comes along", "en", "rules.en.md#pets"),
        ("is there wifi", "en", "rules.en.md#wi-fi"),
        ("What does a late checkout cost?", "en", "rules.en.md#late-check-out"),
        ("可以带宠物吗？", "zh", "rules.zh.md#宠物"),
        ("小猫行吗", "zh-CN", "rules.zh.md#宠物"),
        ("游泳池几点关？", None, "rules.zh.md#游泳池"),
    ],
)
def test_the_passage_that_answers_comes_first(knowledge: Knowledge, text: str, lang: str | None, source: str):
    assert sources(knowledge, text, lang)[:1] == [source]


def test_a_passage_tells_its_heading_and_text_and_hides_the_words_of_guests(knowledge: Knowledge):
    assert knowledge.search("my dog", "en") == [
        Passage(text="Pets: Pets are welcome for 5 euros a night.", source="rules.en.md#pets")
    ]
    assert knowledge.search("宠物", "zh")[0].text == "宠物：可以带小型宠物，每晚20元。"


@pytest.mark.parametrize(
    "text",
    [
        "Can you book me a flight?",
        "讲个笑话",
        "yes",
        "",
        "   ",
        "?!",
        "<name_1> and <phone_2>",
        "\x00",
        "the and of",
        "😀",
    ],
)
def test_what_is_about_something_else_finds_nothing(knowledge: Knowledge, text: str):
    assert knowledge.search(text) == []


@pytest.mark.parametrize(
    "text", ["'pets' OR \"x", "pets' | 'a", "pets & ! ( \\", "pets:* NEAR(", "pets%s ? -- ;", "pets*"]
)
def test_signs_of_the_databases_own_languages_are_only_text(knowledge: Knowledge, text: str):
    assert sources(knowledge, text, "en", 1) == ["rules.en.md#pets"]


def test_only_the_language_asked_for_is_searched(knowledge: Knowledge):
    assert sources(knowledge, "pets 宠物", "en") == ["rules.en.md#pets"]
    assert sources(knowledge, "pets 宠物", "zh") == ["rules.zh.md#宠物"]
    assert set(sources(knowledge, "pets 宠物")) == {"rules.en.md#pets", "rules.zh.md#宠物"}
    assert sources(knowledge, "pets", "fr") == []


def test_no_more_than_the_limit_are_given(folder: Path, index: str):
    (folder / "more.en.md").write_text("".join(f"## Pets {n}\n\nPets, rule {n}.\n\n" for n in range(80)), "utf-8")
    with open_knowledge(folder, index, floor=0.0) as knowledge:
        assert len(knowledge.search("pets", "en", 5)) == 5
        assert knowledge.search("pets", "en", 0) == []


def test_the_strongest_come_first_and_the_floor_cuts(knowledge: Knowledge):
    matches = knowledge.matches("late pets", "en", floor=0.0)
    strengths = [match.strength for match in matches]
    assert len(strengths) == 2
    assert strengths == sorted(strengths, reverse=True)
    above = knowledge.matches("late pets", "en", floor=strengths[0])
    assert [match.passage for match in above] == [matches[0].passage]


def test_both_databases_measure_alike(folder: Path, knowledge: Knowledge):
    with open_knowledge(folder) as other:
        for text in ("late pets", "宠物和游泳池", "wifi free"):
            assert knowledge.matches(text, floor=0.0) == other.matches(text, floor=0.0)


@pytest.mark.parametrize("text", ["until 11 o'clock?", "until 11 o’clock", "who is O'Brien", "is o'brien's there"])
def test_words_with_an_apostrophe_are_searched(folder: Path, knowledge: Knowledge, clock: Hands, text: str):
    page = "# Rules\n\n## Breakfast\n\nUntil ten o’clock, by Mrs O'Brien's own hands.\n"
    (folder / "rules.en.md").write_text(page, encoding="utf-8")
    clock.now += 1.1
    assert sources(knowledge, text, "en", 1) == ["rules.en.md#breakfast"]


def test_an_index_of_the_form_before_is_made_anew(folder: Path, index: str, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as before:
        before.setattr("dialoop.knowledge.search._FORM", "1")
        before.setattr("dialoop.knowledge.index.terms", lambda text: ["another"])
        open_knowledge(folder, index).close()
    with open_knowledge(folder, index) as knowledge:
        assert sources(knowledge, "pets", "en", 1) == ["rules.en.md#pets"]


@pytest.mark.parametrize("word", ["ж" * 1500, "x" * 3000])
def test_a_word_of_any_length_is_indexed_and_searched(folder: Path, knowledge: Knowledge, clock: Hands, word: str):
    (folder / "long.md").write_text(f"# Codes\n\nThe code is {word}.\n", encoding="utf-8")
    clock.now += 1.1
    assert sources(knowledge, word, None, 1) == ["long.md#codes"]


def test_a_message_of_any_length_is_searched(knowledge: Knowledge):
    assert knowledge.search("x" * 1_000_000) == []
    assert knowledge.search(" ".join(f"w{n}" for n in range(100_000))) == []
    assert sources(knowledge, "pets " * 100_000, "en", 1) == ["rules.en.md#pets"]


def test_a_changed_file_is_read_again_after_a_second(folder: Path, knowledge: Knowledge, clock: Hands):
    assert sources(knowledge, "Is there a sauna?", "en") == []
    (folder / "rules.en.md").write_text("## Sauna\n\nThe sauna is open all day.\n", encoding="utf-8")
    (folder / "rules.zh.md").unlink()
    assert sources(knowledge, "Is there a sauna?", "en") == []
    clock.now += 1.1
    assert sources(knowledge, "Is there a sauna?", "en") == ["rules.en.md#sauna"]
    assert sources(knowledge, "pets") == []
    assert sources(knowledge, "宠物") == []


def test_only_files_that_changed_are_taken_in(folder: Path, knowledge: Knowledge):
    assert knowledge.refresh() == 0
    (folder / "rules.en.md").write_text("## Sauna\n\nOpen.\n", encoding="utf-8")
    (folder / "new.md").write_text("# Garden\n\nOpen.\n", encoding="utf-8")
    assert knowledge.refresh() == 2


def test_an_index_that_lasts_is_brought_up_to_date_when_opened(folder: Path, index: str):
    open_knowledge(folder, index).close()
    (folder / "rules.en.md").write_text("## Sauna\n\nOpen.\n", encoding="utf-8")
    with open_knowledge(folder, index) as knowledge:
        assert sources(knowledge, "sauna") == ["rules.en.md#sauna"]
        assert sources(knowledge, "pets") == []


def test_two_folders_share_an_index_without_mixing(folder: Path, index: str, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.md").write_text("# Pets\n\nNo pets.\n", encoding="utf-8")
    with open_knowledge(folder, index) as first, open_knowledge(other, index) as second:
        assert sources(second, "pets") == ["a.md#pets"]
        assert "a.md#pets" not in sources(first, "pets")
        assert first.matches("pets", "en", 1)[0].strength > 0


def test_a_file_that_breaks_while_serving_is_told_and_what_was_read_serves_on(
    folder: Path, knowledge: Knowledge, clock: Hands, caplog: pytest.LogCaptureFixture
):
    (folder / "rules.en.md").write_bytes(b"\xff\xfe broken")
    with caplog.at_level(logging.WARNING, "dialoop.knowledge"):
        for _ in range(3):
            clock.now += 2
            assert sources(knowledge, "pets", "en") == ["rules.en.md#pets"]
    assert len(caplog.records) == 1
    assert "UTF-8" in caplog.text
    with pytest.raises(DataError, match=r"rules\.en\.md.*UTF-8"):
        knowledge.refresh()


def test_a_folder_that_is_gone_for_a_while_is_told_and_what_was_read_serves_on(
    folder: Path, knowledge: Knowledge, clock: Hands, caplog: pytest.LogCaptureFixture
):
    folder.rename(folder.with_name("away"))
    clock.now += 2
    with caplog.at_level(logging.WARNING, "dialoop.knowledge"):
        assert sources(knowledge, "pets", "en") == ["rules.en.md#pets"]
    assert "no Markdown file" in caplog.text
    folder.with_name("away").rename(folder)
    clock.now += 2
    assert sources(knowledge, "pets", "en") == ["rules.en.md#pets"]


def test_files_are_found_whatever_the_case_of_their_ending(folder: Path, index: str):
    (folder / "SAUNA.MD").write_text("# Sauna\n\nOpen all day.\n", encoding="utf-8")
    with open_knowledge(folder, index) as knowledge:
        assert sources(knowledge, "sauna") == ["SAUNA.MD#sauna"]


def test_a_sign_that_no_database_keeps_is_no_obstacle(folder: Path, index: str):
    (folder / "nul.md").write_bytes(b"# Sau\x00na\n\nOpen \x00 all day, said the barber.\n")
    with open_knowledge(folder, index) as knowledge:
        assert [one.text for one in knowledge.search("barber")] == [
            "Sau\ufffdna: Open \ufffd all day, said the barber."
        ]


def test_a_file_whose_name_is_no_text_is_told(folder: Path):
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/\xb9\xe6.md")).write_text("# Sauna\n\nOpen.\n", encoding="utf-8")
    except OSError:
        pytest.skip("this file system keeps no such name")
    with pytest.raises(DataError, match=r"xb9.*name of this file") as caught:
        open_knowledge(folder)
    assert str(caught.value).encode()


def test_many_threads_search_while_files_change(folder: Path, knowledge: Knowledge):
    found: list[list[str]] = []

    def search() -> None:
        for _ in range(20):
            found.append(sources(knowledge, "宠物", "zh", 1))

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(5):
        (folder / "rules.en.md").write_text(f"## Sauna\n\nRule {number}.\n", encoding="utf-8")
        knowledge.refresh()
    for thread in threads:
        thread.join()
    assert found == [["rules.zh.md#宠物"]] * 80


def test_no_folder_no_files_and_no_text_are_told(tmp_path: Path, index: str):
    with pytest.raises(SettingsError, match="no such folder"):
        open_knowledge(tmp_path / "nothing", index)
    with pytest.raises(DataError, match="no Markdown"):
        open_knowledge(tmp_path, index)
    (tmp_path / "a.md").write_bytes(b"\xff")
    with pytest.raises(DataError, match="UTF-8"):
        open_knowledge(tmp_path, index)


def test_somebody_elses_database_is_left_alone(folder: Path, tmp_path: Path):
    with open_store(tmp_path / "chat.db"):
        pass
    with pytest.raises(StoreError, match="something else"):
        open_knowledge(folder, tmp_path / "chat.db")
    with open_store(tmp_path / "chat.db") as store:
        assert store.verify().whole
    (tmp_path / "text.db").write_text("no database at all, but long enough to be one " * 30, encoding="utf-8")
    with pytest.raises(StoreError):
        open_knowledge(folder, tmp_path / "text.db")
    with pytest.raises(SettingsError, match="mysql"):
        open_knowledge(folder, "mysql://x")


def test_an_index_of_its_own_leaves_nothing_behind(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    with open_knowledge(folder) as knowledge:
        assert sources(knowledge, "pets")
        assert list(place.iterdir())
    assert not list(place.iterdir())
    (folder / "bad.md").write_bytes(b"\xff")
    with pytest.raises(DataError):
        open_knowledge(folder)
    assert not list(place.iterdir())


def test_searching_loads_no_torch(folder: Path):
    code = (
        "import sys; from dialoop.knowledge import open_knowledge\n"
        f"with open_knowledge({str(folder)!r}) as k: assert k.search('pets')\n"
        "assert not {'torch', 'transformers'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
