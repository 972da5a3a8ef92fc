"""Functions of the owner: the clock, and the partitions and expiries that a sweep may ask for."""

from django.db import migrations

from apps.core.tenant_table import role

CLOCK = """
create function weft_now() returns timestamptz language sql volatile parallel safe as $$
    select clock_timestamp() + coalesce(nullif(current_setting('app.clock_offset', true), '')::interval, interval '0')
$$
"""

DAY_START = """
create function weft_day_start(day date) returns uuid language sql immutable parallel safe as $$
    select (lpad(to_hex((extract(epoch from day::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$
"""

ENSURE = """
create function weft_partitions_ensure(ahead integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    parent regclass; day date; name text; low uuid; high uuid; made integer := 0;
begin
    for parent in
        select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'p' and n.nspname = 'public' and pg_get_partkeydef(c.oid) = 'RANGE (id)' order by c.relname
    loop
        for offset_days in 0 .. ahead loop
            day := (clock_timestamp() at time zone 'UTC')::date + offset_days;
            name := format('%s_p%s', parent::text, to_char(day, 'YYYYMMDD'));
            continue when to_regclass(format('public.%I', name)) is not null;
            low := public.weft_day_start(day);
            high := public.weft_day_start(day + 1);
            execute format('create table public.%I (like %s including defaults including constraints)', name, parent);
            execute format('with late as (delete from public.%I where id >= %L and id < %L returning *) '
                'insert into public.%I select * from late', parent::text || '_default', low, high, name);
            execute format('alter table %s attach partition public.%I for values from (%L) to (%L)',
                parent, name, low, high);
            made := made + 1;
        end loop;
    end loop;
    return made;
end $$
"""

DROP = """
create function weft_partitions_drop(parent text, before date) returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    name text; dropped integer := 0;
begin
    if before > (clock_timestamp() at time zone 'UTC')::date then
        raise exception 'only days that are over can be dropped';
    end if;
    for name in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        join pg_class p on p.oid = i.inhparent join pg_namespace n on n.oid = p.relnamespace
        where n.nspname = 'public' and p.relkind = 'p' and p.relname = parent
            and c.relname ~ ('^' || parent || '_p[0-9]{8}$')
            and to_date(right(c.relname, 8), 'YYYYMMDD') < before
    loop
        execute format('drop table public.%I', name);
        dropped := dropped + 1;
    end loop;
    return dropped;
end $$
"""

EXPIRE = """
create function weft_expired_delete() returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    removed integer; total integer := 0;
begin
    delete from public.core_idempotency_key where expires_at < public.weft_now();
    get diagnostics removed = row_count; total := total + removed;
    delete from public.core_event_seen where expires_at < public.weft_now();
    get diagnostics removed = row_count; total := total + removed;
    delete from public.tenants_sign_in_throttle
        where greatest(window_started_at, locked_until) < public.weft_now() - interval '1 day';
    get diagnostics removed = row_count; total := total + removed;
    return total;
end $$
"""


def for_relay(signature: str) -> list[str]:
    return [
        f"revoke all on function {signature} from public",
        f"grant execute on function {signature} to {role('relay')}",
    ]


def statement(forwards: str, backwards: str = migrations.RunSQL.noop) -> migrations.RunSQL:
    return migrations.RunSQL([forwards], [backwards] if backwards else backwards)


class Migration(migrations.Migration):
    dependencies: list[tuple[str, str]] = []
    operations = [
        statement(CLOCK, "drop function weft_now()"),
        statement(DAY_START, "drop function weft_day_start(date)"),
        statement(ENSURE, "drop function weft_partitions_ensure(integer)"),
        statement(DROP, "drop function weft_partitions_drop(text, date)"),
        statement(EXPIRE, "drop function weft_expired_delete()"),
        migrations.RunSQL(
            for_relay("weft_partitions_ensure(integer)")
            + for_relay("weft_partitions_drop(text, date)")
            + for_relay("weft_expired_delete()"),
            migrations.RunSQL.noop,
        ),
    ]
