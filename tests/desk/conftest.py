"""A store for each test of the desk."""

from .talks import store

__all__ = ["store"]
