-- A caller's Idempotency-Key, in the transaction of what it protects (role app; data.md 4).

-- name: take
select pg_try_advisory_xact_lock(hashtextextended(%s, 0))

-- name: find
select request_hash, status, headers, body from core_idempotency_key
where tenant_id = %s and scope = %s and key = %s and expires_at > weft_now()

-- name: keep
insert into core_idempotency_key
    (id, tenant_id, scope, key, request_hash, status, headers, body, created_at, expires_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, weft_now(), weft_now() + interval '24 hours')
on conflict (tenant_id, scope, key) do update set
    request_hash = excluded.request_hash, status = excluded.status, headers = excluded.headers, body = excluded.body,
    created_at = excluded.created_at, expires_at = excluded.expires_at
