"""Cases keep their words as a search compares them; old cases are filled a batch at a time."""

from django.db import migrations

import triage_site.cases.search_text
from triage_site.cases.search_text import case_words, label_words

BATCH = 500


def fill(apps, schema_editor):
    Case = apps.get_model("cases", "Case")
    notes = apps.get_model("cases", "CaseNote").objects.order_by("at", "id")
    newest = 0
    fields = ("number", "label", "facts")
    while cases := list(
        Case.objects.filter(number__gt=newest).only(*fields).order_by("number")[:BATCH]
    ):
        newest = cases[-1].number
        texts = {case.number: [str(case.facts.get("text", ""))] for case in cases}
        for number, text in notes.filter(case__in=texts).values_list("case_id", "text"):
            texts[number].append(text)
        for case in cases:
            case.search_label = label_words(case.label)
            case.search_text = case_words(case.label, *texts[case.number])
        Case.objects.bulk_update(cases, ["search_label", "search_text"], batch_size=100)


class Migration(migrations.Migration):
    dependencies = [("cases", "0019_transferred_cases")]

    operations = [
        migrations.AddField(
            "case",
            "search_label",
            triage_site.cases.search_text.SearchLabelField(
                blank=True, db_index=True, default="", editable=False, max_length=200
            ),
        ),
        migrations.AddField(
            "case",
            "search_text",
            triage_site.cases.search_text.SearchTextField(blank=True, default="", editable=False),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
