"""The forms of the console: the active policy, and the pause of admission."""

from __future__ import annotations

from typing import Any

from django import forms

from scheduling.core.policies import POLICIES


class PolicyForm(forms.Form):
    policy = forms.ChoiceField(
        choices=[(name, policy.title) for name, policy in POLICIES.items()],
        error_messages={"required": "Choose a policy"},
    )
    reason = forms.CharField(
        max_length=500,
        error_messages={"required": "Enter a reason (kept in the audit log)"},
    )
    confirmed = forms.BooleanField(required=False)
    seen = forms.CharField(required=False)  # the preview that the page showed, signed

    def clean(self) -> dict[str, Any]:
        got = self.cleaned_data
        policy = POLICIES.get(got.get("policy", ""))
        if policy is not None and policy.ignores_urgency and not got.get("confirmed"):
            self.add_error("confirmed", "Confirm that urgent cases may wait behind others")
        return got


class PauseForm(forms.Form):
    """Pauses or resumes admission. A pause needs a reason."""

    action = forms.ChoiceField(choices=[("pause", "pause"), ("resume", "resume")])
    reason = forms.CharField(required=False, max_length=500)
    paused = forms.CharField(required=False)  # errors of the state
