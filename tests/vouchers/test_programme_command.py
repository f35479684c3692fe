"""Programmes as files: exported, changed, compared, drafted again."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.vouchers import scenes
from tests.vouchers.scenes import officer
from vouchers.models import Programme, ProgrammeVersion
from vouchers.parameters import codec

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    call_command("programme", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_a_programme_goes_out_as_a_file_and_comes_back_as_a_version(programme, tmp_path):
    file = tmp_path / "next.json"
    kept = codec.loads(run("export", programme.code))
    file.write_text(codec.dumps(codec.changed(kept, {"caps.order_cap_fen": 7})), encoding="utf-8")

    assert kept == programme.parameters
    assert run("diff", file).endswith(": – → ¥0.07\n")
    run("amend", file, "--by", officer(1).user.username, "--reason", "less each")

    version = ProgrammeVersion.objects.get(number=2)
    assert (version.status, version.reason, version.parameters.caps.order_cap_fen) == ("draft", "less each", 7)


def test_a_file_becomes_a_draft_of_an_authority(programme, tmp_path):
    file, authority = tmp_path / "new.json", scenes.authority()
    file.write_text(codec.dumps(codec.changed(programme.parameters, {"identity.code": "NEW"})), encoding="utf-8")

    run("draft", file, "--authority", authority.credit_code, "--by", officer(1).user.username)

    assert Programme.objects.get(code="NEW").authority == authority
    with pytest.raises(CommandError):
        run("draft", file, "--authority", authority.credit_code, "--by", officer(1).user.username)


def test_what_cannot_be_done_is_said(tmp_path):
    (tmp_path / "broken.json").write_text('{"identity": {}}', encoding="utf-8")

    assert '"Parameters"' in run("schema")
    for arguments in (
        ("export", "XX"),
        ("diff", tmp_path / "broken.json"),
        ("diff", tmp_path / "missing.json"),
    ):
        with pytest.raises(CommandError):
            run(*arguments)
