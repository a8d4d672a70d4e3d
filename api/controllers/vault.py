"""Endpoint for the vault: stored factoids that are new to the caller."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import QueryParameter
from msgspec import Meta

from api.guards import requires_scope
from api.mappers.factoids import factoid_out
from api.parameters import UUID_PATTERN
from api.schemas.factoids import FactoidOut
from domain.caller import Caller
from domain.errors import Invalid
from domain.factoids.vault import Vault
from settings import Settings

MAX_SEEN_IDS = 100
IDS = f"^{UUID_PATTERN}(,{UUID_PATTERN})*$"

Topic = Annotated[
    str | None,
    QueryParameter(max_length=1_000, description="Words it should be about; any fact without."),
]
Seen = Annotated[
    list[Annotated[str, Meta(pattern=IDS)]] | None,
    QueryParameter(
        max_items=MAX_SEEN_IDS,
        schema_extra={
            "items": Schema(type=OpenAPIType.STRING, pattern=IDS),
            "max_items": MAX_SEEN_IDS,
        },
        description=f"Ids it must not have: repeated, or with commas; {MAX_SEEN_IDS} in all.",
    ),
]


class VaultController(Controller):
    path = "/api/factoids/vault"
    tags = ("Factoids",)
    guards = (requires_scope("read"),)

    @get(operation_id="OpenVault", opt={"refusals": [404]})
    async def open(
        self,
        caller: NamedDependency[Caller],
        vault: NamedDependency[Vault],
        settings: NamedDependency[Settings],
        topic: Topic = None,
        seen: Seen = None,
    ) -> FactoidOut:
        """A stored factoid that is new to you: not voted on, not asked for, not `seen`; free.

        It is there also when your share of new ones or today's budget is used up.
        """
        card = await vault.find_unseen(topic, caller_id=caller.id, seen=_ids(seen or []))
        return factoid_out(card, settings.site_url)


def _ids(lists: list[str]) -> list[UUID]:
    try:
        ids = [UUID(text) for joined in lists for text in joined.split(",")]
    except ValueError:
        # The pattern's `$` also matches before a line break at the end.
        raise Invalid("These are no ids.", field="seen") from None
    if len(ids) > MAX_SEEN_IDS:
        raise Invalid(f"At most {MAX_SEEN_IDS} ids.", field="seen")
    return ids
