"""Creates recovery links and maps them to their response schema."""

import time
from datetime import UTC, datetime
from uuid import UUID

from api.schemas.recovery import RecoveryOut
from api.visitor_cookie import VisitorTokens
from domain.signing import RECOVERY
from settings import Settings

LIFE_S = 30 * 24 * 3_600


def recovery_tokens(settings: Settings) -> VisitorTokens:
    return VisitorTokens(*settings.server_secrets, purpose=RECOVERY, life_s=LIFE_S)


def recovery_out(visitor_id: UUID, settings: Settings) -> RecoveryOut:
    now_s = int(time.time())
    token = recovery_tokens(settings).write(visitor_id, now_s)
    return RecoveryOut(
        link=f"{settings.site_url}/recover#{token}",
        expires_at=datetime.fromtimestamp(now_s + LIFE_S, UTC),
    )
