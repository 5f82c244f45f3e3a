"""`rehearse`: customers talk to their partners, several at once, to their end; each gives a result.

A conversation that does not end, an answer that does not come and an agent that fails are failures of that
conversation, never of the rehearsal. It knows neither agents nor scenarios.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from dialoop.errors import DialoopError, SettingsError
from dialoop.rehearsal.customers import Customer, Partner
from dialoop.rehearsal.results import Line, Rehearsal, Result

MOST_TURNS = 30
"""Turns of the customer after which a conversation is stuck."""

MakePartner = Callable[[Customer], Partner]
Progress = Callable[[Result], None]


async def rehearse(
    customers: Sequence[Customer],
    make_partner: MakePartner,
    *,
    name: str = "agent",
    at_once: int = 4,
    most_turns: int = MOST_TURNS,
    patience: float = 120.0,
    progress: Progress | None = None,
) -> Rehearsal:
    """Lets every customer talk to a partner made for it. `patience`: seconds that a customer waits for an answer.

    Raises SettingsError where two customers have one name.
    """
    names = [customer.name for customer in customers]
    if len(set(names)) < len(names):
        raise SettingsError("two customers have the same name", remedy="give each customer a name of its own")
    gate = asyncio.Semaphore(at_once)
    began = time.monotonic()

    async def one(customer: Customer) -> Result:
        async with gate:
            result = await _converse(customer, make_partner(customer), most_turns, patience)
        if progress is not None:
            progress(result)
        return result

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(customer)) for customer in customers]
    return Rehearsal(name, tuple(task.result() for task in tasks), time.monotonic() - began)


async def _converse(customer: Customer, partner: Partner, most_turns: int, patience: float) -> Result:
    began, turns = time.monotonic(), 0
    said: str | None = customer.opening()
    broken: str | None = None
    called_person: str | None = None
    while said is not None and broken is None and called_person is None:
        if turns == most_turns:
            broken = f"stuck: not at its end after {most_turns} turns"
            break
        turns += 1
        try:
            async with asyncio.timeout(patience):
                answered = await partner.answer(said)
        except TimeoutError:
            broken = f"no answer: none within {patience:g} seconds"
        except DialoopError as error:
            broken = f"the agent failed: {error.what}"
        else:
            called_person = answered.called_person
            said = customer.reply(answered.text)
    faults = [broken] if broken else []
    faults += [f"a person was called: {called_person}"] if called_person is not None else []
    faults += customer.faults()
    if broken is None:
        await partner.close("missed" if faults else "reached")
    lines: Sequence[Line] = await partner.lines() if faults else ()
    decided = dict(await partner.decided())
    seconds = round(time.monotonic() - began, 3)
    return Result(customer.name, customer.lang, tuple(faults), turns, seconds, called_person, decided, tuple(lines))
