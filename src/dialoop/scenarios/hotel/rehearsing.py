"""Rehearses an agent in the hotel: one agent for each customer, told of that customer's house, all on one store.

Without an engine it is the agent of rules alone. It knows how an agent is put together, no project file and no verb.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dialoop.agent import Agent, AgentSettings, Toolbox
from dialoop.engine import Engine, ScriptedEngine
from dialoop.rehearsal import AgentPartner, Customer, Rehearsal, Result, rehearse
from dialoop.scenarios.hotel.rehearsed import HotelCustomer
from dialoop.scenarios.hotel.rules import hotel_rules
from dialoop.store import Store

RULES_ONLY = "rules only"


async def rehearse_hotel(
    customers: Sequence[HotelCustomer],
    toolbox: Toolbox,
    store: Store,
    engine: Engine | None,
    *,
    name: str = RULES_ONLY,
    settings: Mapping[str, AgentSettings] | None = None,
    model_version: str | None = None,
    tenant: str = "rehearsal",
    at_once: int = 4,
    progress: Callable[[Result], None] | None = None,
) -> Rehearsal:
    """The customers' conversations with an agent of these tools, each in `store` under its customer's name.

    `settings` are the agent's, by language; its system message is that of the customer's house. Without `engine`, rules
    decide all.
    """
    policy = () if engine is not None else (hotel_rules,)
    asked = engine if engine is not None else ScriptedEngine([])
    known = {customer.name: customer for customer in customers}
    agents: list[Agent] = []

    def partner(customer: Customer) -> AgentPartner:
        told = (settings or {}).get(customer.lang, AgentSettings())
        own = told.model_copy(update={"system": known[customer.name].system, "lang": customer.lang, "greeting": None})
        agent = Agent("hotel", own, asked, toolbox, store, store.vault, policy=policy, model_version=model_version)
        agents.append(agent)
        return AgentPartner(agent, store, customer.name, tenant=tenant, customer=customer.name, lang=customer.lang)

    try:
        return await rehearse(customers, partner, name=name, at_once=at_once, progress=progress)
    finally:
        for agent in agents:
            await agent.close()
