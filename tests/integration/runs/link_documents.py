"""Workflows that are linked with each other: each says things and listens under topics of its own."""

import orjson
import psycopg

from apps.core.scope import scope
from apps.core.sealing import opened
from apps.runs.rules.sealing import MESSAGE_PAYLOAD, RUN_INPUT
from apps.workflows.operations.links import link_create

SOURCE = """\
modules:
  - {name: server, type: http.server, config: {address: ":8080"}}
  - {name: router, type: http.router}
  - {name: bus, type: messaging.broker}
  - {name: engine, type: statemachine.engine}
workflows:
  http:
    routes:
      - {method: POST, path: /say, handler: say}
  statemachine:
    engine: engine
    definitions:
      - name: lamp
        initialState: "off"
        states: {"off": {}, "on": {}}
        transitions: {light: {fromState: "off", toState: "on"}}
  pipelines:
    say:
      steps:
        - {name: validated, emit: order.validated, payload: "${data}", key: "${data.id}"}
        - {name: other, emit: stock.low, payload: "${data}"}
        - {name: answer, respond: {status: 202, body: {said: true}}}
"""
TARGET = """\
modules:
  - {name: bus, type: messaging.broker}
  - {name: engine, type: statemachine.engine}
workflows:
  messaging:
    subscriptions:
      - {topic: incoming.order, handler: take}
  statemachine:
    engine: engine
    definitions:
      - name: parcel
        initialState: new
        states: {new: {}, packed: {isFinal: true}}
        transitions: {pack: {fromState: new, toState: packed}}
  pipelines:
    take:
      steps:
        - {name: taken, set: {taken: true}}
"""


def link(tenant, source, target, link_type, **config):
    """Join two workflows and return the link."""
    said = {"target_workflow_id": str(target.id), "link_type": link_type, "config": config}
    with scope(tenant.id, tenant.actor):
        return link_create(workflow_id=source.id, said=said, actor=tenant.actor)


def rows(database, statement, *values):
    """Read as the superuser does."""
    with psycopg.connect(database.superuser_url) as connection:
        return connection.execute(statement, values).fetchall()


def runs_of(database, tenant, workflow):
    """Return (source, workflow, action, state, input) of a workflow's runs, oldest first."""
    found = rows(
        database,
        "select source, workflow_name, action, state, input from runs_run"
        " where tenant_id = %s and workflow_id = %s order by id",
        tenant.id,
        workflow.id,
    )
    return [(*row[:-1], row[-1] and orjson.loads(opened(row[-1], tenant.id, RUN_INPUT))) for row in found]


def said_by(database, tenant, workflow):
    """Return (topic, key, payload) of the messages that a workflow published, oldest first."""
    found = rows(
        database,
        "select topic, key, payload from runs_message where tenant_id = %s and workflow_id = %s order by id",
        tenant.id,
        workflow.id,
    )
    return [(topic, key, orjson.loads(opened(payload, tenant.id, MESSAGE_PAYLOAD))) for topic, key, payload in found]


def dead(database, tenant):
    """Return (state, error code) of the runs that tell of the tenant's dead letters."""
    return rows(
        database,
        "select r.state, r.error from runs_delivery d join runs_run r on r.id = d.run_id"
        " where d.tenant_id = %s and d.dead_at is not null order by d.id",
        tenant.id,
    )
