"""Send and receive text messages through Twilio, simulated.

`action: send` wants `to` and `body`; `receive` reads `From`, `To`, `Body` and `MessageSid` of its webhook into `from`,
`to`, `body` and `messageId`. A second try of the same step sends the same message.
"""

from typing import Any

from apps.engine.module import Context
from apps.modules.catalog.components import _providers

NAME = "twilio_provider"
CONTRACT = _providers.CONTRACT
FIELDS = {"from": ("From",), "to": ("To",), "body": ("Body",), "id": ("MessageSid",)}


def execute(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Send or receive one message."""
    return _providers.carry("twilio", FIELDS, params, context)
