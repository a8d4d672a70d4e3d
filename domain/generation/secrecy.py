"""Telling whether an answer gives away what the model was told."""

from domain.generation.prompt import RULES, SCHEMA
from domain.secrecy import Secrets

_TOLD = Secrets([RULES, *(part.get("description", "") for part in SCHEMA["properties"].values())])


def repeats_rules(text: str) -> bool:
    """Whether a text holds six words of the rules in a row, however they are set."""
    return _TOLD.are_in(text)
