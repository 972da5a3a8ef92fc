"""Workflows, drafts, versions and deployments as operations, in a tenant's scope."""

import hashlib
from contextlib import contextmanager
from uuid import uuid4

import pytest

from apps.core.errors import Forbidden, Invalid, NotFound, PreconditionFailed, TooLarge
from apps.core.models import AuditEntry, Outbox
from apps.core.scope import Actor, scope
from apps.engine.findings import Finding, Severity
from apps.workflows.errors import DocumentRefused, DraftMoved, SlugTaken, WorkflowArchived, WorkflowLive
from apps.workflows.operations import deployment_checks
from apps.workflows.operations.deployments import deployment_create, deployment_end
from apps.workflows.operations.drafts import draft_save
from apps.workflows.operations.versions import version_publish
from apps.workflows.operations.workflows import (
    workflow_archive,
    workflow_create,
    workflow_rename,
    workflow_restore,
)
from apps.workflows.queries.deployments import deployment_list, deployments_live_of
from apps.workflows.queries.live import deployment_live, deployment_live_by_id, version_by_id
from apps.workflows.queries.versions import version_list, version_text
from apps.workflows.queries.workflows import draft_get, workflow_by_slug, workflow_get, workflow_list, workflow_names
from tests.integration.workflows.documents import BLOCKED, BROKEN, CLEAN, NEEDS_SECRET, OTHER

pytestmark = pytest.mark.spec("SPINE-B7")


def actor_of(tenant, role="owner"):
    return Actor(kind="user", id=tenant.owner.id, label=tenant.owner.email, role=role)


@contextmanager
def acting(tenant, role="owner"):
    actor = actor_of(tenant, role)
    with scope(tenant.id, actor):
        yield actor


def make(tenant, text=CLEAN, name="Order intake"):
    with acting(tenant) as actor:
        return workflow_create(project_id=tenant.project.id, name=name, text=text, actor=actor)


def publish(tenant, workflow, note=""):
    with acting(tenant) as actor:
        return version_publish(workflow_id=workflow.id, note=note, actor=actor)


def deploy(tenant, workflow, version, environment="prod", **options):
    with acting(tenant) as actor:
        return deployment_create(
            workflow_id=workflow.id, environment=environment, version=version, actor=actor, **options
        )


def save(tenant, workflow, text):
    with acting(tenant) as actor:
        revision = workflow_get(workflow_id=workflow.id).draft_revision
        return draft_save(workflow_id=workflow.id, text=text, if_revision=revision, actor=actor)


def test_a_workflow_gets_its_slug_from_its_name_and_its_first_draft_from_the_text(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours)
    with acting(ours, "viewer"):
        assert workflow_get(workflow_id=workflow.id).slug == "order-intake"
        assert workflow_by_slug(slug="order-intake").id == workflow.id
        draft = draft_get(workflow_id=workflow.id)
    assert (draft.text, draft.revision, draft.sha256) == (CLEAN, 1, hashlib.sha256(CLEAN.encode()).hexdigest())


def test_two_tenants_may_use_one_slug_and_one_tenant_may_not(two_tenants):
    ours, theirs = two_tenants
    make(ours)
    make(theirs)
    with pytest.raises(SlugTaken):
        make(ours)


def test_another_tenant_s_workflow_does_not_exist(two_tenants):
    ours, theirs = two_tenants
    workflow = make(ours)
    version = publish(ours, workflow)
    with acting(theirs) as actor:
        with pytest.raises(NotFound):
            workflow_get(workflow_id=workflow.id)
        with pytest.raises(NotFound):
            draft_save(workflow_id=workflow.id, text="", if_revision=1, actor=actor)
        with pytest.raises(NotFound):
            version_publish(workflow_id=workflow.id, actor=actor)
        with pytest.raises(NotFound):
            deployment_create(workflow_id=workflow.id, environment="prod", version=1, actor=actor)
        with pytest.raises(NotFound):
            workflow_create(project_id=ours.project.id, name="x", actor=actor)
        assert workflow_list().items == []
        assert workflow_names(workflow_ids=[workflow.id]) == {}
    assert version_by_id(tenant_id=theirs.id, version_id=version.id) is None


def test_an_impossible_slug_is_refused_with_its_place(two_tenants):
    ours, _ = two_tenants
    with acting(ours) as actor, pytest.raises(Invalid) as refused:
        workflow_create(project_id=ours.project.id, name="???", actor=actor)
    assert refused.value.problem()["errors"][0]["pointer"] == "/slug"


