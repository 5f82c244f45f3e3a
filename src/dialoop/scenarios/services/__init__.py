"""Conversations of many kinds of services, for pretraining."""

from dialoop.scenarios.services.talk import make_services

__all__ = ["make_services"]
