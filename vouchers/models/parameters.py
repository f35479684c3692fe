"""Parameters as a column, and the columns that repeat some of them for the database's own rules."""

from typing import Any

import msgspec
from django.db import models

from vouchers.parameters import Parameters, codec
from vouchers.parameters.eligibility import Registry

_decode = msgspec.json.Decoder(Parameters).decode


class ParametersField(models.JSONField):
    """A column that is ``vouchers.parameters.Parameters`` in Python and says every one of them in JSON."""

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Any:
        """Return what was stored; it was checked when it was written."""
        return None if value is None else _decode(value)

    def get_prep_value(self, value: Any) -> Any:
        """Return parameters as the JSON object that is kept."""
        return super().get_prep_value(codec.dump(value) if isinstance(value, Parameters) else value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Return the same for whoever prepared nothing, as bulk writers do."""
        plain = codec.dump(value) if isinstance(value, Parameters) else value
        return super().get_db_prep_value(plain, connection, prepared)

    def value_to_string(self, obj: Any) -> Any:
        """Return a plain object for dumps of the database."""
        value = self.value_from_object(obj)
        return codec.dump(value) if isinstance(value, Parameters) else value

    def to_python(self, value: Any) -> Any:
        """Return parameters for what a dump of the database holds."""
        return codec.read(value) if isinstance(value, dict) else value


def columns(parameters: Parameters) -> dict[str, Any]:
    """Return the columns of a programme that repeat its parameters. ``programme_columns_agree`` checks every one."""
    identity, money, caps = parameters.identity, parameters.money, parameters.caps
    return {
        "code": identity.code,
        "name": identity.name,
        "mode": str(identity.mode),
        "budget_fen": money.budget_fen,
        "ratio_bp": parameters.award.ceiling_bp,
        "entity_year_cap_fen": caps.entity_annual_cap_fen,
        "order_cap_fen": caps.order_cap_fen,
        "min_award_fen": money.min_award_fen,
        "min_grant_fen": money.min_grant_fen,
        "round_unit_fen": money.round_unit_fen,
        "partial_when_short": parameters.redemption.partial_when_short,
        "validity_days": parameters.validity.days,
        "grace_days": parameters.validity.grace_days,
        "eligible_categories": list(parameters.award.eligible_categories),
        "open_registry": parameters.providers.registry is Registry.OPEN,
        "opens_on": identity.opens_on,
        "closes_on": identity.closes_on,
        "source": identity.source,
    }
