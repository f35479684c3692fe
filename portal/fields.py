"""Form fields that read what people type: yuan into fen, prices into micro-yuan, Shanghai hours into instants."""

from datetime import UTC, datetime
from typing import Any
from unicodedata import normalize

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from core.money import BP_WHOLE, format_micro, format_yuan, parse_scaled
from core.periods import SHANGHAI
from core.uploads import MOST_BYTES

FEN_DECIMALS = 2
MICRO_DECIMALS = 6
MOST_FEN = 10**13
MOST_MICRO = 10**12
MINUTE_SECONDS = 60
YEARS = range(2020, 2100)


class ScaledField(forms.CharField):
    """A positive decimal number, kept as an integer of its last place; full-width digits count, floats do not."""

    decimals = FEN_DECIMALS
    least = 1
    most = MOST_FEN

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 20)
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            number = parse_scaled(normalize("NFKC", text), decimals=self.decimals)
        except ValueError as error:
            message = _("Enter a number with at most %(decimals)d decimals.")
            raise ValidationError(message, params={"decimals": self.decimals}, code="number") from error
        if not self.least <= number <= self.most:
            raise ValidationError(_("Enter an amount above zero, within reason."), code="range")
        return number


class YuanField(ScaledField):
    """Yuan as typed, fen as cleaned."""

    def prepare_value(self, value: Any) -> Any:
        return format_yuan(value).replace(",", "") if isinstance(value, int) else value


class PriceField(ScaledField):
    """Yuan per card-hour as typed, micro-yuan as cleaned."""

    decimals = MICRO_DECIMALS
    most = MOST_MICRO

    def prepare_value(self, value: Any) -> Any:
        return format_micro(value).replace(",", "") if isinstance(value, int) else value


class PercentField(ScaledField):
    """Per cent as typed, basis points as cleaned."""

    most = BP_WHOLE

    def prepare_value(self, value: Any) -> Any:
        return format_yuan(value) if isinstance(value, int) else value


class PueField(ScaledField):
    """A PUE as typed, thousandths as cleaned."""

    decimals = 3
    least, most = 1_000, 5_000


class UploadField(forms.FileField):
    """A file whose size is looked at before anything of it is read."""

    def __init__(self, *, most_bytes: int = MOST_BYTES, **kwargs: Any) -> None:
        self.most_bytes = most_bytes
        super().__init__(**kwargs)

    def clean(self, data: Any, initial: Any = None) -> Any:
        sent = super().clean(data, initial)
        if sent and sent.size > self.most_bytes:
            message = _("The file is larger than %(most)d MB.")
            raise ValidationError(message, params={"most": self.most_bytes // 1_000_000}, code="too-large")
        return sent


class SheetField(UploadField):
    """A table as a file that people make with a spreadsheet."""

    def __init__(self, *, most_bytes: int) -> None:
        accepted = forms.FileInput(attrs={"accept": ".csv,.xlsx"})
        super().__init__(label=_("CSV or xlsx file"), max_length=200, most_bytes=most_bytes, widget=accepted)


class DayField(forms.DateField):
    """A day of our time, so that no calculation with it leaves the calendar."""

    default_error_messages = {"year": _("Choose a year between 2020 and 2099.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)

    def to_python(self, value: Any) -> Any:
        day = super().to_python(value)
        if day is not None and day.year not in YEARS:
            raise ValidationError(self.error_messages["year"], code="year")
        return day


class HourField(forms.DateTimeField):
    """A full hour in Shanghai as typed, in UTC as cleaned."""

    step_seconds = 3600

    default_error_messages = {"hour": _("Choose a full hour."), "year": _("Choose a year between 2020 and 2099.")}

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(
            attrs={"type": "datetime-local", "step": str(self.step_seconds)}, format="%Y-%m-%dT%H:%M"
        )
        super().__init__(widget=widget, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value.astimezone(SHANGHAI).replace(tzinfo=None) if isinstance(value, datetime) else value

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        for form in self.input_formats or ():
            try:
                local = datetime.strptime(str(value).strip(), form).replace(tzinfo=SHANGHAI)
            except ValueError:
                continue
            return self._instant(local)
        raise ValidationError(self.error_messages["invalid"], code="invalid")

    def _instant(self, local: datetime) -> datetime:
        if local.year not in YEARS:
            raise ValidationError(self.error_messages["year"], code="year")
        if self.step_seconds > MINUTE_SECONDS and local.minute:
            raise ValidationError(self.error_messages["hour"], code="hour")
        return local.astimezone(UTC)


class MinuteField(HourField):
    """A minute in Shanghai as typed, in UTC as cleaned."""

    step_seconds = MINUTE_SECONDS
