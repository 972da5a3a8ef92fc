-- What a document's metrics page asks (role app, in the tenant's scope).

-- name: unfinished
select section, count(*) from (
    select section from runs_run
    where state in ('running', 'waiting') and environment_id = %s and workflow_id = %s limit 10000
) as counted group by section
