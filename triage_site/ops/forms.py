"""The form for the active policy."""

from __future__ import annotations

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
