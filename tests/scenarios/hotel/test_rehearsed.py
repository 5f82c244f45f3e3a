"""Customers with houses of their own talk to a real agent: one that knows what they meant, and one of rules alone."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from dialoop.agent import Agent, AgentSettings, Decision, Situation, Toolbox, ToolContext
from dialoop.conversation import Message, fold, model_view
from dialoop.engine import ScriptedEngine
from dialoop.errors import SettingsError
from dialoop.rehearsal import AgentPartner, Rehearsal, private_values, rehearse
from dialoop.scenarios.hotel import TOOLS, Heard, Said, World
from dialoop.scenarios.hotel.houses import Houses
from dialoop.scenarios.hotel.project import TOOLS as TOOLS_FILE
from dialoop.scenarios.hotel.project import WORLD, make_project
from dialoop.scenarios.hotel.rehearsed import HotelCustomer, make_customers
from dialoop.scenarios.hotel.rehearsing import rehearse_hotel
from dialoop.scenarios.hotel.rules import next_step
from dialoop.scenarios.hotel.tools import tools_of
from dialoop.store import Store, open_store


@dataclass(frozen=True)
class Project:
    """A project of the hotel, opened."""

    toolbox: Toolbox
    houses: Houses
    store: Store


@pytest.fixture
def project(tmp_path: Path):
    make_project(tmp_path / "hotel", conversations=2)
    houses = Houses(tmp_path / "hotel" / WORLD)
    with open_store(tmp_path / "store.db") as store:
        yield Project(Toolbox.load(tmp_path / "hotel" / TOOLS_FILE), houses, store)


def knowing(customer: HotelCustomer):
    """The rules, told what the customer meant instead of reading it."""
    meant: dict[str, Said] = {}

    def rule(situation: Situation) -> Decision:
        if customer.live.said is not None:
            meant.setdefault(str(len(customer.turns)), customer.live.said)
        order = iter(meant.values())

        def understand(text: str, heard: Heard, lang: str, offered: Sequence[str]) -> Said:
            return next(order)

        step = next_step(model_view(situation.state).messages, customer.lang, understand)
        return Decision(text=step.content) if isinstance(step, Message) else Decision(calls=[step])

    return rule


def rehearsed(project: Project, customers: Sequence[HotelCustomer]) -> Rehearsal:
    by_name = {one.name: one for one in customers}

    def partner(one) -> AgentPartner:
        customer = by_name[one.name]
        settings = AgentSettings(system=customer.system, lang=customer.lang)
        agent = Agent(
            "hotel", settings, ScriptedEngine([]), project.toolbox, project.store, project.store.vault,
            policy=[knowing(customer)],
        )  # fmt: skip
        return AgentPartner(agent, project.store, one.name, customer=one.name, lang=one.lang)

    return asyncio.run(rehearse(customers, partner))


def test_an_agent_that_understands_all_serves_all(project: Project):
    customers = make_customers(project.houses, 16)
    rehearsal = rehearsed(project, customers)
    assert [(one.customer, one.faults) for one in rehearsal.failures()] == []
    assert rehearsal.languages == ["en", "zh"]
    for customer in customers:
        state = fold(project.store.events(customer.name))
        assert (state.phase, state.outcome) == ("closed", "reached")


def test_rules_alone_decide_every_turn_and_serve_some(project: Project):
    customers = make_customers(project.houses, 12, part="train")
    rehearsal = asyncio.run(rehearse_hotel(customers, project.toolbox, project.store, None))
    assert rehearsal.share_decided("rule").value == 1.0
    assert rehearsal.success().count >= 4
    outcomes = Counter(fold(project.store.events(one.name)).outcome for one in customers)
    assert outcomes["reached"] == rehearsal.success().count


def test_what_customers_tell_is_in_the_vault_alone(project: Project):
    customers = make_customers(project.houses, 10)
    asyncio.run(rehearse_hotel(customers, project.toolbox, project.store, None))
    told = {turn.said.text for one in customers for turn in one.turns}
    spoken = [value for value in private_values(customers) if any(value in text for text in told)]
    contacts = [value for value in spoken if "@" in value or sum(char.isdigit() for char in value) > 6]
    assert contacts
    with sqlite3.connect(project.store.where) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = {name: str(database.execute(f"SELECT * FROM {name}").fetchall()) for name in tables}
    database.close()
    emails = [value for value in contacts if "@" in value]
    assert all(value in kept["vault"] for value in emails)
    assert not [value for value in emails for name, rows in kept.items() if name != "vault" and value in rows]


def test_a_project_has_the_tools_that_the_logs_know(project: Project):
    assert project.toolbox.schemas == TOOLS
    make_customers(project.houses, 2)
    for name in project.houses.names():
        seen = project.toolbox.schemas_for(ToolContext("conversation", "tenant", name, "key", "en"))
        assert seen == tools_of(project.houses.world(name))


def test_customers_have_houses_of_the_test_part_and_seeds_of_their_own(project: Project):
    first = make_customers(project.houses, 4, seed=1)
    openings = [one.opening() for one in first]
    again = make_customers(project.houses, 4, seed=1)
    assert [one.opening() for one in again] == openings
    assert [one.opening() for one in make_customers(project.houses, 4, seed=2)] != openings
    assert {one.lang for one in make_customers(project.houses, 3, lang="zh")} == {"zh"}
    assert all(one.name in project.houses.names() for one in first)
    assert {project.houses.world(one.name).today.year for one in first} == {2027}
    with pytest.raises(SettingsError, match="speaks no"):
        make_customers(project.houses, 1, lang="fr")


def test_a_house_can_be_changed_before_its_customer_is_made(project: Project):
    def change(world: World) -> None:
        world.rules.clear()

    (customer,) = make_customers(project.houses, 1, change=change)
    assert project.houses.world(customer.name).rules == {}
