"""What was measured, as one table: ratios first, then the goals."""

from dataclasses import dataclass, field

from bench.chat import Chats, Cost, Late
from bench.first_token import FirstTokens
from bench.guards import Took
from bench.limits import Decisions
from bench.race import Result
from bench.read_pool import PoolRates

FEED_OF_CEILING = 0.5
FEED_SLOWER_AT_MOST = 1.3
HEADERS_OF_NONE = 0.85
DECISIONS_OF_INCR = 0.6
FIRST_TOKEN_MS = 60
CHAT_FIRST_TOKEN_MS = 60
CHAT_TOKEN_MS = 10

TITLES = {
    "feed": "Feed page",
    "one": "One factoid",
    "search": "Search",
    "vote": "Vote",
}
HEADINGS = (
    *("", "of (a)", "of (b)", "CPU of (b)", "req/s", "p50 ms", "p99 ms", "CPU µs"),
    *("SQL", "begin/commit", "body B"),
)


@dataclass
class Report:
    """Everything one run has found; printed whole."""

    factoids: int
    fewer: int
    """The rows of the smaller database that the feed is compared with."""
    races: dict[str, dict[str, Result]] = field(default_factory=dict[str, dict[str, Result]])
    """By operation and server: product, static (a), bare (b), for the feed also smaller."""
    statements: dict[str, tuple[float, float]] = field(
        default_factory=dict[str, tuple[float, float]]
    )
    """Per request: statements, and those that only open or end a transaction."""
    sizes: dict[str, int] = field(default_factory=dict[str, int])
    first_tokens: FirstTokens | None = None
    guards: dict[str, Took] = field(default_factory=dict[str, Took])
    """Asking for a factoid: bare, with each guard, with all."""
    decisions: Decisions | None = None
    pools: PoolRates | None = None
    chats: Chats | None = None
    notes: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        return "\n".join(
            [
                f"\nWith {self.factoids:,} factoids; (a) Litestar with a static body of the same "
                "size, (b) bare ASGI, asyncpg and msgspec with the same query.",
                "",
                *self._table(),
                "",
                *self._first_token(),
                *self._guards(),
                *self._decisions(),
                *self._pools(),
                *self._chats(),
                *(f"Note: {note}" for note in self.notes),
                "",
                "Goals",
                *(f"  {'met    ' if met else 'NOT met'}  {goal}" for goal, met in self.goals()),
            ]
        )

    def goals(self) -> list[tuple[str, bool]]:
        """The goals with what was measured, and whether each is met."""
        feed = self.races["feed"]
        of_ceiling = feed["product"].per_s / feed["bare"].per_s
        slower = feed["smaller"].per_s / feed["product"].per_s
        of_unlimited = feed["product"].per_s / feed["unlimited"].per_s
        assert self.decisions is not None
        of_incr = self.decisions.three_windows / self.decisions.incr
        late = _percentile(self._late(), 50)
        return [
            (
                f"feed page at least {FEED_OF_CEILING} of (b): {of_ceiling:.2f}",
                of_ceiling >= FEED_OF_CEILING,
            ),
            (
                f"feed page at most {FEED_SLOWER_AT_MOST} times as slow as with "
                f"{self.fewer:,} factoids: {slower:.2f}",
                slower <= FEED_SLOWER_AT_MOST,
            ),
            (
                f"feed page at least {HEADERS_OF_NONE} of one without limits: {of_unlimited:.2f}",
                of_unlimited >= HEADERS_OF_NONE,
            ),
            (
                f"the limiter decides at least {DECISIONS_OF_INCR} of bare INCR: {of_incr:.2f}",
                of_incr >= DECISIONS_OF_INCR,
            ),
            (
                f"first token under {FIRST_TOKEN_MS} ms later than the model's, p50: {late:.0f} ms",
                late < FIRST_TOKEN_MS,
            ),
            *self._goals_of_chats(),
        ]

    def _goals_of_chats(self) -> list[tuple[str, bool]]:
        assert self.chats is not None
        goals: list[tuple[str, bool]] = []
        for where, late in _talks(self.chats):
            first, token = _percentile(late.asking, 50), _percentile(late.tokens, 50)
            goals += [
                (
                    f"a chat {where} adds under {CHAT_FIRST_TOKEN_MS} ms to the first token, p50: "
                    f"{first:.0f} ms",
                    first < CHAT_FIRST_TOKEN_MS,
                ),
                (
                    f"a chat {where} adds under {CHAT_TOKEN_MS} ms to a token, p50: {token:.1f} ms",
                    token < CHAT_TOKEN_MS,
                ),
            ]
        return goals

    def _table(self) -> list[str]:
        rows = [HEADINGS]
        for name, title in TITLES.items():
            results = self.races[name]
            product, bare = results["product"], results["bare"]
            statements, control = self.statements.get(name, (None, None))
            rows.append(
                (
                    title,
                    f"{product.per_s / results['static'].per_s:.2f}",
                    f"{product.per_s / bare.per_s:.2f}",
                    _times(product.cpu_us, bare.cpu_us),
                    *_speeds(product),
                    _number(statements),
                    _number(control),
                    str(self.sizes[name]),
                )
            )
            for ceiling, label in (("static", "  (a)"), ("bare", "  (b)")):
                rows.append((label, "", "", "", *_speeds(results[ceiling]), "", "", ""))
            if "smaller" in results:
                smaller = results["smaller"]
                label = f"  at {self.fewer:,}"
                of_itself = ("", "", _times(product.cpu_us, smaller.cpu_us))
                rows.append((label, *of_itself, *_speeds(smaller), "", "", ""))
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
        return [
            "  ".join(
                cell.rjust(width) if column else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]

    def _late(self) -> list[float]:
        assert self.first_tokens is not None
        return self.first_tokens.after_text_ms

    def _first_token(self) -> list[str]:
        assert self.first_tokens is not None
        text, first = self.first_tokens.after_text_ms, self.first_tokens.after_any_ms
        return [
            "First token at the reader, after the model's first of the fact's text: "
            f"p50 {_percentile(text, 50):.1f} ms, p99 {_percentile(text, 99):.1f} ms",
            "  after its first of all, a few of JSON earlier: "
            f"p50 {_percentile(first, 50):.1f} ms, p99 {_percentile(first, 99):.1f} ms "
            f"({len(text)} generations)",
        ]

    def _decisions(self) -> list[str]:
        assert self.decisions is not None
        found = self.decisions
        return [
            f"Decisions of the limiter, of bare INCR: {found.one_window / found.incr:.2f} with one "
            f"window, {found.three_windows / found.incr:.2f} with three "
            f"({found.one_window:,.0f} and {found.three_windows:,.0f} of {found.incr:,.0f} per s)"
        ]

    def _pools(self) -> list[str]:
        assert self.pools is not None
        return [
            f"Feed statements through our read pool, of asyncpg's pool with a no-op reset: "
            f"{self.pools.ours / self.pools.asyncpg:.2f} "
            f"({self.pools.ours:,.0f} and {self.pools.asyncpg:,.0f} per s)"
        ]

    def _guards(self) -> list[str]:
        bare = self.guards["bare"]
        return [
            f"Asking for a factoid: p50 {bare.p50:.1f} ms, p99 {bare.p99:.1f} ms without guards",
            *(
                f"  {name}: p50 {took.p50:.1f} ms ({took.p50 / bare.p50 - 1:+.0%}), "
                f"p99 {took.p99:.1f} ms ({took.p99 / bare.p99 - 1:+.0%})"
                for name, took in self.guards.items()
                if name != "bare"
            ),
        ]

    def _chats(self) -> list[str]:
        assert self.chats is not None
        found = self.chats
        lines = [
            line
            for where, late in _talks(found)
            for line in (
                f"Chat {where}: first token after asking, less the model's own time: "
                f"{_spread(late.asking)} ({len(late.asking)} turns)",
                f"  after the model's first token: {_spread(late.first)}",
                f"  each token after the model's: {_spread(late.tokens)} "
                f"({len(late.tokens):,} tokens)",
            )
        ]
        return [
            *lines,
            f"  open when they began: at least {found.fewest_open} streams; "
            f"turns without a whole answer: {found.failed}",
            f"  API: {_cost(found.api)}; worker: {_cost(found.worker)}",
        ]


def _talks(chats: Chats) -> list[tuple[str, Late]]:
    return [("alone", chats.alone), ("beside many", chats.many)]


def _spread(ordered: list[float]) -> str:
    return f"p50 {_percentile(ordered, 50):.1f} ms, p99 {_percentile(ordered, 99):.1f} ms"


def _cost(cost: Cost) -> str:
    memory = "–" if cost.stream_kb is None else f"{cost.stream_kb:.0f} kB"
    cpu = "–" if cost.token_us is None else f"{cost.token_us:.0f} µs"
    return f"{memory} of memory for each open stream, {cpu} of CPU for each token"


def _percentile(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _speeds(result: Result) -> tuple[str, str, str, str]:
    return (
        f"{result.per_s:,.0f}",
        f"{result.p50_ms:.1f}",
        f"{result.p99_ms:.1f}",
        "–" if result.cpu_us is None else f"{result.cpu_us:.0f}",
    )


def _times(one: float | None, other: float | None) -> str:
    return f"{one / other:.2f}" if one and other else "–"


def _number(count: float | None) -> str:
    return "–" if count is None else f"{count:g}"
