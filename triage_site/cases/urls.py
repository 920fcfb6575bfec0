from django.urls import path

from triage_site.cases import views

urlpatterns = [
    path("", views.board, name="board"),
    path("board/", views.board_fragment, name="board_fragment"),
    path("preview/", views.preview, name="preview"),
    path("stay/", views.stay, name="stay"),
    path("cases/new/", views.new_case, name="new_case"),
    path("cases/<uuid:case_id>/", views.case_page, name="case"),
    path("cases/<uuid:case_id>/panel/", views.panel, name="panel"),
    path("cases/<uuid:case_id>/facts/", views.facts, name="facts"),
    path("cases/<uuid:case_id>/guidance/", views.guidance, name="guidance"),
    path("cases/<uuid:case_id>/override/", views.override, name="override"),
    path("cases/<uuid:case_id>/cancel/", views.cancel, name="cancel"),
    path("cases/<uuid:case_id>/retry/", views.retry, name="retry"),
    path("cases/<uuid:case_id>/print/", views.print_page, name="print"),
]
