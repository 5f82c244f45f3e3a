"""dialoop: from a team's own dialogue logs to an autonomous dialogue agent that the team owns."""

__version__ = "0.1.0"
