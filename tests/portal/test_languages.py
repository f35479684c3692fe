"""Chinese is the default language, and nothing is left untranslated."""

import re
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.test import Client

CATALOGUE = Path(settings.BASE_DIR) / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%")


def test_every_text_has_a_chinese_translation() -> None:
    catalogue = polib.pofile(str(CATALOGUE))

    assert len(catalogue) > 700
    assert [entry.msgid for entry in catalogue if not entry.translated()] == []
    assert [entry.msgid for entry in catalogue if entry.obsolete or entry.fuzzy] == []


def test_translations_keep_their_placeholders() -> None:
    for entry in polib.pofile(str(CATALOGUE)):
        chinese = entry.msgstr_plural[0] if entry.msgid_plural else entry.msgstr

        assert sorted(PLACEHOLDER.findall(chinese)) == sorted(PLACEHOLDER.findall(entry.msgid)), entry.msgid


def test_the_compiled_catalogue_is_the_written_one() -> None:
    written, compiled = polib.pofile(str(CATALOGUE)), polib.mofile(str(CATALOGUE.with_suffix(".mo")))

    def texts(entries: polib.POFile | polib.MOFile) -> dict[str, tuple[str, dict[int, str]]]:
        return {entry.msgid: (entry.msgstr, entry.msgstr_plural) for entry in entries}

    assert texts(compiled) == texts(written)


def test_every_text_of_the_source_is_in_the_catalogue() -> None:
    known = {entry.msgid for entry in polib.pofile(str(CATALOGUE))}
    literal = re.compile(r"""\b(?:_|gettext|gettext_lazy)\(\s*"((?:[^"\\]|\\.)+)"\s*[),%]""")
    tag = re.compile(r"""\{%\s*translate\s+(?:"([^"]+)"|'([^']+)')""")
    missing: dict[str, str] = {}

    for app in ["accounts", "billing", "config", "core", "ledger", "market", "portal", "vouchers"]:
        for path in (Path(settings.BASE_DIR) / app).rglob("*"):
            if path.suffix not in (".py", ".html") or "migrations" in path.parts:
                continue
            pattern = tag if path.suffix == ".html" else literal
            for match in pattern.finditer(path.read_text(encoding="utf-8")):
                text = next(group for group in match.groups() if group).replace('\\"', '"')
                if text not in known:
                    missing[text] = str(path)

    assert missing == {}


@pytest.mark.django_db
def test_pages_are_chinese_unless_english_is_asked_for(client: Client) -> None:
    chinese = client.get("/market/", headers={"accept-language": "zh-CN"}).content.decode()
    client.post("/i18n/setlang/", {"language": "en", "next": "/market/"})
    english = client.get("/market/").content.decode()

    assert '<html lang="zh-Hans"' in chinese
    assert "算力市场" in chinese
    assert '<html lang="en"' in english
    assert "算力市场" not in english


@pytest.mark.django_db
def test_a_browser_without_a_language_gets_chinese(client: Client) -> None:
    assert "算力市场" in client.get("/market/").content.decode()
