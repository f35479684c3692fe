"""The naive way to take usage in: a DRF serializer for every event and bulk_create."""

import json
from typing import Any
from uuid import UUID

from django.db import models, transaction
from rest_framework import serializers

from benchmarks.usage_scene import Scene


class NaiveUsage(models.Model):
    """A row of a table like the real one."""

    batch_id = models.BigIntegerField()
    provider_id = models.UUIDField()
    event_id = models.CharField(max_length=120)
    reservation_id = models.UUIDField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    accelerators = models.IntegerField()
    accelerator_ms = models.BigIntegerField()
    body_sha256 = models.BinaryField()

    class Meta:
        app_label = "market"
        managed = False
        db_table = "naive_usage"


class SpanIn(serializers.Serializer[Any]):
    """The interval."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    resource_class = serializers.CharField(max_length=255)
    accelerators = serializers.IntegerField(min_value=1)
    accelerator_ms = serializers.IntegerField(min_value=1)


class EventIn(serializers.Serializer[Any]):
    """The event."""

    specversion = serializers.ChoiceField(["1.0"])
    id = serializers.CharField(max_length=120)
    source = serializers.CharField(max_length=255)
    type = serializers.ChoiceField(["compute.usage.interval.v1"])
    subject = serializers.CharField(max_length=255)
    data = SpanIn()


@transaction.atomic
def take(scene: Scene, body: bytes) -> None:
    """Check a report and write it."""
    form = EventIn(data=json.loads(body), many=True)
    form.is_valid(raise_exception=True)
    NaiveUsage.objects.bulk_create([row(scene, one) for one in form.validated_data], ignore_conflicts=True)


def row(scene: Scene, one: dict[str, Any]) -> NaiveUsage:
    """Return the row of an event."""
    return NaiveUsage(
        batch_id=1,
        provider_id=scene.provider.pk,
        event_id=one["id"],
        reservation_id=UUID(one["subject"].partition("/")[2]),
        starts_at=one["data"]["start"],
        ends_at=one["data"]["end"],
        accelerators=one["data"]["accelerators"],
        accelerator_ms=one["data"]["accelerator_ms"],
        body_sha256=bytes(32),
    )
