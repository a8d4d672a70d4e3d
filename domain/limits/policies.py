"""The rate limit policies: one table of what each kind of caller may do how often.

Each limit is a setting.
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
        ValueError: The text has another format.
    """
    pairs = [part.partition("/") for part in text.split(",")]
    windows = [Window(int(limit), int(window_s)) for limit, _, window_s in pairs]
    if any(window.limit < 1 or window.window_s < 1 for window in windows):
        raise ValueError("counts and seconds start at 1")
    if len({window.window_s for window in windows}) < len(windows):
        raise ValueError("a window is given twice")
    return tuple(sorted(windows, key=lambda window: window.window_s))


class Policy(msgspec.Struct, frozen=True):
    """The limits on one action for one kind of caller."""

    name: str
    kind: Kind
    own: Windows
    """The caller's own; empty where only the network is limited."""
    network: Windows = ()
    """For all callers of a network prefix together; empty where only the caller is limited."""

    @property
    def windows(self) -> Windows:
        """The windows reported to a caller: their own, else the network's."""
        return self.own or self.network


REPORTED = ("generate", "vote", "feedback", "checkout", "read", "chat")
"""The policies reported to a caller, in this order."""


class Policies:
    """The table. Pairs that it lacks are unlimited, as for the scheduler, whose slots limit it."""

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
            # Deleting the cookie makes a new visitor, so the network has the same limit.
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
            # Visitors who only read have no identity yet.
            Policy("read", "visitor", (), reads_of_network),
            Policy("read", "key", key_read),
        ]
        # Staff have API keys of their own.
        table += [replace(policy, kind="staff") for policy in table if policy.kind == "key"]
        self._table = {(policy.name, policy.kind): policy for policy in table}

    def of(self, name: str, caller: Caller) -> Policy:
        """The policy for this caller; an API key's own rate limit replaces that for generations."""
        found = self._table.get((name, caller.kind)) or Policy(name, caller.kind, ())
        if name == "generate" and caller.rate_limit:
            return replace(found, own=parse_windows(caller.rate_limit))
        return found
