-- The product's own sweeps (role relay).

-- name: lock
select pg_try_advisory_xact_lock(hashtextextended(%s, 0))::int

-- name: expire
select weft_expired_delete()

-- name: expire_resources
select runs_expired_delete()

-- name: forget_secrets
select tenants_secrets_forget()

-- name: forget_workers
delete from runs_worker where seen_at < weft_now() - interval '1 day'

-- name: partitions_ensure
select weft_partitions_ensure(%s)

-- name: partitions_drop
select weft_partitions_drop(%s, %s)

-- name: unowned
select tenant_id, run_id from runs_unowned()

-- name: succeeded
insert into runs_sweep (name, last_success, last_error, counts) values (%s, weft_now(), null, %s)
on conflict (name) do update set last_success = excluded.last_success, last_error = null, counts = excluded.counts

-- name: late
select wanted.name from unnest(%(names)s::text[], %(seconds)s::float8[]) as wanted (name, seconds)
left join runs_sweep known on known.name = wanted.name
where known.last_success is null or known.last_success < weft_now() - make_interval(secs => wanted.seconds)
