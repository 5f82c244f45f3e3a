"""Rehearsal: simulated customers talk to an agent; how many got what they came for, and who decided the turns.

    rehearsal = await rehearse(customers, lambda one: AgentPartner(agent, store, one.name), at_once=8)
    print(rehearsal.success(), rehearsal.success("zh"), rehearsal.decided())

A scenario gives the customers: they say what they want, know when they leave, and judge at the end. The room knows no
hotel and no model.
"""

from dialoop.rehearsal.customers import Answered, Customer, Partner, private_values
from dialoop.rehearsal.partner import AgentPartner
from dialoop.rehearsal.rehearse import MOST_TURNS, rehearse
from dialoop.rehearsal.results import Line, Rehearsal, Result, Share, write_json
from dialoop.rehearsal.table import failures, table

__all__ = [
    "MOST_TURNS",
    "AgentPartner",
    "Answered",
    "Customer",
    "Line",
    "Partner",
    "Rehearsal",
    "Result",
    "Share",
    "failures",
    "private_values",
    "rehearse",
    "table",
    "write_json",
]
