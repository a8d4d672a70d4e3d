"""The web searches of one turn: each has its money held and its row written before it is made."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from db.models import ChatCall, ChatTurn
from db.models.chat import WEB_SEARCH
from db.repositories.chats import ChatTurnRepository
from domain.chat.admission import Admission, caller_of
from domain.chat.kind import CHAT_TURNS
from domain.chat.web import WebPage, WebSearch, WebSearchFailed
from domain.llm.bills import Bill
from domain.model_runs import settlement
from domain.model_runs.lease import Lease
from domain.spending.budget import BudgetUsedUp


class PaidSearches:
    """Searches as `WebSearch` does, once the money is held. A search that is interrupted may have
    been billed: its row stays, and is booked at the price of a search when the turn ends.
    """

    def __init__(
        self,
        lease: Lease[ChatTurn],
        sessions: async_sessionmaker[AsyncSession],
        admission: Admission,
        web: WebSearch,
    ) -> None:
        self._lease = lease
        self._turn = lease.run
        self._sessions = sessions
        self._admission = admission
        self._web = web

    async def find(self, query: str, most: int) -> list[WebPage]:
        """Pages on a question, the best first.

        Raises:
            BudgetUsedUp: There is no money for it, and it was not made.
            WebSearchFailed: See `WebSearch.find`.
        """
        call = await self._hold()
        try:
            pages = await self._web.find(query, most)
        except WebSearchFailed as failure:
            await self._settle(call, billed=failure.billed)
            raise
        await self._settle(call, billed=True)
        return pages

    async def _hold(self) -> ChatCall:
        try:
            async with self._lease.transaction() as session:
                turns = ChatTurnRepository(session)
                call = ChatCall(
                    id=uuid7(),
                    turn_id=self._turn.id,
                    number=len(await turns.calls(self._turn.id)) + 1,
                    model=WEB_SEARCH,
                    state="called",
                    quote_usd=self._web.price_usd,
                    called_at=datetime.now(UTC),
                )
                await turns.add_call(call)
                await self._admission.hold(session, self._turn, call.id, call.quote_usd)
        except BudgetUsedUp as refused:
            await self._admission.record_refusal(self._sessions, caller_of(self._turn), refused)
            raise
        return call

    async def _settle(self, call: ChatCall, *, billed: bool) -> None:
        async with self._lease.transaction() as session:
            if billed:
                bill = Bill(call.quote_usd, "quote")
                await settlement.record_bill(session, CHAT_TURNS, call, bill)
            else:
                await settlement.record_unbilled(session, CHAT_TURNS, call)
