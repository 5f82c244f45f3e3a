"""The agent: one turn – protect, understand, decide, act, answer, guard –, each step an event before the next.

    agent = Agent("desk", settings, engine, Toolbox.load("tools.py"), store, store.vault)
    async for piece in agent.say("c1", "A room for two, please", key="message-17"): ...
    reply = await whole(agent.say(...))                    # unstreamed: the same path, gathered

**What lies in the store holds stand-ins only**, in `text`, `arguments` and `content` alike: the vault is the one place
with true values. Who shows a conversation to a person (chat page, desk) reads it with
`told(store.events(id), vault)`, which gives the same events with the true values; who writes what a person typed at
the desk protects it first with `Protector(vault, id)`. `TurnPiece.text` is true text already.
"""

from dialoop.agent.agent import Agent
from dialoop.agent.explaining import Explanation, explain
from dialoop.agent.pieces import Reply, TurnPiece, whole
from dialoop.agent.seams import Decision, Guard, Rule, Search, Situation, Understand, Understanding
from dialoop.agent.settings import AgentSettings
from dialoop.agent.told import told
from dialoop.agent.tools import Outcome, Toolbox, ToolContext, tool
from dialoop.agent.typed_tools import Between, Code, Quoted, Verbatim

__all__ = [
    "Agent",
    "AgentSettings",
    "Between",
    "Code",
    "Decision",
    "Explanation",
    "Guard",
    "Outcome",
    "Quoted",
    "Reply",
    "Rule",
    "Search",
    "Situation",
    "ToolContext",
    "Toolbox",
    "TurnPiece",
    "Understand",
    "Understanding",
    "Verbatim",
    "explain",
    "told",
    "tool",
    "whole",
]
