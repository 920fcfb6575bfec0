"""Tells the floors above that a job has moved, inside the transaction that moved it."""

from __future__ import annotations

from django.dispatch import Signal

# Arguments: job (already moved), old (JobStatus | None), now (datetime), detail (dict of
# plain numbers and words, never clinical text).
job_moved = Signal()
