"""Addresses of workflows under `/api/v1/` and `/t/<tenant>/api/v1/`."""

from django.urls import path

from apps.workflows.api.deployments import Deployment, DeploymentEnd, Deployments, WorkflowDeployments
from apps.workflows.api.drafts import Check, Draft
from apps.workflows.api.links import LinksImport, WorkflowLink, WorkflowLinks
from apps.workflows.api.versions import Version, VersionDocument, Versions
from apps.workflows.api.workflows import (
    ProjectWorkflows,
    Workflow,
    WorkflowArchive,
    WorkflowRestore,
    Workflows,
    WorkflowsImport,
)

WORKFLOW = "workflows/<uuid:workflow_id>"
VERSION = f"{WORKFLOW}/versions/<int:number>"

urlpatterns = [
    path("check", Check.as_view(), name="check"),
    path("projects/<uuid:project_id>/workflows", ProjectWorkflows.as_view(), name="project-workflows"),
    path("projects/<uuid:project_id>/workflows/import", WorkflowsImport.as_view(), name="project-workflows-import"),
    path("workflows", Workflows.as_view(), name="workflows"),
    path(WORKFLOW, Workflow.as_view(), name="workflow"),
    path(f"{WORKFLOW}/archive", WorkflowArchive.as_view(), name="workflow-archive"),
    path(f"{WORKFLOW}/restore", WorkflowRestore.as_view(), name="workflow-restore"),
    path(f"{WORKFLOW}/draft", Draft.as_view(), name="draft"),
    path(f"{WORKFLOW}/versions", Versions.as_view(), name="versions"),
    path(VERSION, Version.as_view(), name="version"),
    path(f"{VERSION}/document", VersionDocument.as_view(), name="version-document"),
    path(f"{WORKFLOW}/deployments", WorkflowDeployments.as_view(), name="workflow-deployments"),
    path(f"{WORKFLOW}/links", WorkflowLinks.as_view(), name="workflow-links"),
    path(f"{WORKFLOW}/links/<uuid:link_id>", WorkflowLink.as_view(), name="workflow-link"),
    path("links/import", LinksImport.as_view(), name="links-import"),
    path("deployments", Deployments.as_view(), name="deployments"),
    path("deployments/<uuid:deployment_id>", Deployment.as_view(), name="deployment"),
    path("deployments/<uuid:deployment_id>/end", DeploymentEnd.as_view(), name="deployment-end"),
]