@pytest.mark.parametrize("text", ["\ud800", "x" * (1024 * 1024 + 1)])
def test_a_text_that_cannot_be_stored_is_refused(two_tenants, text):
    ours, _ = two_tenants
    with pytest.raises((Invalid, TooLarge)):
        make(ours, text)


def test_a_rename_keeps_the_slug_and_moves_the_revision(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours)
    with acting(ours) as actor:
        renamed = workflow_rename(workflow_id=workflow.id, name="Intake", if_revision=1, actor=actor)
        assert (renamed.name, renamed.slug, renamed.revision) == ("Intake", "order-intake", 2)
        assert workflow_rename(workflow_id=workflow.id, name="Intake", if_revision=2, actor=actor).revision == 2
        with pytest.raises(PreconditionFailed):
            workflow_rename(workflow_id=workflow.id, description="late", if_revision=1, actor=actor)


@pytest.mark.spec("SPINE-B7.12")
def test_a_save_from_an_old_revision_is_refused_and_says_who_was_first(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours)
    assert save(ours, workflow, OTHER).revision == 2
    with acting(ours) as actor, pytest.raises(DraftMoved) as refused:
        draft_save(workflow_id=workflow.id, text=CLEAN, if_revision=1, actor=actor)
    assert refused.value.extra == {"revision": 2, "saved_by": ours.owner.email}


def test_saving_what_is_there_changes_nothing(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours)
    assert save(ours, workflow, CLEAN).revision == 1


@pytest.mark.parametrize("text", ["a: 1\r\nb: 2\r\n", "# ü 漢字 😀\n", "no newline at the end", ""])
def test_what_was_typed_comes_back_byte_for_byte(two_tenants, text):
    ours, _ = two_tenants
    workflow = make(ours, text)
    with acting(ours):
        assert draft_get(workflow_id=workflow.id).text == text


@pytest.mark.spec("SPINE-B7.3")
def test_versions_are_numbered_from_one_and_keep_their_text(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours)
    first = publish(ours, workflow, "first")
    save(ours, workflow, OTHER)
    second = publish(ours, workflow)
    with acting(ours):
        page = version_list(workflow_id=workflow.id, limit=1)
        assert [version.number for version in page.items] == [2]
        assert version_list(workflow_id=workflow.id, after=page.next).items == [first]
        assert version_text(workflow_id=workflow.id, number=1) == CLEAN
        assert version_text(workflow_id=workflow.id, number=2) == OTHER
    assert (first.note, second.sha256) == ("first", hashlib.sha256(OTHER.encode()).hexdigest())


@pytest.mark.spec("SPINE-B7.4")
def test_a_draft_with_errors_is_not_published_and_all_findings_are_told(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours, BROKEN)
    with pytest.raises(DocumentRefused) as refused:
        publish(ours, workflow)
    assert "module.name.duplicate" in {finding["code"] for finding in refused.value.problem()["findings"]}
    with acting(ours):
        assert version_list(workflow_id=workflow.id).items == []
        assert workflow_get(workflow_id=workflow.id).last_version == 0


def test_a_draft_that_moved_is_not_published_by_who_saw_the_old_one(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours)
    save(ours, workflow, OTHER)
    with acting(ours) as actor, pytest.raises(DraftMoved):
        version_publish(workflow_id=workflow.id, if_draft_revision=1, actor=actor)


@pytest.mark.spec("SPINE-B7.4", "SPINE-B4.25")
def test_a_blocked_document_is_published_and_not_deployed(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours, BLOCKED)
    assert publish(ours, workflow).number == 1
    with pytest.raises(DocumentRefused) as refused:
        deploy(ours, workflow, 1)
    problem = refused.value.problem()
    assert problem["status"] == 422
    assert "module.type.unknown" in {finding["code"] for finding in problem["findings"]}
    with acting(ours):
        assert deployment_list(workflow_id=workflow.id).items == []


def growing_document(levels=5, width=10):
    """Return a document of short pipelines, each using the next ten times: small to read, too long to run."""
    lines = ["workflows:", "  pipelines:"]
    for level in range(levels):
        lines += [f"    p{level}:", "      steps:"]
        step = f"uses: p{level + 1}" if level + 1 < levels else "set: {x: 1}"
        lines += [f"        - {{{step}}}" if "{" not in step else f"        - {step}"] * width
    return "\n".join(lines) + "\n"


