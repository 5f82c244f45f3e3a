"""Conversations that last: the event log on SQLite and PostgreSQL, leases, erasing, verifying, backup and restore."""

from dialoop.store.chain import Break, Verdict
from dialoop.store.leases import Lease
from dialoop.store.log import Added, Outline
from dialoop.store.store import Erasure, Store, open_store, restore_store
from dialoop.store.vault import StoreVault

__all__ = [
    "Added",
    "Break",
    "Erasure",
    "Lease",
    "Outline",
    "Store",
    "StoreVault",
    "Verdict",
    "open_store",
    "restore_store",
]
