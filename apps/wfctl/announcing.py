"""What `wfctl run` says when it begins to serve: where, and what each document and the links take in."""

import socket
from collections.abc import Sequence

from apps.engine.registry import Registry
from apps.wfctl.address import Address
from apps.wfctl.linking import Linked
from apps.wfctl.narrator import Narrator
from apps.wfctl.reading import missing_secrets
from apps.wfctl.served import Served

SHOWN = ("section", "trigger")  # not what the product answers by itself


def announce(
    narrator: Narrator,
    types: Registry,
    served: Sequence[Served],
    listening: Sequence[socket.socket],
    linked: Linked | None,
) -> None:
    """Say everything once."""
    for each, at in zip(served, listening, strict=True):
        host, port = at.getsockname()[:2]
        name = f"{each.label} on " if each.label else ""
        narrator.say(f"serving {name}", (Address(host, port).url_of(each.scheme), "bold"), " (Ctrl-C stops)")
        if each.encryption is not None and each.encryption.made is not None:
            narrator.say((f"  made a certificate that no authority vouches for: {each.encryption.made}", "dim"))
        _document(narrator, types, each)
    if linked is not None:
        tell_links(narrator, linked)


def tell_links(narrator: Narrator, linked: Linked) -> None:
    """Say what leads where, and what is to be known of it."""
    for each in linked.links:
        does = f"{each.link.link_type} {each.link.target_action}".strip()
        narrator.say((f"  {each.link.source} {each.pattern} -> {each.target} ({does})", "dim"))
    for finding in linked.examined.findings:
        narrator.say(("warning", "yellow"), f" {finding.message} ({finding.path})")


def _document(narrator: Narrator, types: Registry, served: Served) -> None:
    application = served.application
    for route in application.routes.routes:
        if route.source in SHOWN:
            narrator.say((f"  {route.name} -> {route.handler}", "dim"))
    for subscription in application.subscriptions:
        narrator.say((f"  {subscription.topic} -> {subscription.handler}", "dim"))
    for schedule in application.schedules:
        what = f"{schedule.workflow} {schedule.action}".strip()
        narrator.say((f"  {schedule.timetable.text} -> {what}", "dim"))
    left_out = [finding for finding in application.findings if finding.code == "file.left_out"]
    for finding in (*left_out, *missing_secrets(application.document, types)):
        narrator.say(("warning", "yellow"), f" {finding.message} ({finding.path})")
