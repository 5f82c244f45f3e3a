"""What a check found, for the terminal: files, faults, what is shared, fit, one conversation with its targets coloured.

Knows rich, and nothing of how things are found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from dialoop.conversation import FileFindings, FoundFault, Inspection, Shared
from dialoop.evaluation.check import Check
from dialoop.evaluation.fit_results import Fit, Stretch

SHOWN = 10  # faults, duplicates, labels shown one by one
STRETCH = 600  # characters of a stretch that is no target; beyond, its middle is left out and counted

_VERDICTS = {
    "fine": Text("fine: nothing to mend", style="bold green"),
    "warnings": Text("usable, with warnings: see above", style="bold yellow"),
    "faults": Text("faults: what is told above cannot be used", style="bold red"),
}
_SHARED = {
    "same": "the same, letter for letter",
    "near": "the same but for case, width, spaces or punctuation",
    "id": "the same id",
    "customer": "the same customer",
    "label": "one text with two labels",
}


def check_pages(found: Check) -> Iterator[RenderableType]:
    """All that was found, the verdict last."""
    for file in found.inspection.files:
        yield Text(f"{file.path} ({file.bytes:,} bytes)", style="bold")
        yield _file(file)
    yield from _faults(found.inspection)
    for title, shared, total in (
        ("leaks between files or splits", found.inspection.leaks, found.inspection.leaks_total),
        ("duplicates", found.inspection.duplicates, found.inspection.duplicates_total),
        ("contradictions", found.inspection.contradictions, found.inspection.contradictions_total),
    ):
        yield from _shared(title, shared, total)
    yield from (Text(f"warning: {note}", style="yellow") for note in found.inspection.notes)
    for one in found.fits:
        yield from _fit(one)
    yield _VERDICTS[found.verdict]


def _file(file: FileFindings) -> RenderableType:
    grid = Table.grid(padding=(0, 2), pad_edge=True)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")

    def row(name: str, value: str) -> None:
        if value:
            grid.add_row(Text(name), Text(value))

    row("form", file.description)
    row("records", _records(file))
    row("languages", _counts(file.languages))
    row("splits", _counts(file.splits))
    row("customers", f"{file.customers:,}" if file.customers else "")
    row("outcomes", _counts(file.outcomes))
    row("messages", _counts(file.roles))
    if file.conversations:
        share = file.target_characters / file.characters if file.characters else 0.0
        row("targets", f"{file.targets:,} messages, {share:.1%} of the characters said")
    if file.messages_a_conversation:
        row(
            "length",
            f"{file.messages_a_conversation.median} messages (median), {file.messages_a_conversation.most} at most",
        )
    row("tool calls", _counts(file.tool_calls))
    row("never called", _listed(file.tools_never_called))
    row("labels", _counts(file.labels))
    row("slots", _counts(file.slots))
    row("scores", "{} to {}".format(*file.scores) if file.scores else "")
    return grid


def _records(file: FileFindings) -> str:
    counts = [(file.conversations, "conversations"), (file.examples, "labelled texts"), (file.refused, "refused")]
    return ", ".join(f"{count:,} {what}" for count, what in counts if count) or "none"


def _counts(counts: Mapping[str, int]) -> str:
    """The most frequent first; how many are not shown."""
    return _listed([f"{name} {count:,}" for name, count in counts.items()])


def _listed(names: Sequence[str]) -> str:
    rest = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


def _faults(inspection: Inspection) -> Iterable[RenderableType]:
    for fault in inspection.faults[:SHOWN]:
        yield _fault(fault)
    if inspection.faults_total > SHOWN:
        kinds: dict[str, int] = {}
        for file in inspection.files:
            for kind, count in file.faults_by_kind.items():
                kinds[kind] = kinds.get(kind, 0) + count
        yield Text(f"{inspection.faults_total:,} faults in all: {_counts(kinds)}; --json tells up to a thousand")


def _fault(fault: FoundFault) -> Text:
    place = fault.path if fault.line is None else f"{fault.path}:{fault.line}"
    colour = "red" if fault.level == "error" else "yellow"
    name = f" ({fault.conversation_id})" if fault.conversation_id else ""
    return Text.assemble((f"{place}{name}: {fault.level}: {fault.reason}", colour), f"\n  what to do: {fault.remedy}")


def _shared(title: str, shared: Sequence[Shared], total: int) -> Iterable[RenderableType]:
    if not total:
        return
    yield Text(f"warning: {total:,} {title}", style="yellow")
    for one in shared[:SHOWN]:
        value = f": {one.value}" if one.value else ""
        yield Text(f"  {one.first} and {one.second}: {_SHARED.get(one.what, one.what)}{value}")
    if total > SHOWN:
        yield Text(f"  and {total - SHOWN:,} more")


def _fit(found: Fit) -> Iterable[RenderableType]:
    lengths = found.lengths
    grid = Table.grid(padding=(0, 2), pad_edge=True)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("base", Text(f"{found.base}, window {lengths.window:,} tokens"))
    grid.add_row(
        "tokens", f"{lengths.median:,} (median), {lengths.ninety_percent:,} (nine in ten), {lengths.longest:,} at most"
    )
    if found.target_share is not None:
        grid.add_row("targets", f"{found.target_tokens:,} of {found.tokens:,} tokens, {found.target_share:.1%}")
    for one in found.nearness:
        known = one.data
        said = f"perplexity {known.perplexity:.1f}, {known.tokens_per_character:.2f} tokens a character: {one.verdict}"
        if one.reference and one.distance:
            said += f" ({one.distance:.2f} times the reference's bits a character; reference perplexity "
            said += f"{one.reference.perplexity:.1f}, {one.reference.tokens_per_character:.2f} tokens a character)"
        grid.add_row(f"text, {one.lang}", Text(said))
    yield Text()
    yield grid
    if found.reference:
        yield Text(f"reference: {found.reference}", style="dim")
    if found.example:
        yield coloured(found.example)
    yield from (Text(f"fault: {fault}", style="red") for fault in found.faults)
    yield from (Text(f"warning: {warning}", style="yellow") for warning in found.warnings)
    yield from (Text(f"note: {note}", style="dim") for note in found.notes)


def coloured(example: Sequence[Stretch]) -> RenderableType:
    """One conversation as the base reads it: targets green, the rest grey; a long stretch of the rest is shortened."""
    text = Text()
    for stretch in example:
        if stretch.target:
            text.append(stretch.text, style="bold green")
        elif len(stretch.text) <= STRETCH:
            text.append(stretch.text, style="dim")
        else:
            half = STRETCH // 2
            text.append(stretch.text[:half], style="dim")
            text.append(f" [… {len(stretch.text) - 2 * half:,} characters not shown …] ", style="italic dim")
            text.append(stretch.text[-half:], style="dim")
    return Panel(text, title="one conversation as the base reads it: green is learnt", title_align="left")
