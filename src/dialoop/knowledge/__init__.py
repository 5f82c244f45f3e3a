"""Knowledge: house rules and questions in Markdown files, found for a message and cited in the answer.

    with open_knowledge("data/rules") as knowledge:
        knowledge.search("Can my dog stay with us?", "en", 3)   # [Passage(text="Pets: …", source="rules.en.md#pets")]

`Knowledge.search` is what an agent takes as its `search`. No model is loaded for it, and no torch.
"""

from dialoop.knowledge.citations import Citations, cited
from dialoop.knowledge.ranking import FLOOR
from dialoop.knowledge.search import Knowledge, Match, open_knowledge
from dialoop.knowledge.sections import Section, sections
from dialoop.knowledge.settings import KnowledgeSettings

__all__ = [
    "FLOOR",
    "Citations",
    "Knowledge",
    "KnowledgeSettings",
    "Match",
    "Section",
    "cited",
    "open_knowledge",
    "sections",
]
