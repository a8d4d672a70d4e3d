"""The web searches of one turn: each is paid for and written down before it is made."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from db.models import ChatCall, ChatTurn
from db.models.chat import WEB_SEARCH
from db.repositories.chats import ChatTurnRepository
from domain.chat import settlement
from domain.chat.admission import Admission, caller_of
from domain.chat.web import WebPage, WebSearch, WebSearchFailed
from domain.llm.bills import Bill
from domain.model_runs.lease import Lease
from domain.spending.budget import BudgetUsedUp


class PaidSearches:
    """Searches as `WebSearch` does, once the money is held. One that is cut short may have been
    billed: it stays written down, and is booked at its price when the turn ends.
    """

    def __init__(
        self,
        lease: Lease[ChatTurn],
        sessions: async_sessionmaker[AsyncSession],
        admission: Admission,
        web: WebSearch,
    ) -> None:
        self._lease = lease
        self._turn = lease.request
        self._sessions = sessions
        self._admission = admission
        self._web = web

    async def find(self, query: str, most: int) -> list[WebPage]:
        """Pages on a question, the best first.

        Raises:
            BudgetUsedUp: There is no money for it, and it was not made.
            WebSearchFailed: See `WebSearch.find`.
        """
        call_id = await self._hold()
        try:
            pages = await self._web.find(query, most)
        except WebSearchFailed as failure:
            await self._close(call_id, billed=failure.billed)
            raise
        await self._close(call_id, billed=True)
        return pages

    async def _hold(self) -> UUID:
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
            await self._admission.note_refusal(self._sessions, caller_of(self._turn), refused)
            raise
        return call.id

    async def _close(self, call_id: UUID, *, billed: bool) -> None:
        async with self._lease.transaction() as session:
            call = await ChatTurnRepository(session).call(call_id)
            if call is None:
                return
            if billed:
                await settlement.book(session, call, Bill(call.quote_usd, "quote"))
            else:
                await settlement.let_go(session, call_id)
