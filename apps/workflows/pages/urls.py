"""Addresses of the pages of workflows."""

from django.urls import path

from apps.workflows.pages import links, views

IN_TENANT = "t/<slug:tenant>/workflows"

urlpatterns = [
    path(IN_TENANT, views.Workflows.as_view(), name="workflows"),
    path(f"{IN_TENANT}/<slug:slug>", views.Workflow.as_view(), name="workflow"),
    path(f"{IN_TENANT}/<slug:slug>/addresses", views.WorkflowAddresses.as_view(), name="workflow-addresses"),
    path(f"{IN_TENANT}/<slug:slug>/links", links.WorkflowLinks.as_view(), name="workflow-links"),
    path(f"{IN_TENANT}/<slug:slug>/versions/<int:number>", views.Version.as_view(), name="workflow-version"),
]
