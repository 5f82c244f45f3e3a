"""What the server has done, in Prometheus' text form: requests, tokens, times, what is under way.

A handful of counters and two histograms, kept by the one event loop that serves; no locks and no dependency. It knows
no requests. Source of the form: Prometheus' text exposition format 0.0.4.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass
class Times:
    """A histogram of seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS) + 1))
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        """Counts one."""
        self.counts[bisect_left(_BOUNDS, seconds)] += 1
        self.total += seconds


@dataclass
class Metrics:
    """`answered` is by (model, HTTP status); a client that went away counts as 499."""

    answered: dict[tuple[str, int], int] = field(default_factory=dict)
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    in_flight: int = 0
    first_piece: Times = field(default_factory=Times)
    whole: Times = field(default_factory=Times)

    def count(self, model: str, status: int) -> None:
        """Counts one request by its end."""
        self.answered[model, status] = self.answered.get((model, status), 0) + 1

    def text(self) -> str:
        """All of it in Prometheus' form."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield from _head("dialoop_requests_total", "counter", "Chat completions by model and HTTP status.")
        for (model, status), count in sorted(self.answered.items()):
            yield f'dialoop_requests_total{{model="{_escaped(model)}",status="{status}"}} {count}'
        for name, kind, about, value in (
            ("prompt_tokens_total", "counter", "Tokens of prompts.", self.prompt_tokens),
            ("cached_prompt_tokens_total", "counter", "Tokens of prompts that were not computed.", self.cached_tokens),
            ("completion_tokens_total", "counter", "Tokens of answers.", self.completion_tokens),
            ("requests_in_flight", "gauge", "Requests that are being answered.", self.in_flight),
        ):
            yield from _head(f"dialoop_{name}", kind, about)
            yield f"dialoop_{name} {value}"
        yield from _histogram("dialoop_first_piece_seconds", "From request to first piece.", self.first_piece)
        yield from _histogram("dialoop_answer_seconds", "From request to the answer's end.", self.whole)


def _head(name: str, kind: str, about: str) -> Iterable[str]:
    return f"# HELP {name} {about}", f"# TYPE {name} {kind}"


def _histogram(name: str, about: str, times: Times) -> Iterator[str]:
    yield from _head(name, "histogram", about)
    below = 0
    for bound, count in zip((*map(str, _BOUNDS), "+Inf"), times.counts, strict=True):
        below += count
        yield f'{name}_bucket{{le="{bound}"}} {below}'
    yield f"{name}_sum {times.total:.6f}"
    yield f"{name}_count {below}"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
