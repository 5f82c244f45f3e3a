"""Runs `dialoop serve` as a process beside this one, for as long as something needs it.

It waits until the server says that it is ready, and ends it afterwards. The server holds one end of a pipe, and ends
when the other end is gone: also when this process is killed. It does not know what is served.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from dialoop.cli.app import main
from dialoop.errors import EngineError

HOST = "127.0.0.1"
READY_WITHIN = 120.0
"""Seconds; loading a large base from a slow disk takes a minute."""
ENDS_WITHIN = 15.0
"""Seconds that the server may take to finish what it answers."""


def free_port() -> int:
    """A port of this machine that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(model: str, port: int, *, log: Path, project: Path | None = None) -> Iterator[str]:
    """The base address of a ready server with `model`; it ends with the block. What it says goes to `log`.

    With `project`, its agents are served as well, and `model` may be a path inside it.

    Raises EngineError if it does not become ready.
    """
    words = ["serve", "--model", model, "--host", HOST, "--port", str(port)]
    words += [] if project is None else ["--project", str(project)]
    command = [sys.executable, "-c", f"from {__name__} import serve_while_held; serve_while_held()", *words]
    with log.open("w", encoding="utf-8") as said:
        # Its own session: Ctrl-C in the terminal is meant for what runs in the foreground, not for the server.
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said, start_new_session=True)
    try:
        _await_ready(process, f"http://{HOST}:{port}/readyz", log)
        yield f"http://{HOST}:{port}/v1"
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(timeout=ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def serve_while_held() -> None:
    """In the server's process: `dialoop` with the words given, until standard input ends."""

    def end_with_input() -> None:
        os.read(sys.stdin.fileno(), 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_with_input, daemon=True).start()
    main(sys.argv[1:])


def _await_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = log.read_text(encoding="utf-8").strip().splitlines()
            told = "\n".join(said[-5:]) or f"exit status {process.returncode}"
            raise EngineError(f"the server did not start: {told}", remedy=f"see {log}; or choose another --port")
        try:
            if httpx.get(address, timeout=1.0).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise EngineError(f"the server was not ready within {READY_WITHIN:.0f} s", remedy=f"see {log}; try a smaller base")
