"""A server beside this process: what is told if it does not start, and that it is gone afterwards."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dialoop.cli.server_process import free_port, served
from dialoop.errors import EngineError


def test_a_server_that_does_not_start_is_told_with_its_own_words(tmp_path: Path):
    log = tmp_path / "server.log"
    with pytest.raises(EngineError) as error, served(str(tmp_path / "nowhere"), free_port(), log=log):
        pytest.fail("a server without a model was said to be ready")
    assert "the server did not start" in error.value.what
    assert "nowhere" in error.value.what
    assert str(log) in (error.value.remedy or "")


def test_a_server_ends_when_the_process_that_asked_for_it_is_gone():
    """With a verb that never ends in the server's place, and a pipe whose other end is closed."""
    code = (
        "import sys, time, types; verb = types.ModuleType('dialoop.cli.serve'); verb.serve = lambda: time.sleep(600);"
        "sys.modules['dialoop.cli.serve'] = verb; sys.argv = ['-c', 'serve'];"
        "from dialoop.cli.server_process import serve_while_held; serve_while_held()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=120) == -signal.SIGTERM


def test_a_free_port_is_free():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", free_port()))
