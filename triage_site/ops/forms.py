"""The switch of the live policy."""

from __future__ import annotations

from django import forms

from scheduling.core.policies import POLICIES


class PolicyForm(forms.Form):
    policy = forms.ChoiceField(
        choices=[(name, policy.title) for name, policy in POLICIES.items()],
        error_messages={"required": "choose a policy"},
    )
    reason = forms.CharField(
        max_length=500,
        error_messages={"required": "say why; it goes into the audit log"},
    )
