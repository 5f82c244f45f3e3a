"""A draft of the next answer, for an operator to edit: what the agent's model would say. Nothing is written."""

from __future__ import annotations

import asyncio

from dialoop.conversation import State, fold, model_view
from dialoop.engine import Engine, GenerateRequest, gather
from dialoop.errors import DeskError
from dialoop.privacy import Protector
from dialoop.store import Store


async def draft(
    store: Store, conversation: str, engine: Engine, *, temperature: float = 0.0, max_tokens: int = 512
) -> str:
    """What the model would answer now, with the true values. It is shown what the agent's model is shown.

    Raises DeskError: unknown, erased; no_text where it has nothing to say. RequestError where the engine refuses.
    """
    state = await asyncio.to_thread(lambda: fold(store.events(conversation)))
    _check(state, conversation)
    request = GenerateRequest(
        messages=model_view(state).messages,
        tools=state.tools,
        tool_choice="none",
        temperature=temperature,
        max_tokens=max_tokens,
    )
    text = (await gather(engine.generate(request))).text.strip()
    if not text:
        raise DeskError("the model has no answer", code="no_text", where=conversation, remedy="write one yourself")
    return Protector(store.vault, conversation).restore(text).value


def _check(state: State, conversation: str) -> None:
    if state.phase == "new":
        what, remedy = "there is no such conversation", "look at the queue for the conversations that there are"
        raise DeskError(what, code="unknown", where=conversation, remedy=remedy)
    if state.phase == "erased":
        what, remedy = "the conversation was erased", "nothing can be done with it any more"
        raise DeskError(what, code="erased", where=conversation, remedy=remedy)
