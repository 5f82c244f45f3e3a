"""Events as a person may read them: with the true values in the place of stand-ins.

What lies in the store holds stand-ins only. This is for the customer's own page and for the desk, never for a model,
a log or a trace. It knows no store: the vault has the values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from dialoop.conversation import EVENT, SAID, Event
from dialoop.privacy import Protector, Vault


def told(events: Iterable[Event], vault: Vault) -> Iterator[Event]:
    """The same events, what was said in them restored. Stand-ins that stand for nothing stay as they are."""
    protectors: dict[str, Protector] = {}
    for event in events:
        protector = protectors.setdefault(event.conversation, Protector(vault, event.conversation))
        said = {field: getattr(event, field) for field in SAID.get(event.kind, ())}
        changed = {field: _restored(field, value, protector) for field, value in said.items() if value}
        if changed and any(changed[field] != said[field] for field in changed):
            yield EVENT.validate_python({**event.model_dump(), **changed})
        else:
            yield event


def _restored(field: str, value: Any, protector: Protector) -> Any:
    if field == "shown":  # what the model was shown, with stand-ins
        return value
    if isinstance(value, dict):
        return protector.restore_arguments(value).value
    if field in ("arguments", "content") and (written := _json_restored(str(value), protector)) is not None:
        return written
    return protector.restore(str(value)).value


def _json_restored(text: str, protector: Protector) -> str | None:
    """JSON text with its values restored, so that a quotation mark in one is escaped; None for what is no JSON."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    restored = protector.restore_arguments({"": value}).value[""]
    return text if restored == value else json.dumps(restored, ensure_ascii=False)
