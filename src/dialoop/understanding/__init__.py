"""Understanding: the intent of a message, how sure of it, and whether the message is out of scope at all.

    understander = Understander.load("runs/intents-mini/model")
    understander.understand("Can I still cancel?").intents           # {"cancel": 0.97, "change": 0.02, …}

`Understander.understand` is what an agent takes as its `understand`. torch is loaded with the model, not before.
"""

from dialoop.understanding.result import Understanding

__all__ = ["Understanding"]
