"""Addresses of the sockets."""

from django.urls import path

from apps.runs.consumers.live import LiveConsumer

urlpatterns = [path("ws/t/<slug:tenant>/", LiveConsumer.as_asgi())]
