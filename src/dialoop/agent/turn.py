"""Carries a turn out: asks what comes next, does it, writes it down, until nothing is left to do.

Everything that happens is an event in the store before the next step begins; what the customer sees is handed out on
the way. It holds no lease itself: who runs it does. What is unfinished when it stops is finished by the next run.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dialoop.agent.course import CONFIRM, UNKNOWN, Course, arguments_of
from dialoop.agent.notices import Notices, in_words
from dialoop.agent.pieces import TurnPiece
from dialoop.agent.rules import BUILT_IN, PERSON
from dialoop.agent.seams import Decision, Guard, Rule, Search, called
from dialoop.agent.seams import Understand as Understands
from dialoop.agent.settings import AgentSettings
from dialoop.agent.speaking import TOO_LONG, Interrupted, Proposal, Speaker, shortened
from dialoop.agent.steps import (
    MOST_ATTEMPTS,
    Ask,
    Decide,
    Deny,
    LoseTrack,
    Propose,
    Standing,
    Start,
    Step,
    TakeBack,
    TellWaiting,
    Understand,
    next_step,
)
from dialoop.agent.tools import Toolbox, ToolContext
from dialoop.conversation import EVENT, Event, FunctionCall, canonical_json
from dialoop.conversation.events import Escalated, ToolRequested
from dialoop.engine import Engine, GenerateRequest
from dialoop.errors import DataError, DialoopError, RequestError
from dialoop.privacy import Protector

log = logging.getLogger(__name__)
Fields = tuple[str, dict[str, Any]]
"""The kind of an event, and its own fields."""


@dataclass(frozen=True)
class Means:
    """All that a turn is carried out with; the engine and its version stay the same from its beginning to its end."""

    name: str
    settings: AgentSettings
    toolbox: Toolbox
    engine: Engine
    model_version: str | None
    understand: Understands | None
    search: Search | None
    policy: tuple[Rule, ...]
    guard: Guard | None
    notices: Notices
    clock: Callable[[], str]


class Turn:
    """One run over one conversation. `write` puts events into the store; `emit` hands pieces to who listens."""

    def __init__(
        self,
        means: Means,
        course: Course,
        protector: Protector,
        write: Callable[[list[Event]], Any],
        emit: Callable[[TurnPiece], None],
    ) -> None:
        self._means, self.course, self._protector = means, course, protector
        self._write, self._emit = write, emit
        self._spoken = False
        self.stopped = False
        self.standing = Standing(
            means.settings,
            means.toolbox,
            self._faults,
            bool(means.understand or (means.search and means.settings.passages)),
        )

    async def run(self) -> None:
        """To its end. Raises Interrupted where it was stopped, and what the store raises."""
        while (step := await asyncio.to_thread(next_step, self.course, self.standing)) is not None:
            if self.stopped:
                raise Interrupted
            await self._do(step)

    async def append(self, *events: Fields) -> None:
        """Writes events behind the last one; they are on the disk when this returns."""
        made = self.events(*events)
        await asyncio.to_thread(self._write, made)
        self.course.add(made)

    def events(self, *events: Fields) -> list[Event]:
        """The events that would be written, numbered from the last."""
        state = self.course.state
        head = {"conversation": state.conversation, "at": self._means.clock(), "tenant": state.tenant}
        head |= {"customer": state.customer, "agent": self._means.name}
        numbered = enumerate(events, start=state.seq + 1)
        return [EVENT.validate_python({**head, "kind": kind, "seq": seq, **own}) for seq, (kind, own) in numbered]

    async def _do(self, step: Step) -> None:
        if isinstance(step, Understand):
            await self._understand()
        elif isinstance(step, Decide):
            await self._decide()
        elif isinstance(step, Propose):
            await self._propose(step.anew)
        elif isinstance(step, Start):
            await self._start(step.call, step.attempt)
        elif isinstance(step, Deny):
            await self.append(("tool_denied", {"call_id": step.call.call_id, "by": step.by, "reason": step.reason}))
            if step.by != CONFIRM:
                self._act(step.call, "denied")
        elif isinstance(step, LoseTrack):
            lost = {"call_id": step.call.call_id, "content": UNKNOWN, "failed": True}
            await self.append(("tool_returned", lost))
            self._act(step.call, "failed")
        elif isinstance(step, TakeBack):
            await self.append(("answer_withdrawn", {"said_at": step.said_at, "reason": "what it waited for is here"}))
        elif isinstance(step, Ask):
            await self._say_of_calls("confirm", step.calls)
        elif isinstance(step, TellWaiting):
            await self._say_of_calls("waiting", step.calls)
            for call in step.calls:
                self._act(call, "waiting")
        else:
            await self._escalate(step.reason)

    # understand and decide

    async def _understand(self) -> None:
        """What fails here fails nothing else: the turn goes on without it, and the log says so."""
        means, said = self._means, self.course.said
        text = said.text if said is not None else ""
        found: dict[str, Any] = {}
        failed: list[Fields] = []
        for name, function, values in (
            ("understanding", means.understand, (text, self.course.state)),
            ("search", means.search, (text, self.course.lang)),
        ):
            if function is None:
                continue
            try:
                given = await called(function, *values)
                part = _understood(given) if name == "understanding" else self._passages(given)
                self.events(("understood", _checked(part)))  # what is no event is refused here, and not once it counts
                found |= part
            except Exception as error:
                log.warning("%s failed: %s", name, error, exc_info=not isinstance(error, DialoopError))
                failed.append(("decided", {"action": "go_on", "reason": f"{name} failed: {type(error).__name__}"}))
        await self.append(*failed, ("understood", found))

    def _passages(self, given: Iterable[Any]) -> dict[str, Any]:
        return {"passages": [one.model_dump() for one in given][: self._means.settings.passages]}

    async def _decide(self) -> None:
        for rule in BUILT_IN:
            if (decision := rule(self.course)) is not None:
                return await self._apply(decision, decision.rule or "")
        for own in self._means.policy:
            name = getattr(own, "__name__", type(own).__name__)
            try:
                decision = await called(own, self.course.situation())
                if decision is not None:
                    _check_decision(decision)
                    return await self._apply(decision, decision.rule or name)
            except DialoopError:
                raise
            except Exception as error:
                log.exception("the rule %s failed", name)
                await self.append(("decided", {"action": "go_on", "reason": f"rule {name}: {type(error).__name__}"}))
        await self.append(("decided", {"action": "model", "model": self._means.model_version}))
        self._emit(TurnPiece("decided", name="model"))
        return None

    async def _apply(self, decision: Decision, name: str) -> None:
        decided: Fields = ("decided", {"action": f"rule:{name}", "reason": decision.reason or decision.escalate})
        self._emit(TurnPiece("decided", name=f"rule:{name}"))
        if decision.escalate is not None:
            return await self._escalate(decision.escalate, decided, decision.text or "")
        if decision.calls:
            wanted = [FunctionCall(name=tool, arguments=_json(given)) for tool, given in decision.calls]
            await self._request(wanted, decision.text, None, decided)
            return await self._speak(decision.text) if decision.text else None
        await self._answer(str(decision.text), None, decided)
        return None

    # the model

    async def _propose(self, anew: bool) -> None:
        proposal = await self._proposal(anew)
        text = proposal.text.rstrip()
        if proposal.fault is None and proposal.calls:
            await self._request(proposal.calls, text or None, self._means.model_version)
        elif proposal.fault is None and self._said_before(text) < 2:
            await self.append(("agent_said", {"text": text, "model": self._means.model_version}))
        elif proposal.mendable and self.course.nonsense() < self._means.settings.repairs:
            await self.append(("decided", {"action": "repair", "reason": proposal.fault}))
            self._emit(TurnPiece("decided", name="repair"))
        else:
            await self._escalate(proposal.fault or "the same answer for the third time", None, text, spoken=True)

    async def _proposal(self, anew: bool) -> Proposal:
        """What the model says; where the conversation is too long for it, whole turns leave from the front."""

        async def hear(request: GenerateRequest, left_out: int) -> Proposal:
            if left_out:
                reason = f"{left_out} messages left out for length"
                told = {"action": "model", "reason": reason, "model": self._means.model_version}
                await self.append(("decided", told))
            situation = self.course.situation()
            speaker = Speaker(self._protector, situation, self._means.guard, self._speaking(), lambda: self.stopped)
            return await speaker.hear(self._means.engine, request)

        try:
            return await shortened(self.course.state, self._protector, self._means.settings, hear, anew=anew)
        except RequestError as error:
            if error.code != TOO_LONG:
                raise
            return Proposal(fault="the conversation is too long for the model")

    async def _request(
        self, calls: Iterable[FunctionCall], text: str | None, model: str | None, *before: Fields
    ) -> None:
        """Writes the calls down, with their idempotency keys, before anything is done about them."""
        state, number = self.course.state, len(self.course.requested)
        wanted: list[Fields] = []
        for at, call in enumerate(calls, start=1):
            call_id = f"call_{number + at}"
            own: dict[str, Any] = {"step": f"step_{state.seq + 1}", "call_id": call_id, "name": call.name}
            own |= {"arguments": call.arguments or "{}", "idempotency_key": f"{state.conversation}:{call_id}"}
            own |= {"needs_approval": call.name in self._means.settings.approve, "model": model}
            wanted.append(("tool_requested", {**own, "text": text if at == 1 else None}))
        await self.append(*before, *wanted)

    # tools

    async def _start(self, call: ToolRequested, attempt: int) -> None:
        await self.append(("tool_started", {"call_id": call.call_id, "attempt": attempt}))
        self._act(call, "started")
        state = self.course.state
        context = ToolContext(
            conversation=call.conversation,
            tenant=call.tenant,
            customer=state.customer,
            idempotency_key=call.idempotency_key,
            lang=state.lang or self.course.lang,
        )
        arguments = await asyncio.to_thread(self._protector.restore_json, call.arguments)
        outcome = await self._means.toolbox.call(call.name, arguments.value, context)
        if outcome.unknown:
            again = self._means.toolbox.conduct(call.name).repeatable and attempt < MOST_ATTEMPTS
            return None if again else await self._do(LoseTrack(call))
        content = await asyncio.to_thread(self._protector.protect_json, outcome.content)
        await self.append(("tool_returned", {"call_id": call.call_id, "content": content, "failed": outcome.failed}))
        self._act(call, "failed" if outcome.failed else "returned")
        return None

    def _faults(self, call: ToolRequested) -> list[tuple[str, str]]:
        """What is wrong with a call, with who says so; its values are restored first."""
        try:
            restored = self._protector.restore_json(call.arguments or "{}")
        except DataError as error:
            return [("rule:schema", error.what)]
        if restored.unknown:
            return [("rule:stand_in", f"{restored.unknown[0]} stands for nothing")]
        faults = self._means.toolbox.faults(call.name, restored.value)
        return [("rule:schema", self._protector.protect(fault)) for fault in faults]

    # speaking

    async def _say_of_calls(self, notice: str, calls: Iterable[ToolRequested]) -> None:
        lang = self.course.lang
        told = " ".join(in_words(call.name, arguments_of(call), lang) for call in calls)
        if notice == "waiting":
            told = told.rstrip(".。")
        await self._answer(self._means.notices.say(notice, lang, told), None)

    async def _answer(self, text: str, model: str | None, *before: Fields) -> None:
        """Says a text that the model did not write; it is in the log before the customer has it."""
        await self.append(*before, ("agent_said", {"text": text, "model": model}))
        await self._speak(text)

    async def _escalate(
        self, reason: str, decided: Fields | None = None, text: str = "", *, spoken: bool = False
    ) -> None:
        """Calls a person and says so, as far as that is not done yet. `spoken`: the customer has `text` already."""
        begun, asked = self.course.escalating(), self.course.state.phase == "asked"
        events: list[Fields] = []
        if begun is None:
            events.append(decided or ("decided", {"action": "escalate", "reason": reason}))
            if decided is None:
                self._emit(TurnPiece("decided", name="escalate"))
        if not isinstance(begun, Escalated) and not asked:
            events.append(("escalated", {"reason": reason}))
        already = asked and not isinstance(begun, Escalated)
        name = "already" if already else "person" if reason == PERSON else "failed"
        notice = "" if text and not spoken else self._means.notices.say(name, self.course.lang)
        await self.append(*events, ("agent_said", {"text": "\n".join(filter(None, (text, notice)))}))
        await self._speak(notice or text)

    def _speaking(self) -> Callable[[str], None]:
        """Hands the texts of one message to the customer; a line's end stands between two messages of one turn."""
        glue = "\n" if self._spoken else ""

        def speak(text: str) -> None:
            nonlocal glue
            self._emit(TurnPiece("text", text=glue + text))
            self._spoken, glue = True, ""

        return speak

    async def _speak(self, text: str) -> None:
        restored = await asyncio.to_thread(self._protector.restore, text)
        self._speaking()(restored.value)

    def _act(self, call: ToolRequested, state: Any) -> None:
        self._emit(TurnPiece("action", name=call.name, state=state, call_id=call.call_id))

    def _said_before(self, text: str) -> int:
        """How often in a row the agent said just this before; short courtesies do not count."""
        if len(text) <= _COURTESY:
            return 0
        said = [event.text for event in self.course.events if event.kind == "agent_said"]
        return next((at for at, one in enumerate(reversed(said)) if one != text), len(said))


_COURTESY = 40
"""Characters up to which an answer may come again and again."""


def _checked(found: dict[str, Any]) -> dict[str, Any]:
    """The same. Raises DataError or UnicodeEncodeError for what no log can hold."""
    canonical_json(found).encode()
    return found


def _check_decision(decision: Decision) -> None:
    """Raises ValueError or TypeError for what cannot be carried out."""
    if decision.escalate is None and not decision.calls and not (decision.text or "").strip():
        raise ValueError("it decides nothing")
    "".join([decision.text or "", *(_json(given) for _, given in decision.calls)]).encode()


def _understood(given: Any) -> dict[str, Any]:
    confidence = {str(name): float(sure) for name, sure in dict(given.intents).items()}
    found = {"intents": list(confidence), "confidence": confidence, "out_of_scope": bool(given.out_of_scope)}
    return {**found, "slots": dict(given.slots), "sentiment": given.sentiment}


def _json(arguments: Mapping[str, Any]) -> str:
    return json.dumps(dict(arguments), ensure_ascii=False)
