"""Write a programme's parameters into a file, draft a programme or its next version from one, or print the schema."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Organization, User
from accounts.services.audit import Actor
from core import clock
from core.errors import DomainError
from vouchers import complaints, labels
from vouchers.models import Programme
from vouchers.parameters import Parameters, codec
from vouchers.parameters.differences import differences
from vouchers.services import programmes, versions


class Command(BaseCommand):
    """``manage.py programme export CODE``, ``diff FILE``, ``amend FILE --by USER``, ``draft FILE …``, ``schema``.

    What is drafted here waits for a second person, as everywhere.
    """

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("schema", help="print the JSON schema of parameters")
        export = verbs.add_parser("export", help="print a programme's parameters as JSON")
        export.add_argument("code")
        draft = verbs.add_parser("draft", help="draft a programme from a file")
        draft.add_argument("file", type=Path)
        draft.add_argument("--authority", required=True, help="the authority's credit code")
        draft.add_argument("--by", required=True, help="who drafts it")
        diff = verbs.add_parser("diff", help="print what a file would change")
        diff.add_argument("file", type=Path)
        amend = verbs.add_parser("amend", help="draft the next version of a programme from a file")
        amend.add_argument("file", type=Path)
        amend.add_argument("--by", required=True, help="who drafts it")
        amend.add_argument("--reason", default="", help="why")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        """Do one of them, and say a refusal in words."""
        try:
            self.stdout.write(getattr(self, f"_{verb}")(options))
        except codec.BadParameters as error:
            lines = complaints.by_field(error.problems).items()
            raise CommandError("\n".join(f"{path}: {sentence}" for path, sentence in lines)) from error
        except DomainError as refusal:
            raise CommandError(str(refusal.detail)) from refusal
        except (Programme.DoesNotExist, Organization.DoesNotExist, User.DoesNotExist, OSError) as error:
            raise CommandError(str(error)) from error

    def _schema(self, options: dict[str, Any]) -> str:
        return json.dumps(codec.schema(), ensure_ascii=False, indent=2)

    def _export(self, options: dict[str, Any]) -> str:
        return codec.dumps(Programme.objects.get(code=options["code"]).parameters)

    def _draft(self, options: dict[str, Any]) -> str:
        drafted = programmes.draft_of(
            authority=Organization.objects.get(credit_code=options["authority"]),
            parameters=_read(options),
            actor=_actor(options),
            at=clock.now(),
        )
        return f"{drafted.code}: drafted, to be published by another person"

    def _diff(self, options: dict[str, Any]) -> str:
        parameters = _read(options)
        present = Programme.objects.get(code=parameters.identity.code).parameters
        return "\n".join(labels.sentences(differences(present, parameters)))

    def _amend(self, options: dict[str, Any]) -> str:
        parameters = _read(options)
        version = versions.draft(
            programme=Programme.objects.get(code=parameters.identity.code),
            parameters=parameters,
            reason=options["reason"],
            actor=_actor(options),
            at=clock.now(),
        )
        return f"{version}: drafted, to be published by another person"


def _read(options: dict[str, Any]) -> Parameters:
    return codec.loads(options["file"].read_bytes())


def _actor(options: dict[str, Any]) -> Actor:
    return Actor(user=User.objects.get(username=options["by"]))
