"""`PAYMENTS=standin make run`: payments against a stand-in for Stripe, which moves no money."""

from pathlib import Path

from dev import ports
from dev.children import Children
from dev.console import Problem
from dev.state import Memory

KEY = "sk_test_standin"
SECRET = "whsec_standin"
WEBHOOK = "/api/payments/webhook"
OF_STRIPE = ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "STRIPE_API_URL")


def check(values: dict[str, str]) -> None:
    """Refuse a PAYMENTS that nobody knows, or that would hide a real account.

    Raises:
        Problem: The sentence names the variable.
    """
    wanted = values.get("PAYMENTS")
    if wanted is None:
        return
    if wanted != "standin":
        raise Problem('PAYMENTS: must be "standin", or left out.')
    if values.get("ENVIRONMENT") == "production":
        raise Problem("PAYMENTS: the stand-in may not take payments in production.")
    for name in OF_STRIPE:
        if name in values:
            raise Problem(f"PAYMENTS: the stand-in needs {name} for itself; leave one of them out.")


def start_standin(values: dict[str, str], children: Children, memory: Memory, state: Path) -> int:
    """Start the stand-in and put what the product must know into `values`; answers its port.

    It keeps its port and its account from run to run, as the product keeps its checkouts.
    """
    port = ports.keep_or_choose(memory.get("payments_port"))
    memory.put(payments_port=port)
    webhook = f"http://{ports.HERE}:{values['PORT']}{WEBHOOK}"
    options = ["--webhook", webhook, "--key", KEY, "--secret", SECRET]
    options += ["--memory", str(state / "payments.json")]
    command = ["python", "-m", "tests.standins.stripe", "--port", str(port), *options]
    children.start("payments", command, values)
    values["STRIPE_SECRET_KEY"] = KEY
    values["STRIPE_WEBHOOK_SECRETS"] = SECRET
    values["STRIPE_API_URL"] = f"http://{ports.HERE}:{port}"
    return port
