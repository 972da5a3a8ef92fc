"""The control plane's ``/metrics``, for a scraper that holds the token or runs on the same machine.

Behind a proxy on the same machine every caller has a loopback address, so there only the token opens it.
"""

import hmac
import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.views.decorators.http import require_safe
from django_prometheus import exports


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if settings.TRUSTED_PROXIES:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Counters in Prometheus' text form; no label carries a tenant's data."""
    if not _may_read(request):
        return HttpResponseForbidden()
    answer: HttpResponse = exports.ExportToDjangoView(request)
    return answer
