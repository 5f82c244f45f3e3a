"""`dialoop convert` as a person uses it."""

import gzip
import json
from pathlib import Path

import pytest

from dialoop.cli import main

PAIR = {"context": "你好，还有桌子吗", "response": "有的"}
BAD = {"context": "x"}


def write(path: Path, *rows: dict, encoding: str = "utf-8") -> Path:
    path.write_bytes("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(encoding))
    return path


def run(*args: object) -> int:
    try:
        main(["convert", *map(str, args)])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_pairs_become_conversations_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = write(tmp_path / "a.jsonl", PAIR, PAIR | {"id": "own"})
    assert run(source, tmp_path / "b.jsonl.gz") == 0
    told = capsys.readouterr().err
    assert "pairs: 'context' and 'response'" in told
    assert "2 conversations written as OpenAI chat" in told
    assert run(tmp_path / "b.jsonl.gz", tmp_path / "c.jsonl", "--to", "pairs") == 0
    back = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text(encoding="utf-8").splitlines()]
    assert back == [{"id": "a-1", **PAIR}, {"id": "own", **PAIR}]


def test_an_error_stops_it_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = write(tmp_path / "a.jsonl", PAIR, BAD)
    assert run(source, tmp_path / "b.jsonl") == 2
    told = capsys.readouterr().err
    assert f"{source}:2" in told
    assert "--leave-out-faulty" in told
    assert not (tmp_path / "b.jsonl").exists()


def test_faulty_records_can_be_left_out_and_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = write(tmp_path / "a.jsonl", PAIR, BAD)
    assert run(source, tmp_path / "b.jsonl", "--leave-out-faulty") == 0
    told = capsys.readouterr().err
    assert f"{source}:2" in told
    assert "1 conversations written" in told
    assert "left out: 1" in told


@pytest.mark.parametrize(
    ("name", "data", "rows"),
    [
        ("a.csv", b'context,response\nq1,a1\nq2,"a2" oops\nq3,a3\nq4,a4\nq5,a5\n', 4),
        ("a.json", b'[\n{"context":"q","response":"\xff"},\n{"context":"q","response":"b"}\n]\n', 1),
    ],
)
def test_after_a_faulty_record_the_sound_ones_are_written(
    tmp_path: Path, name: str, data: bytes, rows: int, capsys: pytest.CaptureFixture[str]
):
    source = tmp_path / name
    source.write_bytes(data)
    assert run(source, tmp_path / "b.jsonl", "--leave-out-faulty") == 0
    assert f"{rows} conversations written" in capsys.readouterr().err
    assert len((tmp_path / "b.jsonl").read_text().splitlines()) == rows


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b'context,response\nq1,a1\nq2,"a2\nq3,a3\nq4,a4\n'),
        ("a.json", b'[\n{"context":"q","response":"a"},\n{"context":"q,"response":"b"},\n{"context":"c"}\n]\n'),
        ("a.csv.gz", gzip.compress(b"context,response\n" + b"q,a\n" * 30_000)[:-20]),
    ],
)
def test_a_file_that_was_not_read_to_its_end_is_told_and_no_success(
    tmp_path: Path, name: str, data: bytes, capsys: pytest.CaptureFixture[str]
):
    source = tmp_path / name
    source.write_bytes(data)
    assert run(source, tmp_path / "b.jsonl", "--leave-out-faulty") == 2
    assert f"b.jsonl is not whole: nothing of {source} after {source}:" in capsys.readouterr().err
    assert (tmp_path / "b.jsonl").read_text().startswith('{"id":')


def test_a_file_without_a_sound_record_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = write(tmp_path / "a.jsonl", {"messages": [{"role": "user", "content": "x"}]})
    assert run(source, tmp_path / "b.jsonl", "--to", "alpaca", "--leave-out-faulty") == 2
    assert "no record can be written" in capsys.readouterr().err
    assert not (tmp_path / "b.jsonl").exists()


