-- Rows that are not sealed with the newest master key (role app, Django's connection). Each page is read in the order of
-- an index that begins with the tenant. Rows that somebody holds are passed over: whoever waits here holds no other row.

-- name: resources
select environment_id, workflow_id, kind, id, key, data from runs_storedresource
where tenant_id = %(tenant)s and (environment_id, workflow_id, kind, id) > (%(a)s, %(b)s, %(c)s, %(d)s)
    and substring(data from 1 for 5) <> %(head)s
order by environment_id, workflow_id, kind, id limit %(limit)s
for update skip locked

-- name: resources_left
select count(*) from runs_storedresource
where tenant_id = %(tenant)s and substring(data from 1 for 5) <> %(head)s

-- name: resource_write
update runs_storedresource set data = %s where id = %s

-- name: resource_rename
update runs_storedresource r set key = %(newest)s
where r.id = %(id)s and not exists (
    select from runs_storedresource n
    where n.tenant_id = r.tenant_id and n.environment_id = r.environment_id and n.workflow_id = r.workflow_id
        and n.kind = r.kind and n.key = %(newest)s
)

-- name: instances
select environment_id, workflow_id, machine, key, id, data, error from runs_instance
where tenant_id = %(tenant)s and (environment_id, workflow_id, machine, key) > (%(a)s, %(b)s, %(c)s, %(d)s)
    and (substring(data from 1 for 5) <> %(head)s or substring(error from 1 for 5) <> %(head)s)
order by environment_id, workflow_id, machine, key limit %(limit)s
for update skip locked

-- name: instances_left
select count(*) from runs_instance
where tenant_id = %(tenant)s
    and (substring(data from 1 for 5) <> %(head)s or substring(error from 1 for 5) <> %(head)s)

-- name: instance_write
update runs_instance set data = %s, error = %s where id = %s

-- name: receipts
select step_key, attempt, id, receipt from runs_effectentry
where tenant_id = %(tenant)s and (step_key, attempt) > (%(a)s, %(b)s) and substring(receipt from 1 for 5) <> %(head)s
order by step_key, attempt limit %(limit)s
for update skip locked

-- name: receipts_left
select count(*) from runs_effectentry
where tenant_id = %(tenant)s and substring(receipt from 1 for 5) <> %(head)s

-- name: receipt_write
update runs_effectentry set receipt = %s where id = %s
