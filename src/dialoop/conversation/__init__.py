"""The record of a conversation, and its ways in and out of files."""

from dialoop.conversation.example import Example
from dialoop.conversation.export import written
from dialoop.conversation.faults import Fault
from dialoop.conversation.findings import FileFindings, FoundFault, Inspection, Shared, Spread
from dialoop.conversation.inspection import inspect_file, inspect_files
from dialoop.conversation.json_text import canonical_json, parse_tool_arguments
from dialoop.conversation.language import language_of
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
from dialoop.conversation.scan import read_conversations, read_examples, scan, what_is
from dialoop.conversation.split import Split, split_conversations, split_examples
from dialoop.conversation.writing import write_conversations, write_lines

__all__ = [
    "Annotations",
    "Conversation",
    "Example",
    "Fault",
    "FileFindings",
    "FoundFault",
    "FunctionCall",
    "Inspection",
    "Message",
    "MessageAnnotation",
    "Role",
    "Shared",
    "SlotSpan",
    "Split",
    "Spread",
    "Tool",
    "ToolCall",
    "canonical_json",
    "inspect_file",
    "inspect_files",
    "language_of",
    "parse_tool_arguments",
    "read_conversations",
    "read_examples",
    "scan",
    "split_conversations",
    "split_examples",
    "what_is",
    "write_conversations",
    "write_lines",
    "written",
]
