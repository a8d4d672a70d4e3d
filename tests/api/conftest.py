"""Fixtures of the tests that generate factoids, and of those that need a running API."""

from tests.chatting import chatting, searching, tavily
from tests.generating import generating, impatient, model, standin, started_standin
from tests.serving import served

__all__ = [
    "chatting",
    "generating",
    "impatient",
    "model",
    "searching",
    "served",
    "standin",
    "started_standin",
    "tavily",
]
