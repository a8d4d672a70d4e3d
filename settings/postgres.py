"""Addresses of Postgres as hosts give them, read once for all drivers.

Source: PostgreSQL docs, "Connection Strings" and "Parameter Key Words"; asyncpg's documentation of
`connect`; and the addresses that hosting services show.
"""

import ssl
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

SCHEMES = ("postgresql", "postgres")

PASSED_ON = {
    *("host", "port", "user", "password", "dbname", "database", "passfile", "service"),
    *("servicefile", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs"),
    *("application_name", "options", "krbsrvname", "gsslib"),
}
"""Parameters that asyncpg reads as libpq does."""

WITHOUT_EFFECT = {
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
    *("tcp_user_timeout", "fallback_application_name", "client_encoding", "sslcompression"),
    *("sslsni", "sslnegotiation", "load_balance_hosts", "gssdelegation", "requirepeer"),
    *("connection_limit", "pool_timeout", "connect_timeout", "statement_timeout", "pool_size"),
    # asyncpg proves the password without it; TLS is required by `sslmode` alone.
    *("channel_binding", "supa", "schema", "ssl", "gssencmode", "pgbouncer"),
}
"""Parameters that a client may ignore, or that are read here."""

SSL_FLAGS = {
    **dict.fromkeys(("true", "1", "on", "no-verify"), "require"),
    **dict.fromkeys(("false", "0", "off"), "disable"),
}
"""What Node's drivers, and hosts for them, write, in libpq's words."""

SSL_MODES = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
TRUE = {"true", "1", "on", "yes"}


@dataclass(frozen=True)
class PostgresAddress:
    """Where Postgres is and how to connect to it, for `asyncpg.connect`."""

    dsn: str
    timeout_s: float | None
    """The longest that connecting may take, where the address says so."""
    tls: ssl.SSLContext | None = None
    """Instead of what the DSN says, where asyncpg cannot read it."""


def read_postgres_url(url: str) -> PostgresAddress:
    """Read the address of a database.

    Raises:
        ValueError: It is no address, or asks for what cannot be done; says so in words.
    """
    parts = urlsplit(url)
    if parts.scheme.partition("+")[0] not in SCHEMES:
        raise ValueError("must start with postgresql:// or postgres://.")
    for host in parts.netloc.rpartition("@")[2].split(","):
        _, colon, port = host.rpartition("]")[2].partition(":")
        if colon and not port.isdecimal():
            raise ValueError("has a port that is no number.")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(given.keys() - PASSED_ON - WITHOUT_EFFECT):
        raise ValueError(f"has a parameter that is not known here: {unknown[0]}.")
    _check(given)
    kept = {name: value for name, value in given.items() if name in PASSED_ON}
    if sslmode := given.get("sslmode") or given.get("ssl"):
        kept["sslmode"] = SSL_FLAGS.get(sslmode.lower(), sslmode)
        if kept["sslmode"] not in SSL_MODES:
            raise ValueError(f"sslmode must be one of {', '.join(sorted(SSL_MODES))}.")
    context = None
    if kept.get("sslrootcert") == "system":
        # The authorities of the system, which also checks the host's name.
        del kept["sslrootcert"]
        context = ssl.create_default_context()
    query = urlencode(kept, quote_via=quote)
    dsn = urlunsplit(("postgresql", parts.netloc, parts.path, query, ""))
    seconds = given.get("connect_timeout", "0")
    return PostgresAddress(dsn, float(seconds) or None, context)


def _check(given: dict[str, str]) -> None:
    if given.get("pgbouncer", "false").lower() in TRUE:
        raise ValueError(
            "names a pooler that changes connections between statements, which cannot be used"
            " here; give the address of the server itself or of a pooler by session."
        )
    if given.get("gssencmode") == "require":
        raise ValueError("gssencmode=require cannot be honoured; use sslmode=require.")
    if given.get("schema", "public") != "public":
        raise ValueError("schema must be public; the tables lie there.")
    if not given.get("connect_timeout", "0").isdecimal():
        raise ValueError("connect_timeout must be a whole number of seconds.")
