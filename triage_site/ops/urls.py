from django.urls import path

from triage_site.ops import views

urlpatterns = [
    path("", views.ops, name="ops"),
    path("state/", views.state, name="ops_state"),
]
