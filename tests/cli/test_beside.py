"""A verb in a process beside this one: what it says, its exit status, and that it never outlives its block."""

import time

import pytest

from dialoop.cli.beside import beside


def test_what_a_verb_says_and_its_status_come_back():
    with beside(["--version"], 1) as running:
        status, said = running.result()
    assert status == 0
    assert said.strip()
    with beside(["check", "no/such/file.jsonl"], 1) as running:
        status, said = running.result()
    assert status == 2
    assert "no/such/file.jsonl" in said


def test_a_verb_ends_with_its_block():
    begun = time.monotonic()
    with pytest.raises(KeyError), beside(["serve", "--model", "mini", "--port", "0"], 1) as running:
        raise KeyError
    assert running._process.returncode is not None
    assert time.monotonic() - begun < 30
