"""In the console everything has a name in the reader's language."""

import re
from collections.abc import Iterator

from django.contrib import admin
from django.db import models
from django.utils import translation

from billing.models import Charge
from config.naming import OURS

CHINESE = re.compile("[\u4e00-\u9fff]")
UNITS = {"ID", "FP16（TFLOPS）", "INT8（TOPS）"}


def named() -> Iterator[tuple[str, str]]:
    for model in admin.site._registry:
        yield model._meta.label, str(model._meta.verbose_name)
        for field in model._meta.get_fields():
            if isinstance(field, models.Field):
                yield str(field), str(field.verbose_name)


def test_every_register_and_every_column_has_a_chinese_name():
    with translation.override("zh-hans"):
        missing = {where: name for where, name in named() if name not in UNITS and not CHINESE.search(name)}

    assert missing == {}


def test_no_row_is_called_an_object():
    ours = [model for model in admin.site._registry if model._meta.app_label in OURS]

    assert [model._meta.label for model in ours if model.__str__ is models.Model.__str__] == []
    with translation.override("zh-hans"):
        assert str(Charge(pk=1234)) == "计费明细 1234"
