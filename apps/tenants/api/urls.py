"""Addresses of the tenants API; mounted under `/api/v1/` and `/t/<tenant>/api/v1/`."""

from django.urls import path

from apps.tenants.api import keys, people, places

urlpatterns = [
    path("tenant", people.TenantView.as_view(), name="tenant"),
    path("members", people.MembersView.as_view(), name="members"),
    path("members/<uuid:member_id>", people.MemberView.as_view(), name="member"),
    path("invitations", people.InvitationsView.as_view(), name="invitations"),
    path("invitations/<uuid:invitation_id>", people.InvitationView.as_view(), name="invitation"),
    path("projects", places.ProjectsView.as_view(), name="projects"),
    path("projects/<uuid:project_id>", places.ProjectView.as_view(), name="project"),
    path("environments", places.EnvironmentsView.as_view(), name="environments"),
    path("environments/<slug:environment>/secrets", places.SecretsView.as_view(), name="secrets"),
    path("environments/<slug:environment>/secrets/<str:name>", places.SecretView.as_view(), name="secret"),
    path("api-keys", keys.KeysView.as_view(), name="api-keys"),
    path("api-keys/<uuid:key_id>", keys.KeyView.as_view(), name="api-key"),
    path("audit", keys.AuditView.as_view(), name="audit"),
]
