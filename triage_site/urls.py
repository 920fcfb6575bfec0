"""All URLs. `/healthz/`, probes of `/readyz/` and `/live/` are handled before Django's routes."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from triage_site import health, metrics, web_rules
from triage_site.cases.views import Login
from triage_site.ops.api import api

handler500 = "triage_site.outage.server_error"

urlpatterns = [
    path("", include("triage_site.cases.urls")),
    path("ops/", include("triage_site.ops.urls")),
    path("login/", Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("api/", api.urls),
    path("readyz/", health.readiness, name="ready"),
    path("metrics", metrics.metrics, name="metrics"),
    path(".well-known/security.txt", web_rules.security_txt, name="security_txt"),
]
