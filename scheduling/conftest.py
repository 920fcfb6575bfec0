"""Hypothesis profile for law tests: no time limit per example, so a busy machine fails none."""

from hypothesis import HealthCheck, settings

settings.register_profile("laws", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("laws")