def test_the_encoding_can_be_stated(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = write(tmp_path / "a.jsonl", PAIR, encoding="gb18030")
    assert run(source, tmp_path / "b.jsonl") == 2
    assert "--encoding gb18030" in capsys.readouterr().err
    assert run(source, tmp_path / "b.jsonl", "--encoding", "gb18030") == 0
    assert "还有桌子吗" in (tmp_path / "b.jsonl").read_text(encoding="utf-8")


def test_the_files_name_says_how_it_is_written(tmp_path: Path):
    source = write(tmp_path / "a.jsonl", {"text": "to Ulm", "spans": [[3, 6, "town"]]})
    assert run(source, tmp_path / "b.conll") == 0
    assert (tmp_path / "b.conll").read_text().splitlines() == ["# text = to Ulm", "to\tO", "Ulm\tB-town", ""]
    assert run(tmp_path / "b.conll", tmp_path / "c.csv") == 0
    assert (tmp_path / "c.csv").read_text().startswith("text,spans,")
    assert run(write(tmp_path / "p.jsonl", {"instruction": "a", "output": "b"}), tmp_path / "t.txt") == 0
    assert (tmp_path / "t.txt").read_text() == "# id = p-1\nUser: a\nAgent: b\n\n"


@pytest.mark.parametrize(
    "options",
    [
        ["b.bin"],
        ["b.csv"],
        ["b.jsonl", "--to", "xml"],
        ["b.jsonl", "--form", "xml"],
        ["b.jsonl", "--drop", "everything"],
        ["b.jsonl", "--to", "labels"],
        ["b.jsonl", "--encoding", "utf-16"],
        ["b.jsonl", "--max-line-mb", "0.001", "--form", "alpaca"],
        ["none/b.jsonl"],
    ],
)
def test_what_cannot_be_done_ends_with_status_2_and_a_remedy(
    tmp_path: Path, options, capsys: pytest.CaptureFixture[str]
):
    source = write(tmp_path / "a.jsonl", PAIR)
    assert run(source, tmp_path / options[0], *options[1:]) == 2
    assert "what to do:" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_missing_source_ends_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(tmp_path / "none.jsonl", tmp_path / "b.jsonl") == 2
    assert "no such file" in capsys.readouterr().err


def test_protect_puts_stand_ins_into_conversations_and_labelled_texts(tmp_path: Path):
    talks = write(tmp_path / "a.jsonl", {"context": "我叫李小雨，电话13812345678", "response": "好的，李小雨"})
    assert run(talks, tmp_path / "b.jsonl", "--protect") == 0
    text = (tmp_path / "b.jsonl").read_text()
    assert "李小雨" not in text
    assert "13812345678" not in text
    assert text.count("<name_1>") == 2
    span = {"label": "item", "start": 51, "end": 55}
    labelled = {"text": "my name is Anna Bell, call 138 1234 5678 about the lamp", "spans": [span]}
    assert run(write(tmp_path / "c.jsonl", labelled), tmp_path / "d.jsonl", "--protect") == 0
    done = json.loads((tmp_path / "d.jsonl").read_text())
    assert done["text"] == "my name is <name_1>, call <phone_1> about the lamp"
    assert done["text"][done["spans"][0]["start"] : done["spans"][0]["end"]] == "lamp"


def test_a_record_with_two_errors_is_left_out_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    bad = {"messages": [{"role": "user", "content": None}, {"role": "assistant", "content": ""}]}
    good = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]}
    assert run(write(tmp_path / "a.jsonl", bad, good), tmp_path / "b.jsonl", "--leave-out-faulty") == 0
    assert "left out: 1 faulty records" in capsys.readouterr().err


def test_only_the_end_of_a_name_says_the_form(tmp_path: Path):
    (tmp_path / "a.conll").write_text("to O\nUlm B-town\n", encoding="utf-8")
    assert run(tmp_path / "a.conll", tmp_path / "a.conll.jsonl") == 0
    assert json.loads((tmp_path / "a.conll.jsonl").read_text(encoding="utf-8"))["text"] == "to Ulm"
    (tmp_path / "a.txt").write_text("User: hi\nAgent: yes\n", encoding="utf-8")
    assert run(tmp_path / "a.txt", tmp_path / "a.txt.jsonl.gz") == 0
    with gzip.open(tmp_path / "a.txt.jsonl.gz", "rt", encoding="utf-8") as stream:
        assert json.load(stream)["id"] == "a-1"
