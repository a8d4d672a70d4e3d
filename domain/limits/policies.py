"""How often who may do what: every policy, for each kind of caller, in one table.

Each line can be set by the environment variable it is read from.
"""

from functools import cache

import msgspec
from msgspec.structs import replace

from domain.caller import Caller, Kind
from settings import Settings

NAMES = {60: "minute", 3_600: "hour", 86_400: "day"}


class Window(msgspec.Struct, frozen=True):
    limit: int
    window_s: int

    @property
    def name(self) -> str:
        return NAMES.get(self.window_s, f"{self.window_s}s")


Windows = tuple[Window, ...]


@cache
def parse_windows(text: str) -> Windows:
    """Read "1/60,3/3600": counts per seconds, the shortest window first.

    Raises:
        ValueError: It is written otherwise.
    """
    pairs = [part.partition("/") for part in text.split(",")]
    windows = [Window(int(limit), int(window_s)) for limit, _, window_s in pairs]
    if any(window.limit < 1 or window.window_s < 1 for window in windows):
        raise ValueError("counts and seconds start at 1")
    if len({window.window_s for window in windows}) < len(windows):
        raise ValueError("a window is given twice")
    return tuple(sorted(windows, key=lambda window: window.window_s))


class Policy(msgspec.Struct, frozen=True):
    """What one kind of caller may do of one thing."""

    name: str
    kind: Kind
    own: Windows
    """For the caller; empty where only the network counts."""
    network: Windows = ()
    """For all callers of one network prefix together; empty where each counts alone."""

    @property
    def windows(self) -> Windows:
        """The windows a caller is told of: their own, else the network's."""
        return self.own or self.network


SHOWN = ("generate", "vote", "feedback", "checkout", "read", "chat")
"""What a caller can do by now; the other policies wait for their endpoints."""


class Policies:
    """The table. What is not in it is not limited: the schedule has its slots."""

    def __init__(self, config: Settings) -> None:
        visitor_generate = parse_windows(config.generate_limits)
        key_generate = parse_windows(config.key_generate_limits)
        vote = parse_windows(config.vote_limits)
        votes_of_network = parse_windows(config.network_vote_limits)
        feedback = parse_windows(config.feedback_limits)
        feedback_of_network = parse_windows(config.network_feedback_limits)
        checkout = parse_windows(config.checkout_limits)
        chat = parse_windows(config.chat_limits)
        recover = parse_windows(config.recover_limits)
        reads_of_network = parse_windows(config.read_limits)
        key_read = parse_windows(config.key_read_limits)
        table = [
            # Without their cookie a visitor is a new one: their network has the same allowance.
            Policy("generate", "visitor", visitor_generate, visitor_generate),
            Policy("generate", "key", key_generate),
            Policy("vote", "visitor", vote, votes_of_network),
            Policy("vote", "key", vote),
            Policy("feedback", "visitor", feedback, feedback_of_network),
            Policy("feedback", "key", feedback),
            Policy("checkout", "visitor", checkout, checkout),
            Policy("checkout", "key", checkout),
            Policy("recover", "visitor", recover, recover),
            Policy("chat", "visitor", chat, chat),
            Policy("chat", "key", chat),
            # A stranger who only reads has no identity.
            Policy("read", "visitor", (), reads_of_network),
            Policy("read", "key", key_read),
        ]
        # Staff work with keys of their own.
        table += [replace(one, kind="staff") for one in table if one.kind == "key"]
        self._table = {(one.name, one.kind): one for one in table}

    def of(self, name: str, caller: Caller) -> Policy:
        """The policy for this caller; an API key's own limits win for generations."""
        found = self._table.get((name, caller.kind)) or Policy(name, caller.kind, ())
        if name == "generate" and caller.rate_limit:
            return replace(found, own=parse_windows(caller.rate_limit))
        return found
