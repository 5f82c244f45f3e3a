"""Generated conversations in which every value must be copied: for pretraining, and for the copying test."""

from dialoop.scenarios.copying.talk import make_copying

__all__ = ["make_copying"]
