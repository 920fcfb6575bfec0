from django.urls import path

from triage_site.ops import views
from triage_site.ops.monitoring import views as monitoring

urlpatterns = [
    path("", views.ops, name="ops"),
    path("state/", views.state, name="ops_state"),
    path("triage/", monitoring.monitoring, name="ops_monitoring"),
    path("triage/promote/", monitoring.promote, name="ops_promote"),
    path("triage/undo/", monitoring.undo, name="ops_undo"),
]
