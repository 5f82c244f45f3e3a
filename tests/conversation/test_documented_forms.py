"""The page on data forms says what is true: samples are read, forms and kinds of faults are those of the code."""

import json
import re
from pathlib import Path

from dialoop.conversation import FORMS, Fault, scan

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "data-forms.md").read_text(encoding="utf-8")


def test_the_samples_are_read_without_faults(tmp_path: Path):
    found = set()
    samples = re.findall(r"^```(json|text)\n(.*?)^```$", PAGE, re.M | re.S)
    for kind, text in samples:
        rows = json.loads(text) if kind == "json" else None
        parts = [json.dumps(row) for row in rows] if isinstance(rows, list) else [text]
        for part in parts:
            path = tmp_path / "sample"
            path.write_text(part, encoding="utf-8")
            items = list(scan(path))
            assert items
            assert not [item for item in items if isinstance(item, Fault)]
            found.add(type(items[0]).__name__)
    assert found == {"Conversation", "Example"}


def test_every_form_and_every_kind_of_fault_stands_on_the_page():
    for form in FORMS:
        assert f"`{form}`" in PAGE
    room = ROOT / "src" / "dialoop" / "conversation"
    source = "\n".join(path.read_text(encoding="utf-8") for path in room.rglob("*.py"))
    kinds = set(re.findall(r'kind="(\w+)"', source)) | set(re.findall(r'"(?:error|warning)", "(\w+)"', source))
    kinds.discard("warning")  # the list of levels
    assert len(kinds) > 20
    assert [kind for kind in sorted(kinds) if f"`{kind}`" not in PAGE] == []
