"""The pen: the right to add to one conversation for a moment, for a person. The agent has it while it is in a turn.

It knows the store's leases and the state of the conversation; what may be added, and when, is told by `acts`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dialoop.conversation import EVENT, State
from dialoop.desk.sight import Sight, see
from dialoop.errors import DeskError, LeaseLost
from dialoop.privacy import Protector
from dialoop.store import Lease, Store

HELD_FOR = 15.0
"""Seconds that a person's lease lasts, unless it is given back before; an act takes milliseconds."""
PATIENCE = 10.0
"""Seconds to wait for a turn of the agent to end."""
_STEP = 0.02


class Pen:
    """Adds to one conversation. `sight` is how it stands, with what was added."""

    def __init__(self, store: Store, lease: Lease, sight: Sight) -> None:
        self.sight = sight
        self._store = store
        self._lease = lease

    @property
    def state(self) -> State:
        """The state of the conversation."""
        return self.sight.state

    def add(self, *kinds: tuple[str, dict[str, Any]]) -> int:
        """Appends events of these kinds with these fields, all or none; gives the seq of the first."""
        first = self.state.seq + 1
        head = {"conversation": self._lease.conversation, "at": self._store.now(), "tenant": self.state.tenant}
        events = [
            EVENT.validate_python({**head, "kind": kind, "seq": seq, **fields})
            for seq, (kind, fields) in enumerate(kinds, start=first)
        ]
        after = see(events, self.sight)  # what cannot follow is refused before it is written
        self._store.append(events, lease=self._lease)
        self.sight = after
        return first

    def protected(self, text: str) -> str:
        """The text with stand-ins, as it is kept. The agent's instructions and its tools' choices are no secret."""
        return Protector(self._store.vault, self._lease.conversation, house=self.state.house).protect(text)


@contextmanager
def pen(store: Store, conversation: str, *, patience: float = PATIENCE, seize: bool = False) -> Iterator[Pen]:
    """The pen of a conversation that is there and was not erased. Blocks while the agent is in a turn, for `patience`.

    `seize`: then take it from the agent, whose turn ends without another word. Raises DeskError: unknown, erased, busy.
    """
    if store.conversation(conversation) is None:
        remedy = "look at the queue for the conversations that there are"
        raise DeskError("there is no such conversation", code="unknown", where=conversation, remedy=remedy)
    lease = _lease(store, conversation, patience, seize)
    try:
        sight = see(store.events(conversation))
        if sight.state.phase == "erased":
            what, remedy = "the conversation was erased", "nothing can be done with it any more"
            raise DeskError(what, code="erased", where=conversation, remedy=remedy)
        yield Pen(store, lease, sight)
    except LeaseLost as error:
        what, remedy = "another person took over in this moment", "look at the conversation, and try again"
        raise DeskError(what, code="busy", where=conversation, remedy=remedy) from error
    finally:
        store.release(lease)


def _lease(store: Store, conversation: str, patience: float, seize: bool) -> Lease:
    worker = f"desk/{secrets.token_hex(6)}"
    until = time.monotonic() + patience
    while (lease := store.acquire(conversation, worker, HELD_FOR)) is None:
        if time.monotonic() >= until:
            if seize:
                return store.seize(conversation, worker, HELD_FOR)
            what, remedy = "the agent is in the middle of a turn", "wait for its answer, or take over"
            raise DeskError(what, code="busy", where=conversation, remedy=remedy)
        time.sleep(_STEP)
    return lease
