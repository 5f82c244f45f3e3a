"""Rounds of learning after the world has changed: every house gets a kind of room and a rule that no log has named.

    python benchmarks/learning_rounds.py runs/hotel/model --folder scratch/rounds --json scratch/rounds.json

In each round new customers are served by the version in service; whoever it fails is served again by an operator who
knows what they mean; then `dialoop learn` tunes, judges by a frozen test and by rehearsal, and promotes or refuses.
Success is that of the same judging customers, whom no round learns from, before the first round and after each. At the
end a damaged model is offered, which must be refused, and the shelf is rolled back. Exit status 1 where it was not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from dialoop.agent import Agent, AgentSettings, Decision, Situation, Toolbox
from dialoop.cli.engines import open_in_process
from dialoop.conversation import Message, model_view, write_conversations
from dialoop.engine import ScriptedEngine
from dialoop.learning import LearnSettings, Means, Trial, learn
from dialoop.model import load_base, save_model, shelf
from dialoop.privacy import protect_conversation
from dialoop.rehearsal import AgentPartner, Rehearsal, rehearse
from dialoop.scenarios.hotel.houses import Houses
from dialoop.scenarios.hotel.logs import make_logs
from dialoop.scenarios.hotel.project import TOOLS, WORLD, make_project
from dialoop.scenarios.hotel.rehearsed import HotelCustomer, make_customers
from dialoop.scenarios.hotel.rehearsing import rehearse_hotel
from dialoop.scenarios.hotel.rules import next_step
from dialoop.scenarios.hotel.talk import Heard, Said
from dialoop.scenarios.hotel.world import Room, World
from dialoop.store import Store, open_store
from dialoop.training import Quiet, TuneSettings

JUDGING_SEED = 77_000
ROOMS = {
    "en": ("Glass Igloo", "a round bed under the sky", "a view of the northern lights"),
    "zh": ("玻璃冰屋", "一张星空圆床", "可以看极光"),
}
RULES = {
    "en": ("hoverboards", "Hoverboards stay in the locker at the gate."),
    "zh": ("平衡车", "平衡车请存放在大门旁的柜子里。"),
}


def change(world: World) -> None:
    """A kind of room and a rule that no house had, in the place of a rule that it had."""
    name, bed, view = ROOMS[world.lang]
    price = max(room.price for room in world.rooms.values()) + 11
    world.rooms[name] = Room(name, price, 4, bed, 31, view, (901, 902, 903))
    del world.rules[next(iter(world.rules))]
    topic, rule = RULES[world.lang]
    world.rules[topic] = rule


class Operator:
    """Serves a customer as a person would who knows the house and understands what is meant."""

    def __init__(self, customer: HotelCustomer) -> None:
        self.customer, self.meant = customer, dict[int, Said]()

    def __call__(self, situation: Situation) -> Decision:
        if self.customer.live.said is not None:
            self.meant.setdefault(len(self.customer.turns), self.customer.live.said)
        order = iter(self.meant.values())

        def understand(_text: str, _heard: Heard, _lang: str, _offered: Sequence[str]) -> Said:
            return next(order)

        step = next_step(model_view(situation.state).messages, self.customer.lang, understand)
        return Decision(text=step.content) if isinstance(step, Message) else Decision(calls=[step])


async def by_model(customers: Sequence[HotelCustomer], toolbox: Toolbox, store: Store, model: Path) -> Rehearsal:
    engine = open_in_process(str(model))[0]
    try:
        return await rehearse_hotel(customers, toolbox, store, engine, name=model.name)
    finally:
        await engine.close()


async def by_operator(customers: Sequence[HotelCustomer], toolbox: Toolbox, store: Store) -> Rehearsal:
    known = {one.name: one for one in customers}

    def partner(one: Any) -> AgentPartner:
        customer = known[one.name]
        settings = AgentSettings(system=customer.system, lang=customer.lang)
        agent = Agent("hotel", settings, ScriptedEngine([]), toolbox, store, store.vault, policy=[Operator(customer)])
        return AgentPartner(agent, store, one.name, customer=one.name, lang=one.lang)

    return await rehearse(customers, partner)


class Rounds:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.folder = options, options.folder
        if not (self.folder / TOOLS).exists():
            make_project(self.folder, conversations=options.logs)
            test = [protect_conversation(one) for one in make_logs(options.test, seed=501, part="test")]
            write_conversations(self.folder / "data" / "test.jsonl", test)
        self.houses, self.toolbox = Houses(self.folder / WORLD), Toolbox.load(self.folder / TOOLS)
        self.shelf = shelf(self.folder / "shelf")
        if self.shelf.current is None:
            self.shelf.add(options.model, "first", by="benchmark", why="it served before the change")
        self.settings = LearnSettings(
            data=[str(self.folder / "data" / "logs.jsonl")],
            test=str(self.folder / "data" / "test.jsonl"),
            shelf=str(self.folder / "shelf"),
            most_old=options.old,
        )
        self.tune = TuneSettings(epochs=options.epochs, lr=options.lr, optimiser="muon", batch_size=3, look_every=100)

    def judged(self, model: Path) -> list[Trial]:
        """The same customers of the changed world at every call."""
        customers = self._customers(self.options.judging, JUDGING_SEED, "judging")
        place = self.folder / f"judging-{time.time_ns()}.db"
        with open_store(place) as store:
            held = asyncio.run(by_model(customers, self.toolbox, store, model))
        place.unlink()
        self._close(customers)
        return [
            Trial(task=one.customer, succeeded=one.success, lang=one.lang, why=None if one.success else one.faults[0])
            for one in held.results
        ]

    def serve(self, store: Store, number: int) -> dict[str, Any]:
        """New customers, and an operator for those that the agent failed."""
        model = self.shelf.folder(self._current())
        customers = self._customers(self.options.served, 1000 + number, f"round{number}")
        held = asyncio.run(by_model(customers, self.toolbox, store, model))
        failed = {one.customer for one in held.failures()}
        again = self._customers(self.options.served, 1000 + number, f"operator{number}")
        wanted = [new for old, new in zip(customers, again, strict=True) if old.name in failed]
        helped = asyncio.run(by_operator(wanted, self.toolbox, store))
        self._close([*customers, *again])
        return {"served": len(customers), "reached": held.success().count, "operator": helped.success().count}

    def learn(self, store: Store, **more: Any) -> Any:
        means = Means(
            tune=self.tune,
            rehearse=lambda model: self.judged(self._folder(model)),
            watch=Lines(),
            by="benchmark",
            **more,
        )
        return learn(store, self.settings, means)

    def _folder(self, model: str) -> Path:
        return self.shelf.folder(model) if model in {one.name for one in self.shelf.list()} else Path(model)

    def _current(self) -> str:
        current = self.shelf.current
        assert current is not None
        return current.name

    def _customers(self, count: int, seed: int, label: str) -> list[HotelCustomer]:
        return make_customers(self.houses, 2 * count, seed=seed, label=label, change=change)

    def _close(self, customers: Sequence[HotelCustomer]) -> None:
        for one in customers:
            self.houses.remove(one.name)


class Lines(Quiet):
    def say(self, line: str) -> None:
        print("   ", line, flush=True)


def share(trials: Sequence[Trial], lang: str) -> str:
    some = [one.succeeded for one in trials if one.lang == lang]
    return f"{sum(some)} of {len(some)}"


def damaged(model: Path, folder: Path) -> Path:
    """The model with noise in every matrix: it still loads, and knows nothing well."""
    base = load_base(model)
    torch.manual_seed(0)
    with torch.no_grad():
        for weights in base.model.parameters():
            if weights.ndim == 2:
                weights.add_(torch.randn_like(weights), alpha=0.5 * float(weights.std()))
    save_model(base, folder)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the version that serves when the world changes")
    parser.add_argument("--folder", type=Path, required=True, help="where the project is made")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--served", type=int, default=30, help="customers of each language a round")
    parser.add_argument("--judging", type=int, default=20, help="judging customers of each language")
    parser.add_argument("--logs", type=int, default=400, help="conversations of the old logs")
    parser.add_argument("--old", type=int, default=150, help="of them mixed into a round")
    parser.add_argument("--test", type=int, default=60, help="conversations of the frozen test")
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    rounds = Rounds(options)
    results: list[dict[str, Any]] = []

    def note(**entry: Any) -> None:
        results.append(entry)
        print(json.dumps(entry, ensure_ascii=False), flush=True)
        if options.json:
            options.json.write_text(json.dumps(results, ensure_ascii=False, indent=1), encoding="utf-8")

    first = rounds.judged(rounds.shelf.folder(rounds._current()))
    note(round=0, version=rounds._current(), en=share(first, "en"), zh=share(first, "zh"))
    with open_store(rounds.folder / "chat.db") as store:
        for number in range(1, options.rounds + 1):
            served = rounds.serve(store, number)
            ended = rounds.learn(store)
            decision = ended.decision
            after = rounds.judged(rounds.shelf.folder(rounds._current()))
            note(
                round=number,
                **served,
                learnt=ended.collected.taken,
                promoted=decision.promoted if decision else None,
                why=decision.reason if decision else ended.why,
                version=rounds._current(),
                en=share(after, "en"),
                zh=share(after, "zh"),
            )
        bad = damaged(rounds.shelf.folder(rounds._current()), rounds.folder / f"damaged-{time.time_ns()}")
        ended = rounds.learn(store, candidate=bad, again=True)
        refused = ended.decision is not None and not ended.decision.promoted
        note(damaged="refused" if refused else "PROMOTED", why=ended.decision.reason if ended.decision else ended.why)
    if any(entry.get("promoted") for entry in results):
        before = rounds._current()
        note(rolled_back_from=before, to=rounds.shelf.roll_back(by="benchmark", why="the end").name)
    return 0 if refused else 1


if __name__ == "__main__":
    sys.exit(main())
