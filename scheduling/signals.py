"""The signal about a changed job, sent inside the transaction that changed it."""

from __future__ import annotations

from django.dispatch import Signal

# Arguments: job (with the new status), old (JobStatus | None), now (datetime), detail (dict of
# numbers and short words, never clinical text).
job_moved = Signal()
