"""Codes that are good once, recovery codes for a lost phone, and waiting after wrong ones."""

from importlib import import_module
from io import StringIO

import pytest
import time_machine
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import AuditEntry, Authenticator, OrganizationKind, Role, SecondFactorUnreadable, User
from accounts.services import organizations, second_factor
from accounts.services.audit import SYSTEM, Actor
from core.constraints import constraint_name
from tests.market import scenes
from tests.market.races import race
from tests.market.scenes import AT
from tests.owning import as_owner

STEP = 30


@pytest.fixture
def user(db):
    return User.objects.create(username="officer")


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


def shown(user):
    return f"{totp(Authenticator.objects.get(user=user).bin_key):06d}"


def enrolled(user):
    second_factor.begin(user=user)
    return second_factor.confirm(user=user, code=shown(user), at=AT).codes


@pytest.mark.parametrize(
    ("kind", "staff", "needed"),
    [
        (OrganizationKind.BUYER, False, False),
        (OrganizationKind.PROVIDER, False, False),
        (OrganizationKind.BUYER, True, True),
        (OrganizationKind.AUTHORITY, False, True),
        (OrganizationKind.OPERATOR, False, True),
    ],
)
def test_staff_authorities_and_the_operator_need_a_second_factor(user, kind, staff, needed):
    user.is_staff = staff
    of = scenes.organization(kind)
    organizations.add_member(organization=of, user=user, role=Role.VIEWER, actor=SYSTEM, at=AT)

    assert second_factor.is_needed(user) is needed


def test_an_app_is_enrolled_by_its_first_code_and_only_once(user, clock):
    device = second_factor.begin(user=user)
    assert second_factor.begin(user=user) == device

    with pytest.raises(second_factor.WrongCode):
        second_factor.confirm(user=user, code="000000", at=AT)
    assert not second_factor.enrolled(user)
    clock.shift(STEP)
    codes = second_factor.confirm(user=user, code=shown(user), at=AT).codes

    assert second_factor.enrolled(user)
    assert len(set(codes)) == 10
    assert not StaticToken.objects.filter(token__in=codes).exists(), "only hashes are kept"
    with pytest.raises(second_factor.EnrolledAlready):
        second_factor.begin(user=user)


def test_a_code_lets_in_once(user, clock):
    enrolled(user)

    with pytest.raises(second_factor.WrongCode):
        second_factor.verify(user=user, code=shown(user), at=AT)
    clock.shift(STEP)
    assert second_factor.verify(user=user, code=f" {shown(user)[:3]} {shown(user)[3:]}", at=AT).name == "authenticator"


def test_a_wrong_code_makes_the_next_one_wait(user, clock):
    enrolled(user)
    clock.shift(STEP)

    with pytest.raises(second_factor.WrongCode):
        second_factor.verify(user=user, code="000000", at=AT)
    with pytest.raises(second_factor.TooManyTries):
        second_factor.verify(user=user, code=shown(user), at=AT)
    clock.shift(2)
    second_factor.verify(user=user, code=shown(user), at=AT)


def test_a_recovery_code_lets_in_once_and_is_written_down(user, clock):
    codes = enrolled(user)

    assert second_factor.verify(user=user, code=f"{codes[0][:5]}-{codes[0][5:]}".upper(), at=AT).name == "recovery"
    with pytest.raises(second_factor.WrongCode):
        second_factor.verify(user=user, code=codes[0], at=AT)
    clock.shift(2)
    fresh = second_factor.renew_codes(user=user, at=AT)
    with pytest.raises(second_factor.WrongCode):
        second_factor.verify(user=user, code=codes[1], at=AT)
    clock.shift(2)
    second_factor.verify(user=user, code=fresh[1], at=AT)
    assert AuditEntry.objects.filter(verb="second-factor.recovery-code-used").count() == 2


def test_somebody_who_never_enrolled_has_no_code(user):
    for code in ("123456", "abcdefghjk", ""):
        with pytest.raises(second_factor.WrongCode):
            second_factor.verify(user=user, code=code, at=AT)


def test_a_lost_factor_is_removed_by_somebody_else(user):
    enrolled(user)
    other = User.objects.create(username="administrator")

    with pytest.raises(second_factor.NotYourOwn):
        second_factor.remove(user=user, actor=Actor(user=user), at=AT)
    second_factor.remove(user=user, actor=Actor(user=other), at=AT)

    assert not second_factor.enrolled(user)
    assert not StaticToken.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_code_shown_to_eight_sessions_at_once_lets_in_one(user, clock):
    enrolled(user)
    clock.shift(STEP)
    code = shown(user)

    outcomes = race(lambda _number: second_factor.verify(user=user, code=code, at=AT), threads=8)

    assert outcomes["ok"] == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_one_code_lets_in_many(user, clock):
    enrolled(user)
    clock.shift(STEP)
    code = shown(user)
    copies = [Authenticator.objects.get(user=user) for _copy in range(8)]  # everyone has read before anyone writes
    let_in = []

    race(lambda number: let_in.append(copies[number].verify_token(code)), threads=8)

    assert sum(let_in) > 1


def test_a_copy_of_the_database_tells_no_secret_and_none_is_kept_unsealed(user, settings):
    settings.ACCESS_KEYS = ["old"]
    enrolled(user)
    device = Authenticator.objects.get()
    secret, kept = device.bin_key, Authenticator.objects.values_list("key", flat=True)
    other = User.objects.create(username="other")

    assert len(secret) == 20
    assert secret.hex() not in kept.get()
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        TOTPDevice.objects.create(user=other)
    assert constraint_name(refusal.value) == "second_factor_sealed"
    # What is written into another's row opens nothing there.
    stolen = Authenticator(user=other, key=device.key)
    assert (device.is_readable, stolen.is_readable) == (True, False)

    settings.ACCESS_KEYS = ["new", "old"]
    call_command("reseal_second_factors", stdout=StringIO())
    settings.ACCESS_KEYS = ["new"]
    assert Authenticator.objects.get().bin_key == secret
    settings.ACCESS_KEYS = ["other"]
    with pytest.raises(SecondFactorUnreadable):
        second_factor.verify(user=user, code="123456", at=AT)
    with pytest.raises(CommandError, match="1 of 1"):
        call_command("reseal_second_factors")
    Authenticator.objects.update(confirmed=False)
    assert second_factor.begin(user=user).bin_key != secret


def test_what_was_kept_before_is_sealed_and_can_be_taken_back(user):
    migration = import_module("accounts.migrations.0010_seal_second_factors")
    secret = Authenticator.objects.create(user=user).bin_key

    connection.check_constraints()
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE otp_totp_totpdevice DROP CONSTRAINT second_factor_sealed")
    migration.unseal(apps, None)
    plain = TOTPDevice.objects.get().key
    migration.seal(apps, None)

    assert plain == secret.hex()
    assert Authenticator.objects.get().bin_key == secret
