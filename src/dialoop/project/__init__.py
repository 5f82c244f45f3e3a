"""The project file `dialoop.yaml`: composed of each room's own settings; loads, checks and explains them."""

from dialoop.project.agents import load_agents
from dialoop.project.file import PROJECT_FILE, Entry, explain_project, load_project

__all__ = ["PROJECT_FILE", "Entry", "explain_project", "load_agents", "load_project"]
