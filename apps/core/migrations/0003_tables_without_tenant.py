"""What the serving roles may do with the tables that belong to no tenant and to no app of ours."""

from django.db import migrations

from apps.core.tenant_table import GlobalTable

BEAT = (
    'django_celery_beat_clockedschedule',
    'django_celery_beat_crontabschedule',
    'django_celery_beat_intervalschedule',
    'django_celery_beat_periodictask',
    'django_celery_beat_periodictasks',
    'django_celery_beat_solarschedule',
)


class Migration(migrations.Migration):
    dependencies = [
        ('core', '0002_tables'),
        ('admin', '0003_logentry_add_action_flag_choices'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
        ('django_celery_beat', '0019_alter_periodictasks_options'),
        ('sessions', '0001_initial'),
    ]
    operations = [
        GlobalTable('django_session', app='select, insert, update, delete', ops=False),
        GlobalTable('django_content_type'),
        GlobalTable('django_migrations'),
        GlobalTable('django_admin_log'),
        GlobalTable('auth_permission'),
        GlobalTable('auth_group'),
        GlobalTable('auth_group_permissions'),
        *[GlobalTable(table, app='select, insert, update, delete') for table in BEAT],
    ]
