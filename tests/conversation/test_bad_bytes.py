"""Bytes that are no lines of text: each ends in one fault with place and remedy, and what is sound is still read."""

import gzip
import json
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialoop.conversation import Fault, inspect_file, read_conversations, read_examples, scan
from dialoop.errors import DataError, SettingsError

from .samples import chat, faults, records, talk, write

SOUND = json.dumps(chat("你好，还有桌子吗", "有的，请问几位", id="s"), ensure_ascii=False)


def only(path: Path, **options):
    found = faults(path, **options)
    assert len(found) == 1, found
    assert found[0].remedy
    assert found[0].place.path == str(path)
    return found[0]


def test_a_broken_character_is_a_fault_of_its_line_alone(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        SOUND.encode() + b"\n" + SOUND.encode()[:40] + b"\xff" + SOUND.encode()[40:] + b"\n" + SOUND.encode()
    )
    fault = only(path)
    assert (fault.place.line, fault.kind, fault.level) == (2, "encoding", "error")
    assert "byte 41" in fault.reason
    assert len(records(path)) == 2
    with pytest.raises(DataError, match=r"a\.jsonl:2: .*UTF-8"):
        list(read_conversations(path))


@pytest.mark.parametrize("form", ["jsonl", "txt"])
def test_gb18030_is_recognised_and_read_when_it_is_stated(tmp_path: Path, form: str):
    path = tmp_path / f"a.{form}"
    text = SOUND if form == "jsonl" else "客户：你好，还有桌子吗\n客服：有的，请问几位"
    path.write_bytes((text + "\n").encode("gb18030") * 3)
    fault = only(path)
    assert "GB18030" in fault.reason
    assert "--encoding gb18030" in fault.remedy
    first = next(read_conversations(path, encoding="gb18030"))
    assert [message.content for message in first.messages][:2] == ["你好，还有桌子吗", "有的，请问几位"]


