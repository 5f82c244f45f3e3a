"""The server below the client: limits, health, metrics, leaving, errors in OpenAI's form, and that it stays light."""

import json
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from dialoop.engine import InProcessEngine, ScriptedEngine
from dialoop.errors import SettingsError
from dialoop.server import ServeSettings, listen

from ..engine.bases import tiny_base
from .running import serving

ASK = {"model": "scripted", "messages": [{"role": "user", "content": "hi"}]}


def post(address, content, kind="application/json"):
    return httpx.post(f"{address}/v1/chat/completions", content=content, headers={"Content-Type": kind}, timeout=20)


def test_importing_the_server_loads_no_torch():
    code = "import sys, dialoop.server; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_json"),
        (b"{", 400, "invalid_json"),
        (b"[]", 400, "invalid_json"),
        (b'{"model": "\xff"}', 400, "invalid_json"),
        (b'{"temperature": NaN}', 400, "invalid_json"),
        (b"[" * 100_000, 400, "invalid_json"),
        (b'{"model": "scripted", "messages": [{"role": "user", "content": "\\ud800"}]}', 400, "invalid_json"),
        (b'{"model": "scripted"}', 400, "missing_required_parameter"),
        (b'{"messages": [{"role": "user", "content": "' + b"x" * 2**20 + b'"}]}', 413, "request_too_large"),
    ],
)
def test_bodies_that_are_no_request(body, status, code):
    with serving(ScriptedEngine(["never"]), settings=ServeSettings(max_body_mib=0.5)) as address:
        answer = post(address, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]


def test_a_body_without_length_is_limited_too():
    with serving(ScriptedEngine(["never"]), settings=ServeSettings(max_body_mib=0.1)) as address:
        answer = post(address, (b"x" * 1024 for _ in range(200)))
    assert answer.status_code == 413


def test_another_type_of_body_is_refused():
    with serving(ScriptedEngine(["never"])) as address:
        assert post(address, json.dumps(ASK), kind="text/plain").status_code == 415


def test_other_addresses_and_methods_answer_in_the_same_form():
    with serving(ScriptedEngine([])) as address:
        missing, wrong = httpx.get(f"{address}/v2"), httpx.get(f"{address}/v1/chat/completions")
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "not_found_error")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")


def test_health_readiness_and_metrics():
    engine = ScriptedEngine(["four", "words"])
    with serving(engine) as address:
        assert httpx.get(f"{address}/healthz").json() == {"status": "ok"}
        assert httpx.get(f"{address}/readyz").status_code == 200
        post(address, json.dumps(ASK))
        post(address, json.dumps({**ASK, "stream": True}))
        post(address, json.dumps({**ASK, "model": "no"}))
        lines = httpx.get(f"{address}/metrics").text.splitlines()
        engine._open = False
        closed = httpx.get(f"{address}/readyz")
        assert (closed.status_code, closed.json()["models"]) == (503, {"scripted": False})
    assert 'dialoop_requests_total{model="scripted",status="200"} 2' in lines
    assert 'dialoop_requests_total{model="-",status="404"} 1' in lines
    assert "dialoop_requests_in_flight 0" in lines
    assert "dialoop_completion_tokens_total 3" in lines
    assert 'dialoop_answer_seconds_bucket{le="+Inf"} 2' in lines
    named = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert named == {line.split()[2] for line in lines if line.startswith("# HELP")}


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_ends_its_answer_within_a_second(stream):
    base = tiny_base()
    base.eos_ids = (0,)  # what no tiny model would say: its answers go on to the window
    base.window = 100_000
    steps, begun = [], threading.Event()

    def note(module, args):
        steps.append(time.monotonic())
        if len(steps) == 5:
            begun.set()

    base.model.register_forward_pre_hook(note)
    body = json.dumps({**ASK, "model": "tiny", "stream": stream, "temperature": 1, "seed": 1}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    with serving(InProcessEngine(base)) as address:
        with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1]))) as client:
            client.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
            assert begun.wait(60)
        left = time.monotonic()
        while "dialoop_requests_in_flight 0" not in httpx.get(f"{address}/metrics").text:
            assert time.monotonic() - left < 30
        count = len(steps)
        assert 'status="499"} 1' in httpx.get(f"{address}/metrics").text
        ended = post(address, json.dumps({**ASK, "model": "tiny", "max_tokens": 2}))
        assert ended.status_code == 200
    assert len(steps) - count <= 3  # the one before it was noticed, and the two tokens of the second answer
    assert steps[count - 1] - left < 1


def test_a_taken_port_is_told():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} of 127.0.0.1 is taken"):
            listen("127.0.0.1", port)
    with pytest.raises(SettingsError, match="no address"):
        listen("no such host", 0)
