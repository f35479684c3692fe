"""Market prices for everyone: index, history, depth and the latest trades of a class of compute at a hub."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from core.money import format_micro
from core.periods import date_of, midnight
from market import indexing
from market.models import Candle, Category, Span
from market.selectors import classes, depth, price_history
from market.selectors.classes import ComputeClass
from portal import csvs, pricechart
from portal.access import PortalRequest, public
from portal.forms import FilterForm

OUTSIDE = "-"
LATEST = 20
YEAR = timedelta(days=366)


class PricesFilter(FilterForm):
    """Of which class, and where."""

    of = forms.ChoiceField(label=gettext_lazy("Card and kind of work"), required=False)
    hub = forms.ChoiceField(label=gettext_lazy("Hub"), required=False)

    def __init__(self, *args: Any, known: Sequence[ComputeClass], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_name = {_name(one): one for one in known}
        labels = {name: f"{one.accelerator} · {Category(one.category).label}" for name, one in self.by_name.items()}
        self.fields["of"].choices = list(labels.items())
        chosen = self.data.get("of", "")
        self.compute_class = self.by_name.get(chosen) or next(iter(known), None)
        self.hubs = classes.hubs_of(self.compute_class) if self.compute_class else []
        self.fields["hub"].choices = [(hub or OUTSIDE, hub or _("Outside the hubs")) for hub in self.hubs]

    @property
    def hub_name(self) -> str:
        """Return the chosen hub, or the first where the class is known."""
        chosen = self.chosen().get("hub")
        if chosen is None:
            return next(iter(self.hubs), "")
        return "" if chosen == OUTSIDE else str(chosen)


@public
def prices(request: PortalRequest) -> HttpResponse:
    """Show what a class of compute costs, and what stands behind it."""
    asked = _asked(request)
    form = PricesFilter(asked, known=classes.known())
    context: dict[str, Any] = {"form": form, "rules": indexing, "address": urlencode(asked)}
    if form.compute_class is not None:
        context |= _shown(form.compute_class, form.hub_name, at=clock.now())
    return render(request, "portal/public/prices.html", context)


def _asked(request: HttpRequest) -> dict[str, str]:
    """Return the filters of the address; who names no class sees where most was traded lately."""
    asked = {name: str(value) for name, value in request.GET.items()}
    lively = None if asked.get("of") else classes.liveliest(since=clock.now() - timedelta(days=pricechart.DAYS))
    if lively is None:
        return asked
    of, hub_name = lively
    return asked | {"of": _name(of), "hub": hub_name or OUTSIDE}


def _name(of: ComputeClass) -> str:
    return f"{of.accelerator.code}/{of.category}"


def _shown(of: ComputeClass, hub_name: str, *, at: datetime) -> dict[str, Any]:
    index = price_history.on_day(of, hub_name=hub_name, on=date_of(at) - timedelta(days=1))
    standing = depth.of_class(
        accelerator=of.accelerator, category=of.category, hub_name=hub_name, period=depth.period(at=at), at=at
    )
    days = _days(of, hub_name, at=at, length=timedelta(days=pricechart.DAYS))
    return {
        "of": of,
        "hub": hub_name,
        "category": Category(of.category).label,
        "indices": [
            (_("Here"), index.get((of.accelerator.pk, hub_name))),
            (_("All hubs"), index.get((of.accelerator.pk, None))),
            (_("All cards, all hubs"), index.get((None, None))),
        ],
        "depth": standing,
        "supply": pricechart.bars(standing.supply),
        "demand": pricechart.bars(standing.demand),
        "days": [candle for candle in days if candle.trades],
        "marks": pricechart.days(days, today=date_of(at)),
        "trades": price_history.trades(of, hub_name=hub_name).order_by("-at", "-pk")[:LATEST],
    }


def _days(of: ComputeClass, hub_name: str, *, at: datetime, length: timedelta) -> list[Candle]:
    today = midnight(date_of(at))
    return price_history.candles(of, hub_name=hub_name, span=Span.DAY, since=today - length, until=today)


@public
def export(request: HttpRequest) -> HttpResponseBase:
    """Return a year of the daily history of a class at a hub as a CSV file."""
    form = PricesFilter(_asked(request), known=classes.known())
    rows = _days(form.compute_class, form.hub_name, at=clock.now(), length=YEAR) if form.compute_class else []
    header = [
        _("Day"),
        _("Version"),
        _("Trades"),
        _("Card-hours"),
        *(_("First"), _("Highest"), _("Lowest"), _("Last"), _("Median")),
    ]
    name = f"suanyi-prices-{form.compute_class.accelerator.code}" if form.compute_class else "suanyi-prices"
    return csvs.response(name, header, [_line(candle) for candle in rows if candle.trades])


def _line(candle: Candle) -> list[Any]:
    prices_micro = (
        candle.open_micro,
        candle.high_micro,
        candle.low_micro,
        candle.close_micro,
        candle.median_micro,
    )
    return [
        date_of(candle.starts_at).isoformat(),
        candle.version,
        candle.trades,
        candle.card_hours,
        *(csvs.number(format_micro(price)) for price in prices_micro if price is not None),
    ]
