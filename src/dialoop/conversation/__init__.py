"""The record of a conversation, and its ways in and out of files."""

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

__all__ = [
    "Annotations",
    "Conversation",
    "FunctionCall",
    "Message",
    "MessageAnnotation",
    "Role",
    "SlotSpan",
    "Tool",
    "ToolCall",
]
