"""What the plots of a report share: colours, legend, SVG as text. Knows matplotlib, and no figure."""

from __future__ import annotations

import io

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch

BEFORE, AFTER = "#9aa5b1", "#1f6feb"


def legend(axes: Axes, compared: bool) -> None:
    """Before and after above the plot, where both are drawn."""
    axes.spines[["top", "right"]].set_visible(False)
    if compared:
        patches = [Patch(color=BEFORE, label="before"), Patch(color=AFTER, label="after")]
        axes.legend(handles=patches, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def plain(text: str) -> str:
    """Without glyphs that the drawing font lacks; a replaced one shows as `?`."""
    return text.encode("ascii", "replace").decode()


def svg(canvas: Canvas) -> str:
    """The same canvas gives the same text."""
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "dialoop", "svg.fonttype": "path"}):
        canvas.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()
