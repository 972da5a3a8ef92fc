"""Addresses of the doors and of the settings."""

from django.urls import path

from apps.tenants.pages import settings, views

urlpatterns = [
    path("", views.Tenants.as_view(), name="tenants"),
    path("sign-in", views.SignIn.as_view(), name="sign-in"),
    path("sign-out", views.SignOut.as_view(), name="sign-out"),
    path("invitations/<str:token>", views.Invitation.as_view(), name="invitation"),
    path("t/<slug:tenant>/settings", settings.People.as_view(), name="settings"),
    path("t/<slug:tenant>/settings/keys", settings.Keys.as_view(), name="settings-keys"),
    path("t/<slug:tenant>/settings/secrets", settings.Secrets.as_view(), name="settings-secrets"),
    path("t/<slug:tenant>/settings/projects", settings.Projects.as_view(), name="settings-projects"),
]
