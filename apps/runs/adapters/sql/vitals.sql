-- What the product's own metrics say about the database (role relay).

-- name: patience
set local statement_timeout = '2s'

-- name: unowned
select count(*) from runs_unowned()

-- name: sweeps
select name, extract(epoch from last_success)::float8 from runs_sweep where last_success is not null

-- name: default_rows
select parent, held from weft_default_rows(10000)
