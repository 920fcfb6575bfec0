from typing import Any

from django.db import migrations
from django.utils import timezone


def write_receipts(apps: Any, schema_editor: Any) -> None:
    """A replay starts from the jobs that are open now."""
    moves = apps.get_model("scheduling", "QueueMove")
    changes = apps.get_model("scheduling", "PolicyChange")
    policy = changes.objects.order_by("-changed_at", "-id").values_list("new", flat=True).first()
    rows = apps.get_model("scheduling", "Job").objects.filter(status__in=("waiting", "running"))
    moves.objects.bulk_create(
        [
            moves(
                job_id=job.id,
                at=timezone.now(),
                kind="queued" if job.status == "waiting" else "started",
                status=job.status,
                policy=policy or "semantic",
                why="before receipts",
                factors={
                    "priority": job.priority,
                    "arrival": job.arrival_at.timestamp(),
                    "prompt": job.prompt_tokens,
                    "predicted": job.predicted_tokens,
                    "generated": job.generated_tokens,
                    "due": job.due_at.timestamp() if job.due_at else None,
                    "manual": None,
                },
            )
            for job in rows.defer("prompt", "output", "progress_text", "progress_token_ids")
        ],
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0006_queue_moves"),
    ]

    operations = [migrations.RunPython(write_receipts, migrations.RunPython.noop)]
