"""The record of a conversation, and its ways in and out of files."""

from dialoop.conversation.events import EVENT, SAID, SCHEMA_VERSION, Event
from dialoop.conversation.example import OUT_OF_SCOPE, Example
from dialoop.conversation.export import DROPS, container_for, written
from dialoop.conversation.faults import Fault
from dialoop.conversation.findings import FileFindings, FoundFault, Inspection, Shared, Spread
from dialoop.conversation.fold import State, fold, history
from dialoop.conversation.forms.registry import FORMS
from dialoop.conversation.inspection import inspect_file, inspect_files
from dialoop.conversation.json_text import canonical_json, dump_line, parse_tool_arguments
from dialoop.conversation.language import language_of, tongue
from dialoop.conversation.lines import DEFAULT_MAX_LINE_BYTES
from dialoop.conversation.passages import Passage, documents
from dialoop.conversation.record import (
    Annotations,
    Conversation,
    FunctionCall,
    Message,
    MessageAnnotation,
    Role,
    SlotSpan,
    Tool,
    ToolCall,
)
from dialoop.conversation.rules import check_conversation, check_example
from dialoop.conversation.scan import read_conversations, read_examples, scan, what_is
from dialoop.conversation.split import Split, split_conversations, split_examples
from dialoop.conversation.tool_schema import LIKE, SAID_BY, VERBATIM, choices_of
from dialoop.conversation.view import ModelView, model_view, training_conversation
from dialoop.conversation.writing import write_conversations, write_lines

__all__ = [
    "DEFAULT_MAX_LINE_BYTES",
    "DROPS",
    "EVENT",
    "FORMS",
    "LIKE",
    "OUT_OF_SCOPE",
    "SAID",
    "SAID_BY",
    "SCHEMA_VERSION",
    "VERBATIM",
    "Annotations",
    "Conversation",
    "Event",
    "Example",
    "Fault",
    "FileFindings",
    "FoundFault",
    "FunctionCall",
    "Inspection",
    "Message",
    "MessageAnnotation",
    "ModelView",
    "Passage",
    "Role",
    "Shared",
    "SlotSpan",
    "Split",
    "Spread",
    "State",
    "Tool",
    "ToolCall",
    "canonical_json",
    "check_conversation",
    "check_example",
    "choices_of",
    "container_for",
    "documents",
    "dump_line",
    "fold",
    "history",
    "inspect_file",
    "inspect_files",
    "language_of",
    "model_view",
    "parse_tool_arguments",
    "read_conversations",
    "read_examples",
    "scan",
    "split_conversations",
    "split_examples",
    "tongue",
    "training_conversation",
    "what_is",
    "write_conversations",
    "write_lines",
    "written",
]
