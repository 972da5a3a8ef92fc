"""Send and receive text messages through a partner organisation, simulated.

`action: send` wants `to` and `body`; `receive` reads `sender`, `recipient`, `text` (or `message`) and `externalId` into
`from`, `to`, `body` and `messageId`. A second try of the same step sends the same message.
"""

from typing import Any

from apps.engine.module import Context
from apps.modules.catalog.components import _providers

NAME = "partner_provider"
CONTRACT = _providers.CONTRACT
FIELDS = {"from": ("sender",), "to": ("recipient",), "body": ("text", "message"), "id": ("externalId",)}


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Send or receive one message."""
    return _providers.carry("partner", FIELDS, params, context)
