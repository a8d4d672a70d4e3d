"""`PAYMENTS=standin make run`: payments against a stand-in for Stripe, which moves no money."""

from pathlib import Path

from dev import ports
from dev.console import CommandError
from dev.state import StateFile
from dev.supervisor import Supervisor

KEY = "sk_test_standin"
SECRET = "whsec_standin"
WEBHOOK = "/api/payments/webhook"
OF_STRIPE = ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "STRIPE_API_URL")


def check(values: dict[str, str]) -> None:
    """Refuse a PAYMENTS that nobody knows, or that would hide a real account.

    Raises:
        CommandError: The sentence names the variable.
    """
    wanted = values.get("PAYMENTS")
    if wanted is None:
        return
    if wanted != "standin":
        raise CommandError('PAYMENTS: must be "standin", or left out.')
    if values.get("ENVIRONMENT") == "production":
        raise CommandError("PAYMENTS: the stand-in may not take payments in production.")
    for name in OF_STRIPE:
        if name in values:
            raise CommandError(
                f"PAYMENTS: the stand-in needs {name} for itself; leave one of them out."
            )


def start_standin(
    values: dict[str, str], supervisor: Supervisor, memory: StateFile, state: Path
) -> int:
    """Start the stand-in and put what the product must know into `values`; answers its port.

    It keeps its port and its account from run to run, as the product keeps its checkouts.
    """
    port = ports.keep_or_choose(memory.get("payments_port"))
    memory.put(payments_port=port)
    webhook = f"http://{ports.LOOPBACK}:{values['PORT']}{WEBHOOK}"
    options = ["--webhook", webhook, "--key", KEY, "--secret", SECRET]
    options += ["--memory", str(state / "payments.json")]
    command = ["python", "-m", "tests.standins.stripe", "--port", str(port), *options]
    supervisor.start("payments", command, values)
    values["STRIPE_SECRET_KEY"] = KEY
    values["STRIPE_WEBHOOK_SECRETS"] = SECRET
    values["STRIPE_API_URL"] = f"http://{ports.LOOPBACK}:{port}"
    return port
