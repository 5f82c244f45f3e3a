"""A draft of the next answer, for an operator to edit: what the agent's model would say. No event is written."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from dialoop.agent import AgentSettings
from dialoop.agent.speaking import shortened
from dialoop.conversation import State, fold
from dialoop.engine import Engine, Gathered, GenerateRequest, gather
from dialoop.errors import DeskError
from dialoop.privacy import Protector
from dialoop.store import Store


async def draft(
    store: Store, conversation: str, engine: Engine, *, temperature: float = 0.0, max_tokens: int = 512
) -> str:
    """What the model would answer now, with the true values. It is shown what the agent's model is shown: of a
    conversation that is too long for it whole turns leave from the front.

    Raises DeskError: unknown, erased; no_text where it has nothing to say. RequestError where the engine refuses.
    """
    state = await asyncio.to_thread(lambda: fold(store.events(conversation)))
    _check(state, conversation)
    protector = Protector(store.vault, conversation, house=state.house)

    async def answer(request: GenerateRequest, left_out: int) -> Gathered:
        return await gather(engine.generate(replace(request, tool_choice="none")))

    settings = AgentSettings(temperature=temperature, max_tokens=max_tokens)
    text = (await shortened(state, protector, settings, answer)).text.strip()
    if not text:
        raise DeskError("the model has no answer", code="no_text", where=conversation, remedy="write one yourself")
    return (await asyncio.to_thread(protector.restore, text)).value


def _check(state: State, conversation: str) -> None:
    if state.phase == "new":
        what, remedy = "there is no such conversation", "look at the queue for the conversations that there are"
        raise DeskError(what, code="unknown", where=conversation, remedy=remedy)
    if state.phase == "erased":
        what, remedy = "the conversation was erased", "nothing can be done with it any more"
        raise DeskError(what, code="erased", where=conversation, remedy=remedy)
