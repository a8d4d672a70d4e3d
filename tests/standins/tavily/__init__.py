"""Tavily's search, as far as the product calls it: a query says by its first word what is found."""

from .server import TavilyStandIn, running_tavily

__all__ = ["TavilyStandIn", "running_tavily"]
