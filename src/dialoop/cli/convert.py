"""`dialoop convert`: brings dialogue data from one form into another, and loses nothing that it was not told to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from dialoop.conversation import (
    DROPS,
    FORMS,
    Conversation,
    Example,
    Fault,
    container_for,
    scan,
    what_is,
    write_lines,
    written,
)
from dialoop.errors import DataError, Place
from dialoop.privacy import protect_conversation, protect_example

_FORMS = ", ".join(FORMS)
_SHOWN = 20


def convert(
    source: Annotated[Path, typer.Argument(help="The file to read, plain or gzip.")],
    target: Annotated[Path, typer.Argument(help="The file to write; its name ends with .jsonl, .json, .csv … or .gz.")],
    to: Annotated[str | None, typer.Option(help=f"Form to write: {_FORMS}. Else by the name and the data.")] = None,
    form: Annotated[str | None, typer.Option("--form", "--from", help=f"Form to read: {_FORMS}.")] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the file to read, e.g. gb18030.")] = "utf-8",
    max_line_mb: Annotated[float, typer.Option(min=0.001, help="Longest line that is read, in MB.")] = 16.0,
    protect: Annotated[
        bool, typer.Option("--protect", help="Put stand-ins for names, numbers and addresses of people, for good.")
    ] = False,
    tags: Annotated[
        Literal["IOB1", "IOB2", "BILOU", "BIOES"] | None, typer.Option(help="Scheme of the tags in CoNLL; else IOB2.")
    ] = None,
    drop: Annotated[str, typer.Option(help=f"What may be lost, with commas: {', '.join(DROPS)}.")] = "",
    leave_out_faulty: Annotated[
        bool, typer.Option("--leave-out-faulty", help="Write the sound records, and tell which were left out.")
    ] = False,
) -> None:
    """Bring dialogue data from one form into another; a record that the form cannot hold is refused.

    Exit 0 where all was read, 2 where it was not, or nothing is written.
    """
    limit = int(max_line_mb * 1_000_000)
    found = what_is(source, form=form, encoding=encoding, max_line_bytes=limit)
    typer.echo(f"{source}: {found}", err=True)
    form_to = to or _form_for(target, found.form.name, found.form.holds)
    container = container_for(target, form_to)
    reading = _Reading(leave_out_faulty)
    records = reading.sound(scan(source, form=form, encoding=encoding, max_line_bytes=limit))
    if protect:
        records = map(_protected, records)
    refused: list[Fault] = []
    names = [name.strip() for name in drop.split(",") if name.strip()]
    lines = written(
        reading.counted(records),
        form_to,
        container,
        drop=names,
        left_out=refused if leave_out_faulty else None,
        scheme=tags,
    )
    write_lines(target, reading.not_nothing(lines, refused))
    reading.tell_rest()
    kept = reading.read - len(refused)
    typer.echo(f"{target}: {kept} {found.form.holds} written as {FORMS[form_to].title}", err=True)
    if reading.left_out:
        typer.echo(f"left out: {reading.left_out} faulty records, told above", err=True)
    if reading.end is not None:
        typer.echo(f"{target} is not whole: nothing of {source} after {reading.end} was read", err=True)
        raise typer.Exit(2)


def _protected(record: Conversation | Example) -> Conversation | Example:
    return protect_conversation(record) if isinstance(record, Conversation) else protect_example(record)


def _form_for(target: Path, read: str, holds: str) -> str:
    """Lines by the file's name; else dialoop's own form for conversations, and the form read for labelled texts."""
    suffixes = [suffix for suffix in target.suffixes if suffix != ".gz"]
    if suffixes[-1:] in ([".conll"], [".bio"]):
        return "conll"
    if suffixes[-1:] == [".txt"]:
        return "transcript"
    if holds == "conversations":
        return "openai"
    return "spans" if read == "conll" else read


class _Reading:
    """Tells the faults met on the way, the first ones in full; raises at the first error unless those are left out."""

    def __init__(self, leave_out_faulty: bool) -> None:
        self.leave_out_faulty = leave_out_faulty
        self.told = 0
        self.faulty: set[tuple[Place, int, str | None]] = set()
        """The records with errors: where they begin, which one there, and their ids."""
        self.unheld = 0
        self.read = 0
        self.end: Place | None = None
        """Where the reading ended before the file did."""

    @property
    def left_out(self) -> int:
        """Records that cannot be read, or that the form cannot hold."""
        return len(self.faulty) + self.unheld

    def tell(self, fault: Fault) -> None:
        """One fault, on standard error."""
        self.told += 1
        self.end = fault.place if fault.ends else self.end
        if self.told <= _SHOWN:
            typer.echo(str(fault), err=True)

    def tell_rest(self) -> None:
        """How many faults were not shown."""
        if self.told > _SHOWN:
            typer.echo(f"and {self.told - _SHOWN} more faults", err=True)

    def sound(self, items: Iterator[Conversation | Example | Fault]) -> Iterator[Conversation | Example]:
        """The records; their faults are told."""
        for item in items:
            if not isinstance(item, Fault):
                yield item
            elif item.level == "error" and not self.leave_out_faulty:
                raise _with_way_out(item)
            else:
                self.tell(item)
                if item.level == "error":
                    self.faulty.add((item.place, item.nth, item.conversation_id))

    def counted(self, records: Iterator[Conversation | Example]) -> Iterator[Conversation | Example]:
        """The same records, counted."""
        for record in records:
            self.read += 1
            yield record

    def not_nothing(self, lines: Iterator[str], left_out: Sequence[Fault]) -> Iterator[str]:
        """The same lines; tells what was left out, and raises rather than let a file without records be written."""
        yield from lines
        for fault in left_out:
            self.tell(fault)
        self.unheld = len(left_out)
        if self.read == self.unheld:
            reason = f"no record can be written: {self.left_out} are left out"
            raise DataError(reason, remedy="see the faults above, or choose another form with --to")


def _with_way_out(fault: Fault) -> DataError:
    remedy = f"{fault.remedy}; or write the sound records alone with --leave-out-faulty"
    return DataError(fault.reason, where=fault.place, remedy=remedy)
