"""The documentation: links lead somewhere, its commands exist and run, the pages made from the code are up to date."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.core import TyperOption

from dialoop.cli import reference
from dialoop.cli.app import VERBS, commands, load_verb

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(?P<words>[^\n`]*)\n(?P<text>.*?)^```$", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\((?P<to>[^)\s]+)\)")


def blocks(page: Path, words: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return [found["text"] for found in FENCE.finditer(text) if found["words"].strip() == words]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def words_of_commands(page: Path) -> list[list[str]]:
    """Every `dialoop …` command in the page's shell blocks and in its inline code, as words."""
    text = page.read_text(encoding="utf-8")
    lines = []
    for found in FENCE.finditer(text):
        if found["words"].split()[:1] in (["sh"], ["console"]):
            lines += re.sub(r"\\\n\s*", " ", found["text"]).splitlines()
    lines += re.findall(r"`(dialoop [^`\n]+)`", FENCE.sub("", text))
    found = []
    for line in lines:
        start = re.search(r"(?:^|[\s/(;&|])dialoop (?=\w|-)", line)
        if start is not None:
            found.append(re.split(r"\s(?:[|;&>]|#)", line[start.end() :])[0].split())
    return found


def ids(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_inside_the_repository_leads_somewhere(page: Path):
    broken = []
    for found in LINK.finditer(FENCE.sub("", page.read_text(encoding="utf-8"))):
        to, _, anchor = found["to"].partition("#")
        if re.match(r"[a-z]+:", to):
            continue
        target = (page.parent / to).resolve() if to else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(found["to"])
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_command_that_is_named_exists_with_its_options(page: Path):
    unknown = []
    for words in words_of_commands(page):
        verb = next((word for word in words if not word.startswith("-")), None)
        if verb is None or not re.fullmatch(r"[a-z]+", verb):
            continue
        if verb not in VERBS:
            unknown.append(f"dialoop {verb}")
            continue
        known = {"--help"}
        for param in [*commands().params, *load_verb(verb).params]:
            known |= {*param.opts, *param.secondary_opts}
        unknown += [
            f"dialoop {verb} {word}"
            for word in words
            if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known
        ]
    assert not unknown


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "sh run")], ids=ids)
def test_commands_marked_to_be_run_do_run(page: Path, tmp_path: Path):
    script = "set -euo pipefail\n" + "\n".join(blocks(page, "sh run"))
    environment = dict(os.environ, PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}", COLUMNS="120")
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "json")], ids=ids)
def test_json_in_the_docs_is_json(page: Path):
    for text in blocks(page, "json"):
        json.loads(text)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "yaml")], ids=ids)
def test_yaml_in_the_docs_is_yaml(page: Path):
    for text in blocks(page, "yaml"):
        assert yaml.safe_load(text)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=ids)
def test_python_in_the_docs_is_python(page: Path):
    for text in blocks(page, "python"):
        compile(text, str(page), "exec")


def test_the_pages_made_from_the_code_are_up_to_date():
    stale = [
        name
        for name, text in reference.pages().items()
        if not (ROOT / "docs" / name).is_file() or (ROOT / "docs" / name).read_text(encoding="utf-8") != text
    ]
    assert not stale, "make docs"


def test_a_stale_page_is_told_and_written_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "commands.md").write_text("# Commands\n", encoding="utf-8")
    assert reference.main(["--check", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "commands.md" in told
    assert "project-file.md" in told
    assert reference.main([str(tmp_path)]) == 0
    assert reference.main(["--check", str(tmp_path)]) == 0


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_option_says_what_it_does(verb: str):
    command = load_verb(verb)
    assert command.help
    silent = [param.name for param in command.params if not getattr(param, "help", None)]
    assert not silent


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_stands_in_the_reference(verb: str):
    page = reference.commands_page()
    part = page.split(f"\n## dialoop {verb}\n")[1].split("\n## ")[0]
    missing = [
        name
        for param in load_verb(verb).params
        if isinstance(param, TyperOption) and not param.hidden
        for name in (*param.opts, *param.secondary_opts)
        if name not in part
    ]
    assert not missing


def test_both_readmes_give_the_same_commands():
    def given(name: str) -> list[list[str]]:
        return [shlex.split(text, comments=True) for text in blocks(ROOT / name, "sh")]

    assert given("README.md")
    assert given("README.md") == given("README.zh-CN.md")
