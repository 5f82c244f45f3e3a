"""The command line around the verbs: what it loads, what it says of every kind of failure, its exit status."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from dialoop.cli import main
from dialoop.cli.app import VERBS, commands, load_verb
from dialoop.errors import DataError, Place

WORLD = "import sys\nfrom dialoop.cli.app import main\n"


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(args))
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Make the verb `chat` raise what the test gives."""

    def arrange(error: BaseException) -> None:
        def chat() -> None:
            raise error

        module = type(sys)("dialoop.cli.chat")
        module.chat = chat
        monkeypatch.setitem(sys.modules, "dialoop.cli.chat", module)

    return arrange


def test_help_lists_every_verb_and_loads_neither_torch_nor_a_verb():
    code = WORLD + (
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"loaded = [name for name in ('torch', 'transformers', *('dialoop.cli.' + v for v in {list(VERBS)}))"
        " if name in sys.modules]\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [verb for verb in VERBS if verb not in done.stdout] == []


def test_every_verb_loads_and_explains_itself(capsys: pytest.CaptureFixture[str]):
    for verb in VERBS:
        status, out, _ = run(capsys, verb, "--help")
        assert status == 0
        assert "Usage: dialoop " + verb in " ".join(out.split())


def test_no_words_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]):
    status, out, err = run(capsys)
    assert status == 2
    assert "Usage: dialoop" in out + err


def test_an_unknown_verb_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]):
    status, out, err = run(capsys, "tunee")
    assert (status, out) == (2, "")
    assert "Did you mean 'tune'?" in err


def test_an_unknown_option_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]):
    status, out, err = run(capsys, "--verison")
    assert (status, out) == (2, "")
    assert "--version" in err


def test_version(capsys: pytest.CaptureFixture[str]):
    from dialoop import __version__

    assert run(capsys, "--version") == (0, f"dialoop {__version__}\n", "")


def test_a_refusal_is_one_message_with_place_and_remedy(failing, capsys: pytest.CaptureFixture[str]):
    failing(DataError("an unknown role: 'bot'", where=Place("logs.jsonl", 7), remedy="write 'assistant'"))
    status, out, err = run(capsys, "chat")
    assert (status, out) == (2, "")
    assert err == "dialoop: logs.jsonl:7: an unknown role: 'bot'\n  what to do: write 'assistant'\n"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "runs/a/log.jsonl"), "runs/a/log.jsonl: the disk is full"),
        (RuntimeError("Error: I/O: No space left on device (os error 28)"), "the disk is full"),
        (OSError(errno.EADDRINUSE, "Address already in use"), "the port is taken"),
        (PermissionError(errno.EACCES, "Permission denied", "shelf"), "shelf: permission denied"),
        (FileNotFoundError(errno.ENOENT, "No such file", "logs.jsonl"), "logs.jsonl: no such file or folder"),
        (OSError(errno.EIO, "Input/output error", "logs.jsonl"), "logs.jsonl: Input/output error"),
        (MemoryError(), "out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out of memory"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_the_system_refuses_is_told_in_words(error, told, failing, capsys: pytest.CaptureFixture[str]):
    failing(error)
    status, _, err = run(capsys, "chat")
    assert status == 2
    assert err.startswith(f"dialoop: {told}")
    assert "\n  what to do: " in err
    assert "Traceback" not in err


def test_a_defect_asks_for_a_report_and_shows_no_traceback(failing, capsys: pytest.CaptureFixture[str]):
    failing(KeyError("answer"))
    status, out, err = run(capsys, "chat")
    assert (status, out) == (1, "")
    assert "a defect of dialoop" in err
    assert "KeyError: 'answer'" in err
    assert "dialoop --traceback chat" in err
    assert "Traceback" not in err


def test_traceback_is_shown_where_it_is_asked_for(failing, capsys: pytest.CaptureFixture[str]):
    failing(KeyError("answer"))
    status, _, err = run(capsys, "--traceback", "chat")
    assert status == 1
    assert err.startswith("Traceback (most recent call last)")
    assert "dialoop --traceback chat" in err


def test_an_interruption_ends_with_130(failing, capsys: pytest.CaptureFixture[str]):
    failing(KeyboardInterrupt())
    status, _, err = run(capsys, "chat")
    assert status == 130
    assert "Traceback" not in err


def test_a_reader_that_goes_away_is_no_failure_to_speak_of():
    command = f"{sys.executable} -m dialoop --help | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_standard_output_on_a_full_disk_is_told():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dialoop", "--version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr.startswith("dialoop: the disk is full")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_listed_verb_has_a_file_with_its_command():
    group = commands()
    assert list(group.commands) == list(VERBS)
    for verb in VERBS:
        command = load_verb(verb)
        assert command.name == verb
        assert command.help


def test_the_working_directorys_project_file_gives_a_verb_its_defaults(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dialoop.yaml").write_text("base: nowhere/at-all\n", encoding="utf-8")
    module = type(sys)("dialoop.cli.tune")

    def tune(data: str, base: str = "mini", epochs: int = 3) -> None:
        print(f"{data} {base} {epochs}")

    module.tune = tune
    monkeypatch.setitem(sys.modules, "dialoop.cli.tune", module)
    status, out, err = run(capsys, "tune", "logs.jsonl")
    assert (status, out) == (0, "logs.jsonl nowhere/at-all 3\n")
    assert err.startswith("from dialoop.yaml: base nowhere/at-all")
    status, out, _ = run(capsys, "tune", "logs.jsonl", "--base", "mini")
    assert (status, out) == (0, "logs.jsonl mini 3\n")


def test_a_broken_project_file_is_refused_with_its_line(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dialoop.yaml").write_text("# ours\nbse: mini\n", encoding="utf-8")
    status, out, err = run(capsys, "check", "logs.jsonl")
    assert (status, out) == (2, "")
    assert err.startswith("dialoop: dialoop.yaml:2: there is no setting `bse`")
    assert "did you mean `base`?" in err
