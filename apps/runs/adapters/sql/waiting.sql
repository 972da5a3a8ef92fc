-- A caller that waits for a run it started (role app).

-- name: ended
select state, output, error from runs_run where id = %s and state in ('done', 'failed', 'cancelled')
