"""A fact from the vault: what remains when nothing new can be written."""

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import QueryParameter
from msgspec import Meta

from api.mappers.factoids import factoid_out
from api.schemas.factoids import FactoidOut
from domain.caller import Caller
from domain.errors import Invalid
from domain.factoids.vault import Vault
from settings import Settings

SEEN_AT_MOST = 100
ID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
IDS = f"^{ID}(,{ID})*$"

Topic = Annotated[
    str | None,
    QueryParameter(max_length=1_000, description="Words it should be about; any fact without."),
]
Seen = Annotated[
    list[Annotated[str, Meta(pattern=IDS)]] | None,
    QueryParameter(
        max_items=SEEN_AT_MOST,
        schema_extra={
            "items": Schema(type=OpenAPIType.STRING, pattern=IDS),
            "max_items": SEEN_AT_MOST,
        },
        description=f"Ids it must not have: repeated, or with commas; {SEEN_AT_MOST} in all.",
    ),
]


@get(
    "/api/factoids/vault",
    operation_id="OpenVault",
    tags=["Factoids"],
    opt={"refusals": [404]},
)
async def open_vault(
    caller: NamedDependency[Caller],
    vault: NamedDependency[Vault],
    settings: NamedDependency[Settings],
    topic: Topic = None,
    seen: Seen = None,
) -> FactoidOut:
    """A stored factoid that is new to you: not voted on, not asked for, not `seen`; free.

    It is there also when your share of new ones or today's budget is used up.
    """
    card = await vault.open(topic, caller_id=caller.id, seen=_ids(seen or []))
    return factoid_out(card, settings.site_url)


def _ids(written: list[str]) -> list[UUID]:
    try:
        ids = [UUID(one) for piece in written for one in piece.split(",")]
    except ValueError:
        # A line's end after an id passes the pattern.
        raise Invalid("These are no ids.", field="seen") from None
    if len(ids) > SEEN_AT_MOST:
        raise Invalid(f"At most {SEEN_AT_MOST} ids.", field="seen")
    return ids
