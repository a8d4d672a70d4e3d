"""Stand-ins for outside services beside `make run`: a model, and Stripe on `PAYMENTS=standin`."""

from pathlib import Path

from dev import ports
from dev.console import CommandError
from dev.state import StateFile
from dev.supervisor import Supervisor

STRIPE = {"STRIPE_SECRET_KEY": "sk_test_standin", "STRIPE_WEBHOOK_SECRETS": "whsec_standin"}


def check_payments(values: dict[str, str]) -> None:
    """Check PAYMENTS.

    Raises:
        CommandError: Its value is unknown, or would replace a real account.
    """
    if "PAYMENTS" not in values:
        return
    if values["PAYMENTS"] != "standin":
        raise CommandError('PAYMENTS: must be "standin", or left out.')
    if values.get("ENVIRONMENT") == "production":
        raise CommandError("PAYMENTS: the stand-in may not take payments in production.")
    for name in (*STRIPE, "STRIPE_API_URL"):
        if name in values:
            raise CommandError(
                f"PAYMENTS: the stand-in needs {name} for itself; leave one of them out."
            )


def start_model(values: dict[str, str], supervisor: Supervisor) -> dict[str, str]:
    """Start the stand-in for OpenRouter; answers the variables by which the product uses it."""
    port = ports.free()
    supervisor.start("model", {**values, "MODEL_PORT": str(port)})
    supervisor.wait_until(lambda: ports.taken(port), "The stand-in model")
    return {
        "OPENROUTER_BASE_URL": f"http://{ports.LOOPBACK}:{port}/api/v1",
        "OPENROUTER_API_KEY": "standin",
        "STANDIN_MODEL": "1",
    }


def start_payments(
    values: dict[str, str], supervisor: Supervisor, settings: StateFile, state: Path
) -> dict[str, str]:
    """Start the stand-in for Stripe; answers the variables by which the product uses it.

    Port and account are kept between runs, as the product keeps its checkouts.
    """
    port = ports.keep_or_choose(settings.get("payments_port"))
    settings.put(payments_port=port)
    options = {"PAYMENTS_PORT": str(port), "PAYMENTS_MEMORY": str(state / "payments.json")}
    supervisor.start("payments", {**values, **STRIPE, **options})
    supervisor.wait_until(lambda: ports.taken(port), "The stand-in for Stripe")
    return {**STRIPE, "STRIPE_API_URL": f"http://{ports.LOOPBACK}:{port}"}
