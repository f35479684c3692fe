"""The console's pages about single rows, in a world where money has moved."""

import re

from django.contrib import admin
from django.db import models
from django.urls import reverse

from core.money import format_micro, format_yuan
from tests import verified
from tests.portal import world as worlds

MONEY = re.compile(r"_(fen|micro)$")


def test_pages_about_single_rows_show_money_in_yuan_as_the_lists_do(db: None) -> None:
    world = worlds.build()
    worlds.serve(world, worlds.place(world, at=worlds.LAST_MONTH), at=worlds.LAST_MONTH)
    worlds.settle_month(world, at=worlds.NOW)
    reader = worlds.person(world, "reader", world.operator, "owner")
    reader.is_staff = reader.is_superuser = True
    reader.save()
    client = verified.client_of(reader)
    shown, hidden = set(), set()

    for model in admin.site._registry:
        row = model._default_manager.order_by("-pk").first()
        money = [field for field in model._meta.concrete_fields if MONEY.search(field.name) and field.editable]
        if row is None or not money:
            continue
        page = client.get(reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_change", args=[row.pk]))
        text = page.content.decode()
        assert (page.status_code, "（分）" in text, "（微元）" in text) == (200, False, False), model
        for field in money:
            kept = shown if f">{_written(field, row)}<" in re.sub(r">\s+|\s+<", _bare, text) else hidden
            kept.add(f"{model.__name__}.{field.name}")

    assert shown >= {"Charge.amount_fen", "Order.limit_micro", "Programme.budget_fen", "Settlement.net_fen"}
    assert hidden == {"Transfer.amounts_fen"}, "its movements are drawn as an account"


def _bare(found: re.Match[str]) -> str:
    return found[0].strip()


def _written(field: models.Field, row: models.Model) -> str:
    value = getattr(row, field.name)
    write = format_yuan if field.name.endswith("_fen") else format_micro
    if isinstance(value, list):
        return ", ".join(map(write, value))
    return "–" if value is None else write(value)
