"""The report's page in a real browser: nothing is asked for from outside, nothing fails, all of it can be read."""

from pathlib import Path

import pytest

from dialoop.evaluation import compare, write_report

from ..browser import opened_page
from .test_report import measured


@pytest.mark.parametrize("width", [1100, 390])
def test_the_report_opens_whole_in_a_browser(monkeypatch, tmp_path: Path, width):
    write_report(compare(measured(monkeypatch, True), measured(monkeypatch, False)), tmp_path)
    with opened_page(width=width) as (page, complaints):
        page.goto((tmp_path / "report.html").as_uri())
        page.wait_for_load_state("networkidle")
        assert not complaints
        assert page.locator("table").first.is_visible()
        plots = page.locator("img")
        assert plots.count() > 0
        for plot in plots.all():
            box = plot.bounding_box()
            assert box is not None
            assert box["width"] > 100
            assert box["height"] > 50
            assert plot.evaluate("image => image.naturalWidth") > 0
        # the page itself never scrolls sideways, whatever stands in its tables
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert "<script>alert('x')</script>" in page.locator("body").inner_text()
