"""Fixtures of the tests that generate factoids."""

from tests.generating import generating, model, standin, started_standin

__all__ = ["generating", "model", "standin", "started_standin"]
