-- Who listens to which broker outside: leases (role relay), and the mark of what was taken in (role app).

-- name: claim
with c as materialized (
    select id from runs_consumer
    where (owner is null or lease_until < (select weft_now())) and not (tenant_id = any(%(full)s::uuid[]))
    order by id limit %(limit)s for update skip locked
)
update runs_consumer r set owner = %(owner)s, lease_until = weft_now() + %(lease)s
from c where r.id = c.id
returning r.id, r.tenant_id, r.environment_id, r.workflow_id, r.version_id, r.broker

-- name: prolong
update runs_consumer set lease_until = weft_now() + %(lease)s
where owner = %(owner)s and id = any(%(consumers)s::uuid[])
returning id, tenant_id, environment_id, workflow_id, version_id, broker

-- name: release
update runs_consumer set owner = null, lease_until = null where owner = %(owner)s

-- name: hold
update runs_consumer set received_at = weft_now()
where id = %s and owner = %s and version_id = %s and lease_until > weft_now()
returning id
