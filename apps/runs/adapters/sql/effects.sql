-- The effect ledger (role relay): intents before, receipts after, never fenced.

-- name: intend
insert into runs_effectentry (id, tenant_id, run_id, step_key, attempt, kind, effect, key, intended_at)
select n.*, weft_now() from unnest(
    %(ids)s::uuid[], %(tenants)s::uuid[], %(runs)s::uuid[], %(keys)s::uuid[], %(attempts)s::smallint[],
    %(kinds)s::text[], %(effects)s::text[], %(texts)s::text[]
) as n
on conflict (tenant_id, step_key, attempt) do nothing

-- name: receive
update runs_effectentry e set receipt = n.receipt, received_at = weft_now()
from unnest(%(tenants)s::uuid[], %(keys)s::uuid[], %(attempts)s::smallint[], %(receipts)s::bytea[])
    as n (tenant_id, step_key, attempt, receipt)
where e.tenant_id = n.tenant_id and e.step_key = n.step_key and e.attempt = n.attempt and e.receipt is null

-- name: unknown_runs
select distinct r.id from runs_run r
where r.id = any(%(runs)s::uuid[]) and r.wait_reason = 'unknown effect'
