"""The base of every page of the admin: operators look, as role `ops`; what they change goes through operations."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.db.models import BinaryField, Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect

from apps.core.models import AuditEntry, Outbox

OPS = "ops"


def sign_in_page(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """Send to the product's own sign-in, which is throttled; the admin has no second door."""
    if request.user.is_authenticated:
        raise Http404
    wanted = request.GET.get("next", request.get_full_path())
    return HttpResponseRedirect(f"{settings.LOGIN_URL}?next={quote(wanted)}")


admin.site.login = sign_in_page  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Weft operators"


class OpsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows of every tenant and adds, changes and deletes none.

    `hidden` columns, and those of bytes (payloads, documents, hashes), are not even read. References are shown as ids
    and never followed: what they point at may have columns that operators must not read. A search for an id is for
    exactly that id in one of the columns `ids`; any other is for text in `search_fields`.
    """

    hidden: tuple[str, ...] = ()
    ids: tuple[str, ...] = ("id", "tenant_id")
    actions: tuple[str, ...] = ()
    show_full_result_count = False
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Model]":
        """Read as role `ops`."""
        rows: QuerySet[Model] = self.model._default_manager.using(OPS).defer(*self._unread())
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Show every column but the hidden ones."""
        unread = self._unread()
        return [field.attname for field in self.model._meta.fields if field.name not in unread]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Let nothing be typed."""
        return self.get_fields(request, obj)

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Model]", search_term: str
    ) -> tuple["QuerySet[Model]", bool]:
        """Find rows by an exact id, else by text."""
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        found = Q(*((name, wanted) for name in self.ids), _connector=Q.OR)
        return queryset.filter(found), False

    def _unread(self) -> tuple[str, ...]:
        of_bytes = [field.name for field in self.model._meta.fields if isinstance(field, BinaryField)]
        return (*self.hidden, *of_bytes)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds rows here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes rows here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes rows here."""
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(OpsAdmin):
    """Who did what, in all tenants."""

    list_display = ("at", "tenant_id", "actor_label", "verb", "target", "target_id", "is_refusal")
    list_filter = ("is_refusal", "actor_kind")
    search_fields = ("tenant__slug", "actor_label", "verb", "request_id")
    ids = ("id", "tenant_id", "actor_id", "target_id")
    ordering = ("-id",)


@admin.register(Outbox)
class OutboxAdmin(OpsAdmin):
    """What has not left yet."""

    list_display = ("created_at", "tenant_id", "kind", "name", "attempts", "ready_at", "error")
    list_filter = ("kind",)
    search_fields = ("tenant__slug", "name", "error")
    ordering = ("id",)
