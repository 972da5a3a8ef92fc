"""Calls on messages and dead letters."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import paging
from apps.core.api.schema import CURSOR, LIMIT, call, page_of
from apps.core.api.views import ApiView
from apps.runs.api.serializers import DeadLetterOut, MessageDetailOut, MessageOut
from apps.runs.operations.messages import dead_letter_discard, dead_letter_replay
from apps.runs.policy import READ_MESSAGES, RETRY_MESSAGES
from apps.runs.queries.messages import dead_letter_list, message_get, message_list

TAGS = ("messages",)
FILTERS = (
    OpenApiParameter("environment", str, description="Messages in one environment, by name."),
    OpenApiParameter("topic", str, description="Messages of exactly this topic."),
)


class Messages(ApiView):
    """All messages of the tenant."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_MESSAGES}

    @call("message_list", answers=page_of(MessageOut), parameters=(CURSOR, LIMIT, *FILTERS), tags=TAGS)
    def get(self, request: Request) -> Response:
        """List messages, newest first, without their payloads."""
        wanted = paging.wanted(request)
        given = request.query_params
        page = message_list(
            environment=given.get("environment") or None,
            topic=given.get("topic") or None,
            after=wanted.after,
            limit=wanted.limit,
        )
        return paging.answer(page, lambda row: row)


class Message(ApiView):
    """One message."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_MESSAGES}

    @call("message_get", answers=MessageDetailOut, tags=TAGS)
    def get(self, request: Request, message_id: UUID) -> Response:
        """Return a message with its payload and who has handled it."""
        return Response(message_get(message_id=message_id))


class DeadLetters(ApiView):
    """Deliveries that finally failed."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_MESSAGES}

    @call("dead_letter_list", answers=page_of(DeadLetterOut), parameters=(CURSOR, LIMIT), tags=TAGS)
    def get(self, request: Request) -> Response:
        """List dead letters, newest first."""
        wanted = paging.wanted(request)
        return paging.answer(dead_letter_list(after=wanted.after, limit=wanted.limit), lambda row: row)


class DeadLetterReplay(ApiView):
    """Delivering again."""

    permissions: ClassVar[dict[str, str]] = {"POST": RETRY_MESSAGES}

    @call("dead_letter_replay", status=204, tags=TAGS)
    def post(self, request: Request, delivery_id: UUID) -> Response:
        """Put a dead letter at the end of its lane."""
        dead_letter_replay(delivery_id=delivery_id, actor=self.actor)
        return Response(status=204)


class DeadLetter(ApiView):
    """One dead letter."""

    permissions: ClassVar[dict[str, str]] = {"DELETE": RETRY_MESSAGES}

    @call("dead_letter_discard", status=204, tags=TAGS)
    def delete(self, request: Request, delivery_id: UUID) -> Response:
        """Give a dead letter up."""
        dead_letter_discard(delivery_id=delivery_id, actor=self.actor)
        return Response(status=204)
