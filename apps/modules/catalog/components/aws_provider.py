"""Send and receive text messages through AWS, simulated.

`action: send` wants `to` and `body`; `receive` reads `originationNumber`, `destinationNumber`, `messageBody` and
`inboundMessageId` into `from`, `to`, `body` and `messageId`. A second try of the same step sends the same message.
"""

from typing import Any

from apps.engine.module import Context
from apps.modules.catalog.components import _providers

NAME = "aws_provider"
CONTRACT = _providers.CONTRACT
FIELDS = {
    "from": ("originationNumber",),
    "to": ("destinationNumber",),
    "body": ("messageBody",),
    "id": ("inboundMessageId",),
}


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Send or receive one message."""
    return _providers.carry("aws", FIELDS, params, context)
