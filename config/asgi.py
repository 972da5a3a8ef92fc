"""The web process: tenants' traffic to the ingress, sockets to Channels, everything else to Django on threads."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.prod")

import django

django.setup()

from apps.core.startup import refuse_unsafe_database
from apps.runs.ingress import Ingress
from config.health import Health
from config.sockets import sockets
from config.threads import DjangoOnThreads
from config.web import WebProcess

application = WebProcess(Ingress(Health(DjangoOnThreads())), sockets(), refuse_unsafe_database)
