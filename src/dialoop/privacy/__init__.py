"""What identifies a person: found, replaced by stand-ins, put back where it is needed, erased, kept out of logs."""

from dialoop.privacy.fields import CONTACT, Field, Keys, fields, find_field
from dialoop.privacy.finding import find, same
from dialoop.privacy.found import CARD, EMAIL, ID, LITERAL, NAME, PHONE, Finder, Found, settle
from dialoop.privacy.logs import LogProtection, protect_logging
from dialoop.privacy.protector import Protected, Protector, Restored
from dialoop.privacy.records import protect_conversation, protect_example
from dialoop.privacy.restorer import Restorer
from dialoop.privacy.stand_in import STAND_IN, stand_in
from dialoop.privacy.vault import MemoryVault, Vault

__all__ = [
    "CARD",
    "CONTACT",
    "EMAIL",
    "ID",
    "LITERAL",
    "NAME",
    "PHONE",
    "STAND_IN",
    "Field",
    "Finder",
    "Found",
    "Keys",
    "LogProtection",
    "MemoryVault",
    "Protected",
    "Protector",
    "Restored",
    "Restorer",
    "Vault",
    "fields",
    "find",
    "find_field",
    "protect_conversation",
    "protect_example",
    "protect_logging",
    "same",
    "settle",
    "stand_in",
]
