"""What the model is asked: the view of the conversation, as it is trained on, and nothing else.

The log holds stand-ins; what a person at the desk wrote and did not protect is protected here. It calls no engine.
"""

from __future__ import annotations

from dialoop.agent.settings import AgentSettings
from dialoop.conversation import ModelView, State, model_view
from dialoop.conversation.fold import Entry
from dialoop.engine import GenerateRequest
from dialoop.errors import DataError
from dialoop.privacy import STAND_IN, Protector

ANEW = 0.7
"""The least temperature of a second try: the likeliest words are known to make no sense."""


def model_request(
    state: State, protector: Protector, settings: AgentSettings, *, window: int | None, anew: bool
) -> tuple[GenerateRequest, int, int]:
    """The request, how many messages it shows, and how many were left out for length. `window` in messages."""
    covered = state.model_copy(update={"entries": tuple(_covered(entry, protector) for entry in state.entries)})
    view = _view(covered, window)
    request = GenerateRequest(
        messages=view.messages,
        tools=list(state.tools),
        temperature=max(settings.temperature, ANEW) if anew else settings.temperature,
        max_tokens=settings.max_tokens,
        protected=True,
    )
    return request, len(view.messages), view.left_out


def _view(state: State, window: int | None) -> ModelView:
    """Of no more messages than `window`, but never less than the last turn: the engine says whether it can be read."""
    if window is None:
        return model_view(state)
    for size in range(window, len(state.entries) + 1):
        try:
            return model_view(state, size)
        except DataError:
            continue
    return model_view(state)


def _covered(entry: Entry, protector: Protector) -> Entry:
    """The entry with what a person wrote protected; stand-ins that are there already stay."""
    if not entry.by_person or entry.shown is not None or not entry.message.content:
        return entry
    parts, at, text = [], 0, entry.message.content
    for found in STAND_IN.finditer(text):
        parts += [protector.protect(text[at : found.start()]), found[0]]
        at = found.end()
    return entry.model_copy(update={"shown": "".join([*parts, protector.protect(text[at:])])})
