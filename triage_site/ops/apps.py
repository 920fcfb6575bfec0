from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "triage_site.ops"
    label = "ops"

    def ready(self) -> None:
        from triage_site.cases.live_pages import LivePage, register_page
        from triage_site.cases.roles import Action
        from triage_site.ops.live import render_live
        from triage_site.ops.replays import render_replays

        register_page("ops", LivePage(action=Action.CONSOLE, render=render_live))
        register_page("replays", LivePage(action=Action.CONSOLE, render=render_replays))
