"""A function of the owner: how many rows lie in default partitions, which the serving roles may not open."""

from django.db import migrations

from apps.core.tenant_table import role

ROWS = """
create function weft_default_rows(most integer) returns table (parent text, held bigint)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    child name;
begin
    for parent, child in
        select p.relname, d.relname
        from pg_partitioned_table t join pg_class p on p.oid = t.partrelid join pg_class d on d.oid = t.partdefid
            join pg_namespace n on n.oid = p.relnamespace
        where n.nspname = 'public' order by p.relname
    loop
        execute format('select count(*) from (select from public.%I limit %s) seen', child, most) into held;
        return next;
    end loop;
end $$
"""


class Migration(migrations.Migration):
    dependencies = [('core', '0003_tables_without_tenant')]
    operations = [
        migrations.RunSQL(
            [
                ROWS,
                'revoke all on function weft_default_rows(integer) from public',
                f"grant execute on function weft_default_rows(integer) to {role('relay')}",
            ],
            ['drop function weft_default_rows(integer)'],
        ),
    ]
