"""The pages of state-machine instances and of messages with their dead letters."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.core.errors import NotFound, WeftError
from apps.core.pages.places import environment_of
from apps.core.pages.views import PageView, actor_of, may, page, tell_refusal
from apps.runs.operations.messages import dead_letter_discard, dead_letter_replay
from apps.runs.pages.asked import after
from apps.runs.policy import READ_INSTANCES, READ_MESSAGES, RETRY_MESSAGES
from apps.runs.queries.instances import instance_get, instance_list
from apps.runs.queries.messages import dead_letter_list, message_get, message_list
from apps.tenants.queries import environment_list
from apps.workflows.queries.workflows import workflow_names


class Instances(PageView):
    """State-machine instances of an environment, newest first."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_INSTANCES}

    def get(self, request: HttpRequest) -> HttpResponse:
        """List instances."""
        environment = environment_of(request, environment_list())
        asked = {name: request.GET.get(name, "").strip() for name in ("machine", "state", "key")}
        found = instance_list(
            environment=environment.name if environment else None,
            machine=asked["machine"] or None,
            state=asked["state"] or None,
            key=asked["key"] or None,
            after=after(request),
        )
        context = {"instances": found.items, "next": found.next, "after": request.GET.get("after"), "asked": asked}
        return page(request, "runs/instances.html", context)


class Instance(PageView):
    """One instance: where it stands and how it came there."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_INSTANCES}

    def get(self, request: HttpRequest, instance_id: UUID) -> HttpResponse:
        """Show it."""
        instance = instance_get(instance_id=instance_id)
        request.environment_name = instance["environment"]  # type: ignore[attr-defined]
        tenant = request.tenant.slug  # type: ignore[attr-defined]
        instance["history"].reverse()
        context = {"instance": instance, "environment_home": reverse("instances", kwargs={"tenant": tenant})}
        return page(request, "runs/instance.html", context)


class Messages(PageView):
    """Messages of an environment, or the dead letters of the tenant."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_MESSAGES, "POST": RETRY_MESSAGES}

    def get(self, request: HttpRequest) -> HttpResponse:
        """List messages or dead letters."""
        is_dead = request.GET.get("dead") == "1"
        context = _dead(request) if is_dead else _published(request)
        context |= {"is_dead": is_dead, "after": request.GET.get("after"), "may_retry": may(request, RETRY_MESSAGES)}
        return page(request, "runs/messages.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Replay or give up a dead letter."""
        try:
            messages.success(request, _settle(request))
        except WeftError as refusal:
            tell_refusal(request, refusal)
        tenant = request.tenant.slug  # type: ignore[attr-defined]
        return HttpResponseRedirect(f"{reverse('messages', kwargs={'tenant': tenant})}?dead=1")


class Message(PageView):
    """One message: what was said and who has handled it."""

    permissions: ClassVar[dict[str, str]] = {"GET": READ_MESSAGES}

    def get(self, request: HttpRequest, message_id: UUID) -> HttpResponse:
        """Show it."""
        message = message_get(message_id=message_id)
        request.environment_name = message["environment"]  # type: ignore[attr-defined]
        tenant = request.tenant.slug  # type: ignore[attr-defined]
        context = {"message": message, "environment_home": reverse("messages", kwargs={"tenant": tenant})}
        return page(request, "runs/message.html", context)


def _published(request: HttpRequest) -> dict[str, Any]:
    environment = environment_of(request, environment_list())
    topic = request.GET.get("topic", "").strip()
    found = message_list(
        environment=environment.name if environment else None, topic=topic or None, after=after(request)
    )
    return {"rows": found.items, "next": found.next, "topic": topic}


def _dead(request: HttpRequest) -> dict[str, Any]:
    found = dead_letter_list(after=after(request))
    names = workflow_names(workflow_ids=[UUID(one["workflow_id"]) for one in found.items])
    rows = [{**one, "workflow": names.get(UUID(one["workflow_id"]), ("", ""))[1]} for one in found.items]
    return {"rows": rows, "next": found.next}


def _settle(request: HttpRequest) -> str:
    try:
        delivery_id = UUID(request.POST.get("id", ""))
    except ValueError:
        raise NotFound from None
    actor = actor_of(request)
    if request.POST.get("deed") == "replay":
        dead_letter_replay(delivery_id=delivery_id, actor=actor)
        return "The message is on its way again, behind those that wait."
    dead_letter_discard(delivery_id=delivery_id, actor=actor)
    return "The dead letter is given up; its message and its run stay to be read."
