"""Keeps private values out of log records: a filter for handlers that masks what the finders find.

Logs need no way back: a value becomes `[phone]`. A filter on a logger does not see the records of the loggers below it,
so it belongs on handlers: `protect_logging` puts it there. It knows no vault.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Mapping
from typing import Any

from dialoop.privacy.fields import Field, changed, find_field
from dialoop.privacy.finding import find
from dialoop.privacy.found import Finder, Found

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LogProtection(logging.Filter):
    """Masks private values in a record's message, arguments, traceback and extra fields; lets every record through.

    Arguments keep their places where that is enough, for formatters that read them (uvicorn's access log); else the
    message is formatted here.
    """

    def __init__(self, *, finders: Iterable[Finder] = ()) -> None:
        super().__init__()
        self._finders = tuple(finders)

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true; the record is changed in place."""
        self._message(record)
        if record.exc_info and record.exc_info[1] is not None:
            text = record.exc_text or "".join(traceback.format_exception(record.exc_info[1])).rstrip("\n")
            masked = self.mask(text)
            if masked != text:  # the exception itself would still tell a formatter
                record.exc_text, record.exc_info = masked, None
        elif record.exc_text:
            record.exc_text = self.mask(record.exc_text)
        if record.stack_info:
            record.stack_info = self.mask(record.stack_info)
        for name in set(vars(record)) - _STANDARD:
            setattr(record, name, self._value(getattr(record, name), (name,)))
        return True

    def mask(self, text: str) -> str:
        """The text with `[kind]` for every private value."""
        return _masked(text, find(text, finders=self._finders))

    def _message(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception as error:  # noqa: BLE001 - a wrong format string must not leak what it was given
            record.msg, record.args = self.mask(f"{record.msg} {record.args!r} ({type(error).__name__})"), ()
            return
        masked = self.mask(text)
        whole = masked == text
        args = self._arguments(record.args)
        if whole and args == record.args:
            return
        msg = self.mask(str(record.msg)) if record.args else masked
        try:
            formatted = msg % args if args else msg
        except (TypeError, ValueError, KeyError):  # a mask in the place of a number that the format wants
            formatted = None
        if formatted is not None and self.mask(formatted) == formatted:
            record.msg, record.args = msg, args
        else:
            record.msg, record.args = masked, ()

    def _arguments(self, args: Any) -> Any:
        if isinstance(args, tuple):
            return tuple(self._value(one) for one in args)
        return self._value(args)

    def _value(self, value: Any, path: tuple[str | int, ...] = ()) -> Any:
        """Text and JSON masked inside; any other thing replaced by its masked text if that says something private."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (Mapping, str, int, float, list, tuple)):
            plain = dict(value) if isinstance(value, Mapping) else value
            masked = changed(plain, self._field, path)
            return value if masked == (list(plain) if isinstance(plain, tuple) else plain) else masked
        text = str(value)
        masked = self.mask(text)
        return value if masked == text else masked

    def _field(self, field: Field) -> str:
        return _masked(field.text, find_field(field, finders=self._finders))


def protect_logging(*handlers: logging.Handler, finders: Iterable[Finder] = ()) -> LogProtection:
    """Puts one protection on the handlers (those of the root logger if none are given) and gives it back."""
    protection = LogProtection(finders=finders)
    for handler in handlers or tuple(logging.getLogger().handlers):
        handler.addFilter(protection)
    return protection


def _masked(text: str, found: list[Found]) -> str:
    parts, at = [], 0
    for one in found:
        parts += [text[at : one.start], f"[{one.kind}]"]
        at = one.end
    return "".join([*parts, text[at:]])
