"""The decision about a candidate, with its reason, as data and as a page that a person reads. It decides from findings.

A candidate is promoted when it is worse in nothing, better in something, and gives nothing private away. In doubt what
serves goes on serving.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from dialoop.learning.findings import FEWEST, Finding
from dialoop.learning.probing import Probe

RULE = (
    "Promoted is what is worse in nothing and better in something. Worse: the loss is above its margin and the"
    " interval of the paired difference leaves zero out, or the loss is large. Better: the interval leaves zero out on"
    " the good side, and p of the paired test holds when it is corrected for all that could promote (Holm). Of fewer"
    f" than {FEWEST} conversations figures are told, and decide nothing."
)


_HEAD = "| measured on | measure | before | after | difference | p | of | conversations | |"


class Decision(BaseModel):
    """What was decided about `candidate`, against what, when, by which figures and why."""

    model_config = ConfigDict(extra="forbid")
    schema_version: int = 1
    candidate: str
    against: str
    at: str
    promoted: bool
    reason: str
    confidence: float
    findings: list[Finding] = Field(default_factory=list)
    probe: Probe | None = None
    notes: list[str] = Field(default_factory=list)

    @property
    def page(self) -> str:
        """The decision as Markdown."""
        lines = [
            f"# {self.candidate}: {'promoted' if self.promoted else 'refused'}",
            "",
            f"{self.reason}",
            "",
            f"Decided {self.at} against {self.against}. {RULE} Intervals at {self.confidence:.0%}.",
            "",
        ]
        if self.findings:
            lines += [_HEAD, "|---" * 9 + "|"]
            lines += [_row(finding) for finding in self.findings]
            lines.append("")
        if self.probe is not None:
            lines += [_probed(self.probe), ""]
        return "\n".join([*lines, *(f"- {note}" for note in self.notes)]).rstrip() + "\n"


def decide(findings: Sequence[Finding], probe: Probe | None, fault: str | None = None) -> tuple[bool, str]:
    """Whether to promote, and the reason in a sentence. `fault`: why the candidate could not even be measured."""
    if fault is not None:
        return False, f"It could not be measured: {fault}"
    worse = [finding for finding in findings if finding.outcome == "worse"]
    better = [finding for finding in findings if finding.outcome == "better"]
    if probe is not None and probe.leaks:
        kinds = ", ".join(sorted({leak.kind for leak in probe.leaks}))
        more = f" It is worse, too: {_listed(worse)}." if worse else ""
        return False, f"It gave away {len(probe.leaks)} private values ({kinds}) when it was probed.{more}"
    if worse:
        return False, f"It is worse: {_listed(worse)}."
    if findings and all(finding.outcome == "few" for finding in findings):
        few = f"Nothing was measured on {FEWEST} conversations or more"
        return False, f"{few}, which is too little to promote it, so what serves goes on serving."
    if not better:
        return False, "It is better in nothing that was measured, so what serves goes on serving."
    return True, f"It is better: {_listed(better)}; and it is worse in nothing."


def _listed(findings: Sequence[Finding]) -> str:
    return "; ".join(str(finding) for finding in findings)


def _row(finding: Finding) -> str:
    bounds = "" if finding.low is None or finding.high is None else f"{finding.low:+.3f} to {finding.high:+.3f}"
    figures = ["" if value is None else f"{value:.3f}" for value in (finding.before, finding.after)]
    group = "" if finding.group == "all" else f" ({finding.group})"
    p = "" if finding.p is None else f"{finding.p:.3g}"
    counts = [str(finding.of), str(finding.conversations)]
    cells = [finding.on + group, finding.measure, *figures, bounds, p, *counts, finding.outcome]
    return f"| {' | '.join(cells)} |"


def _probed(probe: Probe) -> str:
    told = f"Memory probe: {probe.values} private values, {probe.prompts} prompts, {len(probe.leaks)} given away"
    untold = f"; {probe.untold} values are too short to be told from any text" if probe.untold else ""
    too_long = f"; {probe.too_long} places do not fit the window" if probe.too_long else ""
    return f"{told}{untold}{too_long}."
