from django.urls import path

from triage_site.cases import account_views, care_views, live_views, views

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
    path("cases/<uuid:case_id>/override/", care_views.override, name="override"),
    path("cases/<uuid:case_id>/seen/", care_views.seen, name="seen"),
    path("cases/<uuid:case_id>/close/", care_views.close, name="close"),
    path("cases/<uuid:case_id>/reopen/", care_views.reopen, name="reopen"),
    path("cases/<uuid:case_id>/vitals/", care_views.vitals, name="vitals"),
    path("cases/<uuid:case_id>/note/", care_views.note, name="note"),
    path("cases/<uuid:case_id>/proposal/", care_views.proposal, name="proposal"),
    path("cases/<uuid:case_id>/retry/", care_views.retry, name="retry"),
    path("cases/<uuid:case_id>/print/", views.print_page, name="print"),
    path("account/", account_views.account, name="account"),
    path("account/password/", account_views.password, name="password"),
    path("account/second-factor/", account_views.second_factor, name="second_factor"),
    path("account/sessions/end/", account_views.end_session, name="end_session"),
    path("account/tokens/make/", account_views.make_token, name="make_token"),
    path("account/tokens/revoke/", account_views.revoke_token, name="revoke_token"),
    path("live/cases/<uuid:case_id>/", live_views.case, name="live_case"),
    path("live/<slug:name>/", live_views.page, name="live"),
]
