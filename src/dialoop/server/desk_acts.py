"""What the desk page may post, and which function of the desk each act is. It knows forms, not HTTP."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, RootModel

from dialoop import desk
from dialoop.server.site import Posted
from dialoop.store import Store

Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=desk.LONGEST_TEXT)]


class SignIn(Posted):
    """Who wants to sit at the desk."""

    name: str = Field(min_length=1, max_length=80)
    password: str = Field(default="", max_length=1000)


class SignOut(Posted):
    """Who leaves is known by the cookie."""


class DraftWish(Posted):
    """A draft is wanted."""

    conversation: Name


class _Act(Posted):
    conversation: Name
    agent_goes_on: ClassVar[bool] = False
    """Whether the agent may have something to go on with afterwards."""


class TakeOver(_Act):
    """Join the conversation; `from_other`: also in the place of another operator."""

    act: Literal["take_over"]
    from_other: bool = False

    def done(self, store: Store, operator: str) -> int:
        """Does it; gives the seq."""
        return desk.take_over(store, self.conversation, operator, from_other=self.from_other)


class Say(_Act):
    """Tell the customer."""

    act: Literal["say"]
    text: Text

    def done(self, store: Store, operator: str) -> int:
        """Does it; gives the seq."""
        return desk.say(store, self.conversation, operator, self.text)


class SendDraft(_Act):
    """Send the agent's draft as it was edited."""

    act: Literal["send_draft"]
    draft: Text
    text: Text

    def done(self, store: Store, operator: str) -> int:
        """Does it; gives the seq."""
        return desk.send_draft(store, self.conversation, operator, self.draft, self.text)


class Edit(_Act):
    """Put other words in the place of an answer."""

    act: Literal["edit"]
    said_at: int = Field(ge=1)
    text: Text

    def done(self, store: Store, operator: str) -> int:
        """Does it; gives the seq."""
        return desk.edit(store, self.conversation, operator, self.said_at, self.text)


class Approve(_Act):
    """Let a call go ahead."""

    act: Literal["approve"]
    call_id: Name
    agent_goes_on: ClassVar[bool] = True

    def done(self, store: Store, operator: str) -> int:
        """Does it; gives the seq."""
        return desk.approve(store, self.conversation, operator, self.call_id)


class Deny(_Act):
    """Refuse a call."""

    act: Literal["deny"]
    call_id: Name
    reason: Text
    agent_goes_on: ClassVar[bool] = True

    def done(self, store: Store, operator: str) -> int:
        """Does it; gives the seq."""
        return desk.deny(store, self.conversation, operator, self.call_id, self.reason)


class HandBack(_Act):
    """Leave the conversation to the agent."""

    act: Literal["hand_back"]
    agent_goes_on: ClassVar[bool] = True

    def done(self, store: Store, operator: str) -> int:
        """Does it; gives the seq."""
        return desk.hand_back(store, self.conversation, operator)


class Close(_Act):
    """End the conversation."""

    act: Literal["close"]
    outcome: Literal["solved", "unsolved"]

    def done(self, store: Store, operator: str) -> int:
        """Does it; gives the seq."""
        return desk.close(store, self.conversation, operator, self.outcome)


AnyAct = Annotated[TakeOver | Say | SendDraft | Edit | Approve | Deny | HandBack | Close, Field(discriminator="act")]


class Act(RootModel[AnyAct]):
    """One act of an operator."""
