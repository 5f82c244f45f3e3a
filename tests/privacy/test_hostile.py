"""Texts that are made to keep a reader busy: each is read in time that grows with its length, not with its powers."""

import subprocess
import sys

from dialoop.privacy import find

N = 5000
HOSTILE = {
    "dashes": "a" + "-a" * N + " what time, dot",
    "spelled": "a dot " * N + "what time",
    "underscores": "a underscore " * N + "at, dot",
    "domains": "a at a" + " dot a" * N,
    "dotted": "a" + ".a" * N + " at dot",
    "plain": "a@" + "a-a." * N,
    "signs": "a@" * N + " a @ " * N,
    "brackets": "a (at) a" + ".a" * N + " dot",
    "names": "Tom Berg, " * N,
    "dashed names": "Tom-Berg-" * N,
    "cues": "I am " + " " * N + "Tom",
    "fillers": "嗯" * N + "王",
    "groups": "1234 " * (N // 2),
    "passports": "passport " * N + "passport" + " " * N,
}
LIMIT = 60.0
"""Seconds for all of them, where half of one is enough: what it stops would not end within a life."""


def test_no_text_keeps_the_reader_forever():
    asked = "May I have your name? 您贵姓？"
    program = f"from dialoop.privacy import find\nfor text in {[*HOSTILE.values()]!r}: find(text, asked={asked!r})"
    subprocess.run([sys.executable, "-"], input=program.encode(), check=True, timeout=LIMIT)


def test_spelled_out_addresses_are_found_as_before():
    for address in (
        "kim-lee dot x at example dot com",
        "k-i-m at my-house dot co dot uk",
        "kim underscore lee_2 at mail.example dot org",
        "a dot b dot c dot d dot e at one dot two dot three dot net",
        "kim点lee艾特example点cn",
    ):
        assert [one.text for one in find(f"write to {address}, please")] == [address]


def test_a_name_on_the_line_below_its_contact_is_found():
    assert ("name", "Kim Zorn") in [(one.kind, one.text) for one in find("reach 13812345678,\nKim Zorn")]
