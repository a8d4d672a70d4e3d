"""Endpoint to sign out everywhere."""

from typing import Annotated
from uuid import uuid4

from litestar import Controller, delete
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.auth import Identity
from api.guards import visitors_only
from domain.accounts.service import Accounts
from domain.caller import Caller

KeepCredits = Annotated[
    bool,
    QueryParameter(description="Take what you bought along to the answer's fresh identity."),
]


class SessionController(Controller):
    path = "/api/session"
    tags = ("Keys",)
    guards = (visitors_only,)

    @delete(operation_id="SignOut", opt={"refusals": [401, 409, 429]})
    async def sign_out(
        self,
        identity: NamedDependency[Identity],
        caller: NamedDependency[Caller],
        accounts: NamedDependency[Accounts],
        keep_credits: KeepCredits = False,
    ) -> None:
        """Stop being this visitor, on every device and within five seconds; your keys are revoked.

        The answer sets a cookie with a fresh identity, which has your credits if you keep them.
        While you have any, you cannot sign out without.
        """
        successor = uuid4()
        # On refusal no cookie is set: the browser may have a new one from an earlier call.
        identity.replacement = None
        await accounts.sign_out(
            caller, successor=successor if keep_credits else None, again=identity.signed_out
        )
        identity.replacement = successor
