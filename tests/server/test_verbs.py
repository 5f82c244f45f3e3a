"""`dialoop serve` and `dialoop chat` as commands: a real server process, a talk over a pipe, refusals with status 2."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from dialoop.cli import main
from dialoop.cli.engines import key_from, newest_model, served_name
from dialoop.conversation import FunctionCall, Message, ToolCall
from dialoop.engine import ScriptedEngine
from dialoop.errors import EngineError, SettingsError

from ..tiny_models import tiny_model
from .running import serving

CALL = ToolCall(id="call_1", function=FunctionCall(name="find_room", arguments='{"city": "约克"}'))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model("llama", tmp_path_factory.mktemp("runs") / "first" / "model")


def refused(capsys, *args):
    with pytest.raises(SystemExit) as ended:
        main(list(args))
    assert ended.value.code == 2
    return capsys.readouterr().err


def talk(address, typed, *options):
    """What a talk with a server says; `typed` is standard input."""
    command = [sys.executable, "-m", "dialoop", "chat", "--url", f"{address}/v1", *options]
    done = subprocess.run(command, input=typed, capture_output=True, check=False, timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_serve_until_sigterm(folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "dialoop", "serve", "--model", str(folder), "--port", str(port)]
    with subprocess.Popen([*command, "--dtype", "float32"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            told = server.stdout.readline()  # it comes when the model is loaded
            assert told == f"serving first at http://127.0.0.1:{port}/v1 (float32 on cpu); Ctrl-C ends it\n"
            assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=30).json()["ready"]
            ask = {"model": "first", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 3}
            answer = httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=ask, timeout=30)
            assert answer.json()["usage"]["completion_tokens"] <= 3
            again = subprocess.run(command, capture_output=True, text=True, check=False)
            assert again.returncode == 2
            assert f"port {port} of 127.0.0.1 is taken" in again.stderr
            assert "Traceback" not in again.stderr
            server.send_signal(signal.SIGTERM)
            assert server.stdout.read() == "ended\n"
        finally:
            server.kill()
    assert server.returncode == 0


def test_serve_a_remote_engine():
    with serving(ScriptedEngine(["far"], name="there")) as address, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
        probe.close()
        options = ["--engine", "remote", "--remote-url", f"{address}/v1", "--name", "here", "--port", port]
        with subprocess.Popen([sys.executable, "-m", "dialoop", "serve", *options], stdout=subprocess.PIPE) as server:
            try:
                assert server.stdout is not None
                assert b"serving here" in server.stdout.readline()
                ask = {"model": "here", "messages": [{"role": "user", "content": "hi"}]}
                answer = httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=ask, timeout=30)
                assert answer.json()["choices"][0]["message"]["content"] == "far"
            finally:
                server.terminate()


def test_refusals_of_serve(capsys, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"port {port} of 127.0.0.1 is taken" in refused(capsys, "serve", "--model", str(folder), "--port", port)
    assert "there is no folder" in refused(capsys, "serve", "--model", "./nothing", "--port", "0")
    assert "NO_SUCH_KEY holds no key" in refused(capsys, "serve", "--port", "0", "--api-key-env", "NO_SUCH_KEY")
    assert "belong together" in refused(capsys, "serve", "--engine", "remote")
    assert "--engine" in refused(capsys, "serve", "--engine", "cloud")


def test_a_talk_with_commands_and_the_result_of_a_call(tmp_path):
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([{"name": "find_room", "parameters": {"type": "object", "properties": {}}}]))
    call = Message(role="assistant", content="我查一下。", tool_calls=[CALL])
    engine = ScriptedEngine(["您好！", call, "有一间。", EngineError("it broke"), "afresh"])
    typed = (
        f"/system 你是前台\n你好\n/tools {tools}\n有房吗？\n"
        '{"free": 1}\nand now?\n/reset\nagain\n/tools nowhere.json\n/what\n/quit\nnever read\n'
    )
    with serving(engine) as address:
        status, said, told = talk(address, typed.encode())
    assert status == 0, told
    assert "您好！\n" in said
    assert '→ find_room {"city": "约克"}' in said
    assert "有一间。" in said
    assert "afresh" in said
    assert "/reset" in said
    assert "it broke" in told
    assert "nowhere.json" in told
    third = engine.requests[2]
    assert [message.role for message in third.messages] == ["system", "user", "assistant", "user", "assistant", "tool"]
    assert third.messages[0].content == "你是前台"
    assert third.messages[-1].content == '{"free": 1}'
    assert third.tool_names == ["find_room"]
    assert [message.content for message in engine.requests[4].messages] == ["你是前台", "again"]


def test_a_line_that_is_no_utf8_is_told_and_left_out():
    engine = ScriptedEngine(["好"])
    with serving(engine) as address:
        status, said, told = talk(address, "好".encode("gb18030") + b"\n\n\xe5\xa5\xbd")
    assert status == 0
    assert "not in UTF-8" in told
    assert said.endswith("好\n")
    assert [request.messages[0].content for request in engine.requests] == ["好"]


def test_refusals_of_chat(capsys, tmp_path):
    nothing = "http://127.0.0.1:9/v1"
    assert "cannot be reached" in refused(capsys, "chat", "--url", nothing)
    assert "holds no key" in refused(capsys, "chat", "--url", nothing, "--key-env", "NO_SUCH_KEY")
    broken = tmp_path / "tools.json"
    broken.write_text("{")
    told = refused(capsys, "chat", "--url", nothing, "--model", "x", "--tools", str(broken))
    assert "no JSON" in told
    assert str(broken) in told


def test_names_and_keys(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    assert newest_model() == "mini"
    for age, run in enumerate(("old", "new")):
        config = tmp_path / "runs" / run / "model" / "config.json"
        config.parent.mkdir(parents=True)
        config.write_text("{}")
        os.utime(config, (time.time() - 100 + age, time.time() - 100 + age))
    assert newest_model() == "runs/new"
    labels = tmp_path / "runs" / "intents" / "model" / "config.json"
    labels.parent.mkdir(parents=True)
    labels.write_text('{"architectures": ["Qwen3ForSequenceClassification"]}')
    assert newest_model() == "runs/new"
    assert served_name("runs/new") == "new"
    assert served_name("runs/new/model") == "new"
    assert served_name("mini") == "mini"
    assert served_name("Qwen/Qwen3-0.6B") == "Qwen/Qwen3-0.6B"
    monkeypatch.setenv("A_KEY", " k ")
    assert key_from("A_KEY") == "k"
    assert key_from(None) is None
    with pytest.raises(SettingsError):
        key_from("NO_SUCH_KEY")
