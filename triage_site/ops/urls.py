from django.urls import path

from triage_site.ops import audit_views, opening_views, queue_views, replay_views, views
from triage_site.ops.comparisons import views as comparisons
from triage_site.ops.monitoring import views as monitoring
from triage_site.ops.monitoring.sign_views import sign_tables

urlpatterns = [
    path("", views.ops, name="ops"),
    path("preview/", views.preview, name="ops_preview"),
    path("undo/<int:change_id>/", views.undo, name="switch_undo"),
    path("state/", views.state, name="ops_state"),
    path("queue/", queue_views.queue, name="ops_queue"),
    path("queue/state/", queue_views.queue_state, name="ops_queue_state"),
    path("series/", views.series, name="ops_series"),
    path("replays/", replay_views.replays, name="replays"),
    path("replays/state/", replay_views.state, name="replays_state"),
    path("replays/<uuid:replay_id>/stop/", replay_views.stop, name="replay_stop"),
    path("replays/<uuid:replay_id>/remove/", replay_views.remove, name="replay_remove"),
    path("comparisons/", comparisons.comparisons, name="comparisons"),
    path("comparisons/<uuid:comparison_id>/", comparisons.comparison, name="comparison"),
    path(
        "comparisons/<uuid:comparison_id>/progress/",
        comparisons.progress,
        name="comparison_progress",
    ),
    path("comparisons/<uuid:comparison_id>/cancel/", comparisons.cancel, name="comparison_cancel"),
    path(
        "comparisons/uploads/<uuid:upload_id>/remove/",
        comparisons.remove_upload,
        name="remove_upload",
    ),
    *(
        path(
            f"comparisons/<uuid:comparison_id>/{what}",
            comparisons.download,
            {"what": what},
            name=f"comparison_{what.replace('.', '_')}",
        )
        for what in comparisons.DOWNLOADS
    ),
    path("openings/", opening_views.opening_list, name="ops_openings"),
    path("openings/alerts/", opening_views.opening_alerts, name="opening_alerts"),
    path(
        "openings/<int:opening_id>/acknowledge/",
        opening_views.acknowledge,
        name="acknowledge_opening",
    ),
    path("openings/<int:opening_id>/review/", opening_views.review, name="review_opening"),
    path("audit/", audit_views.audit, name="audit"),
    path("audit/audit.csv", audit_views.download, name="audit_csv"),
    path("triage/", monitoring.monitoring, name="ops_monitoring"),
    path("triage/signs/", sign_tables, name="ops_signs"),
    path("triage/promote/", monitoring.promote, name="ops_promote"),
    path("triage/undo/", monitoring.undo, name="ops_undo"),
]