def test_what_only_the_compiler_refuses_is_not_deployed_either(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours, growing_document())
    version = publish(ours, workflow)
    with pytest.raises(DocumentRefused) as refused:
        deploy(ours, workflow, version.number)
    assert refused.value.extra["findings"]
    with acting(ours, "viewer"):
        assert deployment_list(workflow_id=workflow.id).items == []


@pytest.mark.spec("SPINE-B7.4")
def test_a_deployment_replaces_the_one_before_and_an_older_version_rolls_back(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours)
    publish(ours, workflow)
    save(ours, workflow, OTHER)
    publish(ours, workflow)
    deploy(ours, workflow, 1)
    deploy(ours, workflow, 2)
    deploy(ours, workflow, 1)
    deploy(ours, workflow, 2, "dev")
    with acting(ours):
        history = deployment_list(workflow_id=workflow.id, environment="prod").items
        live = deployments_live_of(workflow_ids=[workflow.id])[workflow.id]
    assert [(entry.version, entry.is_live) for entry in history] == [(1, True), (2, False), (1, False)]
    assert [(entry.environment, entry.version) for entry in live] == [("dev", 2), ("prod", 1)]


def test_deploying_what_is_live_is_the_same_deployment(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours)
    publish(ours, workflow)
    first = deploy(ours, workflow, 1)
    assert deploy(ours, workflow, 1) == first


@pytest.mark.parametrize(("environment", "version"), [("prod", 7), ("nowhere", 1)])
def test_what_is_not_there_cannot_be_deployed(two_tenants, environment, version):
    ours, _ = two_tenants
    workflow = make(ours)
    publish(ours, workflow)
    with pytest.raises(NotFound):
        deploy(ours, workflow, version, environment)


def test_a_secret_missing_in_the_environment_blocks_the_deployment_by_its_key_path(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours, NEEDS_SECRET)
    publish(ours, workflow)
    with pytest.raises(DocumentRefused) as refused:
        deploy(ours, workflow, 1)
    findings = refused.value.problem()["findings"]
    (missing,) = [finding for finding in findings if finding["code"] == "secret.missing"]
    assert (missing["severity"], missing["path"]) == ("blocked", "modules[3].config.url")


def test_placeholders_are_deployed_only_when_that_is_asked_for_and_the_audit_says_so(two_tenants):
    ours, theirs = two_tenants
    text = "modules: [{name: words, type: core.logger}]"
    workflow = make(ours, text)
    publish(ours, workflow)
    with pytest.raises(DocumentRefused) as refused:
        deploy(ours, workflow, 1)
    assert [found["code"] for found in refused.value.problem()["findings"]] == ["module.type.placeholder"]
    assert deploy(ours, workflow, 1, allow_placeholders=True).version == 1
    with acting(ours):
        entry = AuditEntry.objects.get(verb="deployment.create", target_id=workflow.id)
        assert "allow_placeholders" in str(entry.details)
    with acting(theirs):
        assert not AuditEntry.objects.filter(target_id=workflow.id).exists()


@pytest.mark.spec("static.fileserver")
def test_a_folder_beside_the_document_is_left_out_of_a_deployment_since_there_is_none(two_tenants):
    for tenant in two_tenants:
        workflow = make(tenant, "modules: [{name: files, type: static.fileserver, config: {root: public}}]")
        publish(tenant, workflow)
        assert deploy(tenant, workflow, 1)


def test_an_app_above_may_object_and_sees_what_was_decided(two_tenants, monkeypatch):
    ours, _ = two_tenants
    seen = []
    finding = Finding(0, 0, "workflows.statemachine", Severity.BLOCKED, "instances.orphaned", "2 instances")

    def check(plan):
        seen.append(plan)
        return [] if plan.confirm_orphans else [finding]

    monkeypatch.setattr(deployment_checks, "_checks", [])
    deployment_checks.deployment_check_register(check)
    deployment_checks.deployment_check_register(check)
    workflow = make(ours)
    publish(ours, workflow)
    with pytest.raises(DocumentRefused) as refused:
        deploy(ours, workflow, 1)
    assert refused.value.problem()["findings"] == [finding.as_dict()]
    done = deploy(ours, workflow, 1, confirm_orphans=True, state_map={"order": {"packed": "ready"}})
    assert (done.are_orphans_confirmed, done.state_map) == (True, {"order": {"packed": "ready"}})
    assert [(plan.environment, plan.version) for plan in seen] == [("prod", 1), ("prod", 1)]


