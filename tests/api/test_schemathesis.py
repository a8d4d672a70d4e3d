"""Schemathesis reads the document and holds the running API to it."""

import asyncio
import os
import subprocess
from pathlib import Path
from uuid import uuid4

from api.visitor_cookie import VisitorTokens
from db.session import Database
from tests.configuration import settings
from tests.factories import Factories
from tests.processes import BIN, ROOT, RunningAPI
from tests.proof import at_length

SEED = "20261121"
EXAMPLES = at_length(6, whole=25)
"""Of each operation."""
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 404, 409, 429]

# What is deleted is the work; the request stays, with its receipt.
[checks.use_after_free]
enabled = false

# What a schema cannot say: a cursor has to be one of ours, and relevance needs a search.
[[operations]]
include-operation-id = "ListFactoids"
checks.positive_data_acceptance.expected-statuses = ["2xx", "3xx", 400, 422]

# A day that has not begun.
[[operations]]
include-operation-id = "GetFactoidOfTheDay"
checks.positive_data_acceptance.expected-statuses = ["2xx", "3xx", 404, 422]

# Characters are counted as readers count them, and one of two fields is needed.
[[operations]]
include-operation-id = "LeaveFeedback"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 422, 429]

# A model has to be in today's catalogue, and credits have to be bought.
[[operations]]
include-operation-id = "GenerateFactoid"
checks.positive_data_acceptance.expected-statuses = ["2xx", 402, 409, 422, 429]

[[operations]]
include-operation-id = "GetQuote"
checks.positive_data_acceptance.expected-statuses = ["2xx", 422]

[[operations]]
include-operation-id = "QuoteNewChat"
checks.positive_data_acceptance.expected-statuses = ["2xx", 422]

# Words that are no text, which a schema cannot say.
[[operations]]
include-operation-id = "OpenVault"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 422, 429]

# A key's name must show something, and an Idempotency-Key belongs to one body.
[[operations]]
include-operation-id = "MakeKey"
checks.positive_data_acceptance.expected-statuses = ["2xx", 409, 422, 429]

# A model has to be in today's catalogue, and only factoids can be wished for.
[[operations]]
include-operation-id = "StartCheckout"
checks.positive_data_acceptance.expected-statuses = ["2xx", 409, 422, 429]

# A link's token has to be one of ours.
[[operations]]
include-operation-id = "Recover"
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 429]

# Whoever signs out has no requests any more to see; it has tests of its own.
[[operations]]
include-operation-id = "SignOut"
enabled = false

# Streams without an end: a fuzzer would wait for it. Their own tests follow them.
[[operations]]
include-operation-id = "FollowLive"
enabled = false

[[operations]]
include-operation-id = "FollowGeneration"
enabled = false

[[operations]]
include-operation-id = "FollowCheckout"
enabled = false

[[operations]]
include-operation-id = "FollowChat"
enabled = false

[[operations]]
include-operation-id = "FollowTurns"
enabled = false

# A factoid has to be there, a model has to use tools, and characters are counted as readers do.
[[operations]]
include-operation-id = "BeginChat"
checks.positive_data_acceptance.expected-statuses = ["2xx", 409, 422, 429]

[[operations]]
include-operation-id = "ChangeChat"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422, 429]

[[operations]]
include-operation-id = "SendMessage"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422, 429]

[[operations]]
include-operation-id = "RegenerateMessage"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422, 429]

[[operations]]
include-operation-id = "ContinueMessage"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422, 429]

[[operations]]
include-operation-id = "ListChats"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400]
"""


async def test_the_running_api_is_as_documented(
    shop_api: RunningAPI, database: Database, make: Factories, tmp_path: Path
):
    await make.model()
    await make.factoids(30)
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    arguments = ["--seed", SEED, "--max-examples", str(EXAMPLES), "--no-shrink", "--no-color"]
    # One visitor throughout, who may see what they asked for.
    token = VisitorTokens(settings.secret_key).write(uuid4())
    arguments += ["--header", f"Cookie:visitor={token}"]
    arguments += ["--generation-database", "none", "--phases", "examples,coverage,fuzzing,stateful"]

    run = await asyncio.to_thread(
        subprocess.run,
        [str(BIN / "schemathesis"), "run", f"{shop_api.url}/openapi.json", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": ""},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )

    assert run.returncode == 0, run.stdout[-8_000:] + run.stderr[-2_000:]
    assert " passed" in run.stdout
    assert "unexpected_error" not in shop_api.log
    assert not (ROOT / ".schemathesis").exists()
