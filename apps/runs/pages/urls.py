"""Addresses of home, runs, schedules, instances, messages and the search of the command bar."""

from django.urls import path

from apps.runs.pages import home, schedules, search, stories, views

IN_TENANT = "t/<slug:tenant>"

urlpatterns = [
    path(f"{IN_TENANT}/", home.Home.as_view(), name="home"),
    path(f"{IN_TENANT}/runs", views.Runs.as_view(), name="runs"),
    path(f"{IN_TENANT}/runs/<uuid:run_id>", views.Run.as_view(), name="run"),
    path(f"{IN_TENANT}/runs/<uuid:run_id>/cancel", views.RunCancel.as_view(), name="run-cancel"),
    path(f"{IN_TENANT}/runs/<uuid:run_id>/retry", views.RunRetry.as_view(), name="run-retry"),
    path(f"{IN_TENANT}/schedules", schedules.Schedules.as_view(), name="schedules"),
    path(f"{IN_TENANT}/instances", stories.Instances.as_view(), name="instances"),
    path(f"{IN_TENANT}/instances/<uuid:instance_id>", stories.Instance.as_view(), name="instance"),
    path(f"{IN_TENANT}/messages", stories.Messages.as_view(), name="messages"),
    path(f"{IN_TENANT}/messages/<uuid:message_id>", stories.Message.as_view(), name="message"),
    path(f"{IN_TENANT}/search", search.Search.as_view(), name="search"),
]
