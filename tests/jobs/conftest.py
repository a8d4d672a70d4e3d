"""Fixtures of the tests that generate factoids."""

from tests.generating import generating, impatient, model, standin, started_standin

__all__ = ["generating", "impatient", "model", "standin", "started_standin"]
