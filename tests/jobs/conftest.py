"""Fixtures of the tests that generate factoids, and of those that sell."""

from tests.chatting import chatting, searching, tavily
from tests.generating import generating, impatient, model, standin, started_standin
from tests.shopping import buyer, office, shop, shop_api, started_stripe, stripe_standin

__all__ = [
    "buyer",
    "chatting",
    "generating",
    "impatient",
    "model",
    "office",
    "searching",
    "shop",
    "shop_api",
    "standin",
    "started_standin",
    "started_stripe",
    "stripe_standin",
    "tavily",
]
