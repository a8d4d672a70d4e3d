"""The stand-in's routes: OpenRouter's own, and those by which a test steers it."""

import asyncio
import json
import secrets
from collections import deque
from decimal import Decimal
from typing import Any

from .answers import write_answer
from .catalogue import MODELS, listing
from .delivery import Delivery
from .facts import Facts
from .gate import Changes, Gate
from .habits import HABITS, Habit
from .ledger import Exchange, Generation, Ledger, is_authorized
from .prompt import Prompt
from .routing import route
from .scenarios import FAILURES, Failure, Scenario, UnknownScenario
from .wire import Connection, ConnectionCut, Request

API = "/api/v1"
CONTROL = "/__standin__"
MODELS_MODES = ("ok", "500", "odd-prices", "empty", "hang")
LONGEST_WAIT_S = 120.0


class BadControl(ValueError):
    """A test steered the stand-in to where it cannot go."""


class StandIn:
    """One OpenRouter with its facts, its ledger and the scenarios to come."""

    def __init__(self, facts: Facts, pace: float) -> None:
        self._facts = facts
        self._pace = pace
        self._changes = Changes()
        self._gate = Gate(self._changes)
        self.reset()

    def reset(self) -> None:
        """Forget the log, the bill, the queue and which facts were used."""
        self._ledger = Ledger()
        self._queue = deque[Scenario]()
        self._models_mode = "ok"
        self._key_limit_usd: Decimal | None = None
        self._habit: Habit | None = None
        self._facts.forget()
        self._gate.forget_passes()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until either side closes it."""
        connection = Connection(reader, writer)
        try:
            while request := await connection.read_request():
                exchange = Exchange(request, connection)
                if not request.path.startswith(CONTROL):
                    self._ledger.exchanges.append(exchange)
                answering = asyncio.create_task(self._answer(connection, exchange))
                closing = asyncio.create_task(connection.closed_by_client())
                await asyncio.wait({answering, closing}, return_when=asyncio.FIRST_COMPLETED)
                if not answering.done():
                    exchange.client_closed()
                    answering.cancel()
                closing.cancel()
                await asyncio.gather(closing, return_exceptions=True)
                outcome = (await asyncio.gather(answering, return_exceptions=True))[0]
                exchange.finish()
                self._changes.tell()
                if isinstance(outcome, Exception) and not isinstance(
                    outcome, ConnectionCut | ConnectionError
                ):
                    raise outcome
                if outcome is not None or request.headers.get("connection") == "close":
                    return
        finally:
            connection.close()

    async def _answer(self, connection: Connection, exchange: Exchange) -> None:
        request = exchange.request
        try:
            exchange.body = json.loads(request.body) if request.body else None
        except ValueError:
            await self._refuse(connection, _invalid("The body is not JSON."))
            return
        if request.path.startswith(CONTROL):
            await self._control(connection, request, exchange.body or {})
        elif not is_authorized(request.headers):
            missing = {"error": {"message": "No auth credentials found", "code": 401}}
            await connection.answer_json(401, missing)
        elif (request.method, request.path) == ("POST", f"{API}/chat/completions"):
            await self._complete(connection, exchange)
        elif (request.method, request.path) == ("GET", f"{API}/generation"):
            await self._generation(connection, request.query.get("id", ""))
        elif (request.method, request.path) == ("GET", f"{API}/models"):
            await self._models(connection, request.query)
        elif (request.method, request.path) == ("GET", f"{API}/key"):
            await connection.answer_json(200, {"data": self._key()})
        else:
            nowhere = {"error": {"message": "Not Found", "code": 404}}
            await connection.answer_json(404, nowhere)

    async def _complete(self, connection: Connection, exchange: Exchange) -> None:
        if not _has_messages(exchange.body):
            await self._refuse(connection, _invalid('Input required: specify "messages"'))
            return
        prompt = Prompt(exchange.body)
        try:
            scenario = self._next_scenario(exchange.request, prompt)
        except UnknownScenario as unknown:
            await self._refuse(connection, _invalid(str(unknown)))
            return
        exchange.scenario = scenario.name
        self._changes.tell()
        if failure := FAILURES.get(scenario.name):
            await self._refuse(connection, failure)
            return
        if self._key_limit_usd is not None and self._ledger.total_cost_usd >= self._key_limit_usd:
            await self._refuse(connection, FAILURES["402-key-limit"])
            return
        if self._habit and (refused := self._habit.refusal(prompt.body)):
            await self._refuse(connection, refused)
            return
        model = route(prompt, scenario)
        if isinstance(model, Failure):
            await self._refuse(connection, model)
            return
        if not self._facts:
            await self._refuse(connection, _invalid("The stand-in has no facts to tell."))
            return

        generation = Generation(f"gen-{secrets.token_hex(12)}", model, prompt)
        if await self._oddly_answered(connection, scenario):
            return
        exchange.generation = self._ledger.generations[generation.id] = generation
        if scenario.name == "200-error-body":
            generation.settled, generation.finish_reason = True, "error"
            headers = {"x-generation-id": generation.id}
            await connection.answer_json(200, FAILURES["502"].body(), headers)
            return
        answer = write_answer(prompt, model, scenario, self._facts)
        delivery = Delivery(
            connection, generation, answer, scenario, self._gate, self._pace, self._habit
        )
        try:
            await delivery.send()
        except (asyncio.CancelledError, ConnectionError):
            delivery.client_left()
            raise
        finally:
            generation.settled = True

    def _next_scenario(self, request: Request, prompt: Prompt) -> Scenario:
        """From the header, else from a marker in the last user message, else from the queue."""
        if written := request.headers.get("x-standin-scenario"):
            return Scenario.parse(written)
        if marked := prompt.scenario:
            return marked
        return self._queue.popleft() if self._queue else Scenario()

    async def _oddly_answered(self, connection: Connection, scenario: Scenario) -> bool:
        """Answer the scenarios in which no model is reached at all."""
        if scenario.name == "wrong-content-type":
            page = b"<!doctype html><title>Just a moment...</title><h1>Checking</h1>"
            await connection.answer(200, {"content-type": "text/html; charset=UTF-8"}, page)
        elif scenario.name == "redirect":
            await connection.answer(307, {"location": f"{API}/redirected"}, b"")
        else:
            return False
        return True

    async def _generation(self, connection: Connection, generation_id: str) -> None:
        generation = self._ledger.generations.get(generation_id)
        if generation is None or not generation.settled or generation.hidden_times:
            if generation and generation.settled and generation.hidden_times > 0:
                generation.hidden_times -= 1
            message = f"Generation {generation_id} not found"
            await connection.answer_json(404, {"error": {"message": message, "code": 404}})
            return
        await connection.answer_json(200, {"data": generation.settled_record()})

    async def _models(self, connection: Connection, query: dict[str, str]) -> None:
        if self._models_mode == "hang":
            await self._gate.wait()
        if self._models_mode == "500":
            await self._refuse(connection, FAILURES["500"])
            return
        items = listing(odd_prices=self._models_mode == "odd-prices")
        if self._models_mode == "empty":
            items = []
        wanted = set(filter(None, query.get("supported_parameters", "").split(",")))
        items = [item for item in items if wanted <= set(item["supported_parameters"])]
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", len(MODELS)))
        await connection.answer_json(200, {"data": items[offset : offset + limit]})

    def _key(self) -> dict[str, Any]:
        used, limit = self._ledger.total_cost_usd, self._key_limit_usd
        return {
            "label": "sk-or-v1-sta...din",
            "limit": limit,
            "limit_remaining": None if limit is None else max(limit - used, Decimal(0)),
            "limit_reset": None,
            "usage": used,
            "usage_daily": used,
            "usage_weekly": used,
            "usage_monthly": used,
            "byok_usage": 0,
            "byok_usage_daily": 0,
            "byok_usage_weekly": 0,
            "byok_usage_monthly": 0,
            "include_byok_in_limit": False,
            "is_free_tier": False,
            "is_management_key": False,
            "is_provisioning_key": False,
            "expires_at": None,
            "budgets": [],
            "effective_budget": None,
            "free_model_daily_requests": {"limit": 1000, "used": 0, "remaining": 1000},
            "allowed_data_regions": ["global"],
            "organization_id": None,
            "workspace_id": "00000000-0000-0000-0000-000000000000",
            "rate_limit": {"requests": -1, "interval": "10s", "note": "This field is deprecated."},
        }

    async def _refuse(self, connection: Connection, failure: Failure) -> None:
        wait = failure.retry_after_s
        headers = {} if wait is None else {"retry-after": str(wait)}
        await connection.answer_json(failure.status, failure.body(), headers)

    async def _control(self, connection: Connection, request: Request, orders: Any) -> None:
        action = request.path.removeprefix(f"{CONTROL}/")
        try:
            match request.method, action:
                case "POST", "next":
                    self._steer(orders)
                case "POST", "open":
                    self._gate.open()
                case "POST", "reset":
                    self.reset()
                case "POST", "wait":
                    await self._wait(orders)
                case "GET", "log":
                    pass
                case _:
                    raise BadControl(f"There is no {request.method} {request.path}.")
        except (BadControl, UnknownScenario) as wrong:
            await connection.answer_json(400, {"error": {"message": str(wrong), "code": 400}})
            return
        await connection.answer_json(200, self._ledger.logged())

    def _steer(self, orders: dict[str, Any]) -> None:
        """Queue scenarios or words to say, choose how `/models` answers, or set the key's limit."""
        scenarios = [Scenario.parse(written) for written in orders.get("scenarios", [])]
        said = "gated-end" if orders.get("held") else "said"
        scenarios += [Scenario(said, content=str(words)) for words in orders.get("say", [])]
        if calls := orders.get("call"):
            uses = tuple((str(name), str(arguments)) for name, arguments in calls)
            scenarios.append(Scenario("said", content=orders.get("said"), calls=uses))
        mode = orders.get("models", self._models_mode)
        if mode not in MODELS_MODES:
            raise BadControl(f"Models can be {', '.join(MODELS_MODES)}, not {mode!r}.")
        if "habit" in orders:
            self._habit = HABITS[orders["habit"]]
        if "key_limit_usd" in orders:
            limit = orders["key_limit_usd"]
            self._key_limit_usd = None if limit is None else Decimal(limit)
        self._queue += scenarios
        self._models_mode = mode

    async def _wait(self, orders: dict[str, Any]) -> None:
        """Until completions have arrived, answers wait at the gate, or none is under way."""
        count = orders.get("count", 1)
        conditions = {
            "arrival": lambda: self._ledger.arrived >= count,
            "gate": lambda: self._gate.waiting >= count,
            "idle": lambda: all(exchange.finished for exchange in self._ledger.completions),
        }
        condition = conditions.get(orders.get("for", ""))
        if condition is None:
            raise BadControl(f"One can wait for {' or '.join(conditions)}.")
        try:
            await asyncio.wait_for(self._changes.until(condition), LONGEST_WAIT_S)
        except TimeoutError:
            raise BadControl(f"Waited {LONGEST_WAIT_S} s for {orders['for']} in vain.") from None


def _has_messages(body: Any) -> bool:
    match body:
        case {"messages": [{}, *_]}:
            return True
        case _:
            return False


def _invalid(message: str) -> Failure:
    return Failure(400, message, "invalid_request")
