-- Grouped creates of one tenant (role app): each object with the row of the request that made it.

-- name: make_temporary
create temporary table resources_new (
    run_id uuid, id uuid, tenant_id uuid, environment_id uuid, workflow_id uuid, kind text, key text, data bytea,
    state text, created_at timestamptz, updated_at timestamptz
) on commit delete rows

-- name: copy_resources
copy pg_temp.resources_new from stdin (format binary)

-- name: insert_resources
with stored as (
    insert into runs_storedresource
        (id, tenant_id, environment_id, workflow_id, kind, key, data, state, created_at, updated_at)
    select id, tenant_id, environment_id, workflow_id, kind, key, data, state, created_at, updated_at
    from pg_temp.resources_new
    on conflict (tenant_id, environment_id, workflow_id, kind, key) do nothing
    returning id
)
delete from pg_temp.runs_new n using pg_temp.resources_new r
where r.run_id = n.id and r.id not in (select id from stored)
    and (select s.id from runs_storedresource s where s.id = r.id) is null
returning n.id
