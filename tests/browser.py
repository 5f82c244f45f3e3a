"""A real browser for tests of pages: Debian's Chromium or Google's Chrome, driven by Playwright.

Where none is found the tests are skipped, and say so; in CI (`CI=true`) they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """The path of a browser, if there is one."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


@contextmanager
def opened_page(*, width: int = 1100, height: int = 900) -> Iterator[tuple[Page, list[str]]]:
    """A blank page, and a list that gathers its complaints: errors, failed and outside requests."""
    found = chromium()
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("no Chromium was found, and CI must test the pages")
    if found is None:
        pytest.skip("no Chromium was found")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": height})
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on("request", lambda request: None if _local(request.url) else complaints.append(f"asked: {request.url}"))
        try:
            yield page, complaints
        finally:
            browser.close()


def _local(url: str) -> bool:
    return url.startswith(("file:", "data:", "blob:", "about:", "http://127.0.0.1", "http://localhost"))