def test_chinese_utf8_with_a_cut_character_is_not_taken_for_gb18030(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(SOUND.encode().replace("桌".encode(), "桌".encode()[:2]) + b"\n")
    assert "GB18030" not in only(path).reason


def test_utf16_is_recognised(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(SOUND.encode("utf-16"))
    assert "UTF-16" in only(path).reason


@pytest.mark.parametrize("encoding", ["utf-16", "nonsense", "utf-32", "base64", "rot13", ""])
def test_an_encoding_that_cannot_be_read_by_lines_is_refused(tmp_path: Path, encoding: str):
    with pytest.raises(SettingsError, match="line by line"):
        list(scan(write(tmp_path / "a.jsonl", SOUND), encoding=encoding))


def test_a_byte_order_mark_is_left_out_and_told(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + SOUND.encode())
    fault = only(path)
    assert (fault.kind, fault.level) == ("bom", "warning")
    assert len(records(path)) == 1


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.conll", "a.txt"])
def test_a_nul_byte_is_refused_in_every_container(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_bytes(
        {
            "a.jsonl": SOUND.encode()[:-3] + b"\x00" + SOUND.encode()[-3:],
            "a.csv": b"text,label\na\x00b,x\n",
            "a.conll": b"Ulm\tB-town\nUl\x00m\tO\n",
            "a.txt": b"User: hello\nAgent: hi\nUser: a\x00b\n",
        }[name]
    )
    assert any(fault.kind == "nul" and fault.level == "error" for fault in faults(path))


def test_a_nul_behind_an_escape_is_refused(tmp_path: Path):
    assert only(write(tmp_path / "a.jsonl", '{"messages":[{"role":"user","content":"a\\u0000b"}]}')).kind == "nul"


def test_half_a_surrogate_pair_is_refused(tmp_path: Path):
    fault = only(write(tmp_path / "a.jsonl", '{"messages":[{"role":"user","content":"a\\ud83d"}]}'))
    assert "surrogate" in fault.reason


def test_json_10_000_deep_is_refused_with_its_line(tmp_path: Path):
    deep = '{"messages":' + "[" * 10_000 + "]" * 10_000 + "}"
    path = write(tmp_path / "a.jsonl", SOUND, deep, SOUND)
    fault = only(path)
    assert (fault.place.line, fault.kind) == (2, "json")
    assert "deeper than 100" in fault.reason
    assert len(records(path)) == 2


@pytest.mark.parametrize("text", ["[" * 10_000, "[" * 10_000 + "]" * 10_000])
def test_a_file_of_brackets_alone_is_refused(tmp_path: Path, text: str):
    assert any(fault.level == "error" for fault in faults(write(tmp_path / "a.json", text)))


def test_a_line_of_100_mb_is_passed_over_in_bounded_memory(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    with path.open("wb") as stream:
        stream.write(SOUND.encode() + b'\n{"messages":[{"role":"user","content":"')
        for _ in range(100):
            stream.write(b"x" * 1_000_000)
        stream.write(b'"}]}\n' + SOUND.encode() + b"\n")
    tracemalloc.start()
    found = list(scan(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [getattr(item, "kind", "sound") for item in found] == ["sound", "long_line", "sound"]
    fault = found[1]
    assert fault.place.line == 2
    assert "100.0 MB" in fault.reason
    assert "16.0 MB" in fault.reason
    assert "--max-line-mb 101" in fault.remedy
    assert peak < 80_000_000


def test_the_limit_of_a_line_can_be_raised_and_lowered(tmp_path: Path):
    path = write(tmp_path / "a.jsonl", SOUND)
    assert only(path, max_line_bytes=50).kind == "long_line"
    assert faults(path, max_line_bytes=len(SOUND.encode())) == []


def test_the_limit_holds_for_elements_of_an_array_and_cells_of_a_table(tmp_path: Path):
    array = tmp_path / "a.json"
    array.write_text("[\n" + ",\n".join([SOUND] * 3) + "\n]", encoding="utf-8")
    assert len(records(array)) == 3
    one = json.dumps(json.loads(SOUND), indent=1, ensure_ascii=False)
    array.write_text(f"[{one}]", encoding="utf-8")
    assert only(array, max_line_bytes=120).kind == "long_line"
    table = tmp_path / "a.csv"
    table.write_text('text,label\n"' + "a\n" * 100 + '",x\n', encoding="utf-8")
    assert len(records(table)) == 1
    assert any(fault.kind == "row" for fault in faults(table, max_line_bytes=100))


@pytest.mark.parametrize(
    "data", [b"", b"\n\n  \n", b"\xef\xbb\xbf", b"[]", b"text,label\n", gzip.compress(b"", mtime=0)]
)
def test_a_file_without_records_is_refused(tmp_path: Path, data: bytes):
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    assert any(fault.level == "error" for fault in faults(path))
    with pytest.raises(DataError):
        list(read_conversations(path))
    with pytest.raises(DataError):
        list(read_examples(path))


def test_a_cut_off_gzip_file_tells_how_far_it_is_sound(tmp_path: Path):
    whole = write(tmp_path / "a.jsonl.gz", *[chat(f"question {os.urandom(40).hex()}", "answer") for _ in range(3000)])
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(whole.read_bytes()[:-1000])
    found = faults(cut)
    assert [fault.kind for fault in found] == ["gzip"]
    assert len(records(cut)) == found[0].place.line - 1
    assert 2000 < found[0].place.line < 3000


def test_a_gzip_file_with_a_flipped_byte_is_refused(tmp_path: Path):
    whole = write(tmp_path / "a.jsonl.gz", *[chat(f"question {os.urandom(40).hex()}", "answer") for _ in range(100)])
    data = bytearray(whole.read_bytes())
    data[len(data) // 2] ^= 0xFF
    whole.write_bytes(data)
    assert any(fault.level == "error" for fault in faults(whole))


def test_gzip_is_told_by_its_content_not_by_its_name(tmp_path: Path):
    write(tmp_path / "a.jsonl.gz", talk()).rename(tmp_path / "b.txt")
    assert len(records(tmp_path / "b.txt")) == 1


def test_a_folder_and_a_missing_file_are_faults(tmp_path: Path):
    assert "folder" in only(tmp_path).reason
    assert "no such file" in only(tmp_path / "none.jsonl").reason


def test_a_pipe_is_a_fault_and_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    assert "pipe" in only(tmp_path / "pipe").reason


def test_crlf_ends_lines_like_lf(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(SOUND.encode() + b"\r\n" + SOUND.encode() + b"\r\n")
    assert faults(path) == []
    assert len(records(path)) == 2


@pytest.mark.parametrize("line", ["{", '{"messages": [', "null", "3", '"text"', "[1, 2]", '{"messages": NaN}', "}"])
def test_a_line_that_is_no_record_is_refused_with_its_line(tmp_path: Path, line: str):
    path = write(tmp_path / "a.jsonl", SOUND, line, SOUND)
    found = faults(path)
    assert [fault.place.line for fault in found] == [2]
    assert len(records(path)) == 2


@pytest.mark.parametrize("text", ["{", '{"messages": [', '{"a": 1}', "null", "just words", '[{"messages": [', "[1, 2]"])
def test_a_file_that_is_nothing_known_ends_in_an_error(tmp_path: Path, text: str):
    path = write(tmp_path / "a.jsonl", text)
    assert any(fault.level == "error" and fault.remedy for fault in faults(path))
    with pytest.raises(DataError):
        list(read_conversations(path))


SEEDS = [
    SOUND + "\n" + json.dumps(talk()) + "\n",
    "[" + SOUND + ", " + json.dumps(talk(), indent=1) + "]",
    '{"conversations":[{"from":"human","value":"a"},{"from":"function_call","value":"{\\"name\\":\\"f\\"}"}]}\n',
    '{"instruction":"a","input":"b","output":"c","history":[["d","e"]]}\n{"context":["a","b","c"],"response":"d"}\n',
    '{"text":"ab cd","spans":[{"label":"x","start":0,"end":2}]}\n{"text":"a","score":1}\n{"text":"a","label":"b"}\n',
    'text,label\n"a ""b""\nc",d\ne,f\n',
    "# text = a b\na\tB-x\nb\tI-x\n\nc O\n",
    "# id = 1\nUser: a\n  b\nAgent: c\n\n客户：d\n",
]
FORMS = [None, "openai", "sharegpt", "alpaca", "pairs", "labels", "scores", "spans", "conll", "transcript"]


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A sound file with some bytes cut out, put in or changed."""
    data = bytearray(draw(st.sampled_from(SEEDS)).encode())
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(start + 6, len(data))))
        piece = st.binary(max_size=3) | st.sampled_from(
            [b'"', b"{", b"]", b"null", b"1e9", b"-", b"\n", b",", b"\\u0000"]
        )
        data[start:end] = draw(piece)
    return bytes(data)


@settings(max_examples=400)
@given(spoilt() | st.binary(max_size=40), st.sampled_from(FORMS))
def test_whatever_a_file_holds_reading_ends_in_records_and_faults(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, form: str | None
):
    path = tmp_path_factory.getbasetemp() / "spoilt"
    path.write_bytes(data)
    found = list(scan(path, form=form, max_line_bytes=2000))
    assert found
    for item in found:
        if isinstance(item, Fault):
            assert item.reason
            assert item.remedy
            assert item.place.path == str(path)
    inspect_file(path, form=form)
