"""The agent: one turn of a conversation, durable at each step. (Skeleton; being built.)"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable

from dialoop.agent.pieces import TurnPiece
from dialoop.agent.seams import Guard, Rule, Search, Understand
from dialoop.agent.settings import AgentSettings
from dialoop.agent.tools import Toolbox
from dialoop.engine import Engine
from dialoop.privacy import Finder, Vault
from dialoop.store import Store


class Agent:
    """Answers customers. Any number of conversations at once, in one event loop; any number of workers at one store."""

    def __init__(
        self,
        name: str,
        settings: AgentSettings,
        engine: Engine,
        toolbox: Toolbox,
        store: Store,
        vault: Vault,
        *,
        understand: Understand | None = None,
        search: Search | None = None,
        policy: Iterable[Rule] = (),
        guard: Guard | None = None,
        finders: Iterable[Finder] = (),
        model_version: str | None = None,
        worker: str | None = None,
        clock: Callable[[], str] | None = None,
    ) -> None:
        """`vault`: `store.vault` for one that lasts. `worker` names this process in leases, `clock` gives RFC 3339."""
        raise NotImplementedError

    def use(self, engine: Engine, model_version: str | None = None) -> None:
        """Another engine from the next turn on; a turn that runs ends with the one that it began with."""
        raise NotImplementedError

    async def open(
        self,
        conversation: str | None = None,
        *,
        tenant: str = "default",
        customer: str | None = None,
        lang: str | None = None,
        source: str | None = None,
    ) -> str:
        """Opens a conversation (its id is made where none is given) and says the greeting, if there is one.

        Raises RequestError 409 where it is there already.
        """
        raise NotImplementedError

    def say(
        self,
        conversation: str,
        text: str,
        *,
        key: str | None = None,
        tenant: str = "default",
        customer: str | None = None,
        lang: str | None = None,
    ) -> AsyncIterator[TurnPiece]:
        """The customer says `text`: the turn that follows, piece by piece. A conversation that is new is opened.

        `key`: the message's idempotency key; a message that comes twice gets the answer that it got. The turn goes on
        to its end where nobody reads the pieces. Raises at the first step RequestError: 404 for another tenant's or
        customer's conversation, 409 for one that is closed, erased, another agent's or busy, 422 for a key that came
        with another text.
        """
        raise NotImplementedError

    def go_on(self, conversation: str) -> AsyncIterator[TurnPiece]:
        """Finishes what the log says is unfinished (a crash, an approval, a hand-back); else gives only `end`."""
        raise NotImplementedError

    async def recover(self) -> list[str]:
        """Goes on with all conversations of this agent whose worker died; gives their ids."""
        raise NotImplementedError

    def interrupt(self, conversation: str) -> bool:
        """Stops a turn that runs in this process, at once; what it had in the making is not said. For take-over.

        False where none runs here. Afterwards the lease is free.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Waits for the turns that run."""
        raise NotImplementedError
