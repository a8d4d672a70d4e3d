"""Fixtures of the tests that generate factoids."""

from tests.chatting import chatting, searching, tavily
from tests.generating import generating, impatient, model, standin, started_standin

__all__ = [
    "chatting",
    "generating",
    "impatient",
    "model",
    "searching",
    "standin",
    "started_standin",
    "tavily",
]
