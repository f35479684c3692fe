"""Seal the secrets of second factors, and let none be kept that is not."""

from django.db import migrations

from core import sealing

SEALED = "sealed:"


def of(device):
    return f"authenticator of user {device.user_id}"


def seal(apps, _schema_editor):
    for device in apps.get_model("otp_totp", "TOTPDevice").objects.exclude(key__startswith=SEALED):
        device.key = SEALED + sealing.seal_secret(bytes.fromhex(device.key), of=of(device))
        device.save(update_fields=["key"])


def unseal(apps, _schema_editor):
    for device in apps.get_model("otp_totp", "TOTPDevice").objects.filter(key__startswith=SEALED):
        device.key = sealing.unseal_secret(device.key.removeprefix(SEALED), of=of(device)).hex()
        device.save(update_fields=["key"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_saved_views"), ("otp_totp", "0003_add_timestamps")]

    operations = [
        migrations.CreateModel(
            name="Authenticator",
            fields=[],
            options={"proxy": True, "default_permissions": (), "indexes": [], "constraints": []},
            bases=("otp_totp.totpdevice",),
        ),
        migrations.RunPython(seal, unseal),
        migrations.RunSQL(
            f"ALTER TABLE otp_totp_totpdevice ADD CONSTRAINT second_factor_sealed CHECK (starts_with(key, '{SEALED}'))",
            "ALTER TABLE otp_totp_totpdevice DROP CONSTRAINT second_factor_sealed",
        ),
    ]