def test_an_address_leads_to_the_live_document_and_to_nothing_once_it_is_taken_out(two_tenants):
    ours, theirs = two_tenants
    workflow = make(ours)
    version = publish(ours, workflow)
    deployment = deploy(ours, workflow, 1)
    where = {"tenant_slug": ours.slug, "environment": "prod", "workflow_slug": "order-intake"}
    live = deployment_live(**where)
    assert (live.tenant_id, live.version_id, live.document) == (ours.id, version.id, CLEAN)
    assert live.secrets_version >= 1
    by_id = {"environment_id": live.environment_id, "workflow_id": workflow.id}
    assert deployment_live_by_id(tenant_id=ours.id, **by_id) == live
    assert deployment_live_by_id(tenant_id=theirs.id, **by_id) is None
    assert deployment_live(**where | {"environment": "dev"}) is None
    assert deployment_live(**where | {"tenant_slug": theirs.slug}) is None
    assert deployment_live(**where | {"tenant_slug": f"nobody-{uuid4().hex[:8]}"}) is None
    with acting(ours) as actor:
        ended = deployment_end(deployment_id=deployment.id, actor=actor)
        assert deployment_end(deployment_id=deployment.id, actor=actor) == ended
    assert deployment_live(**where) is None
    assert version_by_id(tenant_id=ours.id, version_id=version.id).document == CLEAN


def test_a_live_workflow_is_not_archived_and_an_archived_one_not_changed(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours)
    publish(ours, workflow)
    deployment = deploy(ours, workflow, 1)
    with acting(ours) as actor:
        with pytest.raises(WorkflowLive):
            workflow_archive(workflow_id=workflow.id, actor=actor)
        deployment_end(deployment_id=deployment.id, actor=actor)
        assert workflow_archive(workflow_id=workflow.id, actor=actor).archived_at is not None
        assert workflow_list().items == []
        assert [found.id for found in workflow_list(archived=True).items] == [workflow.id]
        with pytest.raises(WorkflowArchived):
            draft_save(workflow_id=workflow.id, text="", if_revision=1, actor=actor)
        with pytest.raises(WorkflowArchived):
            deployment_create(workflow_id=workflow.id, environment="prod", version=1, actor=actor)
        with pytest.raises(WorkflowArchived):
            workflow_rename(workflow_id=workflow.id, name="x", actor=actor)
        assert workflow_restore(workflow_id=workflow.id, actor=actor).archived_at is None
    assert publish(ours, workflow).number == 2


def test_a_viewer_reads_and_changes_nothing(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours)
    with acting(ours, "viewer") as viewer:
        for attempt in (
            lambda: workflow_create(project_id=ours.project.id, name="x", actor=viewer),
            lambda: workflow_rename(workflow_id=workflow.id, name="x", actor=viewer),
            lambda: workflow_archive(workflow_id=workflow.id, actor=viewer),
            lambda: workflow_restore(workflow_id=workflow.id, actor=viewer),
            lambda: draft_save(workflow_id=workflow.id, text="", if_revision=1, actor=viewer),
            lambda: version_publish(workflow_id=workflow.id, actor=viewer),
            lambda: deployment_create(workflow_id=workflow.id, environment="prod", version=1, actor=viewer),
        ):
            with pytest.raises(Forbidden):
                attempt()
        assert workflow_get(workflow_id=workflow.id).name == "Order intake"


@pytest.mark.spec("SPINE-B3.11")
def test_each_deed_leaves_an_audit_row_and_an_event_in_its_transaction(two_tenants):
    ours, _ = two_tenants
    workflow = make(ours)
    publish(ours, workflow)
    deploy(ours, workflow, 1)
    with acting(ours):
        verbs = set(AuditEntry.objects.filter(target_id=workflow.id).values_list("verb", flat=True))
        events = set(Outbox.objects.values_list("name", flat=True))
    assert verbs == {"workflow.create", "version.publish", "deployment.create"}
    assert {"workflow.created", "version.published", "deployment.changed"} <= events


@pytest.mark.spec("SPINE-B7.11")
def test_lists_go_page_by_page_and_may_be_limited_to_a_project(two_tenants):
    ours, _ = two_tenants
    for name in ("first", "second", "third"):
        make(ours, name=name)
    with acting(ours):
        page = workflow_list(limit=2)
        assert [found.slug for found in page.items] == ["third", "second"]
        assert [found.slug for found in workflow_list(after=page.next).items] == ["first"]
        assert len(workflow_list(project_id=ours.project.id).items) == 3
        with pytest.raises(NotFound):
            workflow_list(project_id=uuid4())
