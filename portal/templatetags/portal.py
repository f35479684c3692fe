"""How the pages write money, card-hours, instants and states."""

import base64
import json
from datetime import date, datetime
from typing import Any

import segno
from django import template
from django.db.models import TextChoices
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from accounts.models import Scope
from core.models import Stateful
from core.money import MS_PER_HOUR, format_micro, format_yuan, round_half_up
from core.periods import SHANGHAI
from market.models import LineUnit
from portal import explanations
from portal import menu as menus
from vouchers.models import ApplicationStatus, Step

register = template.Library()

DASH = "–"
THOUSANDTH_MS = MS_PER_HOUR // 1000
TONES = {
    "blue": {"open", "opened", "proposed", "pending", "created", "held", "provisioning", "claimed", "review"}
    | {"assigned", "notice_sent", "responded", "declared"}
    | {"submitted", "district_review", "review_1", "review_2", "panel", "publicity"},
    "green": {"listed", "published", "active", "succeeded", "completed", "ended", "captured", "matched", "accepted"}
    | {"awarded", "verified", "approved", "granted", "explained", "recovered"},
    "orange": {
        "paused",
        "expired",
        "duplicate",
        "partly",
        "building",
        "interrupted",
        "contested",
        "supplement",
        "objected",
        "waitlisted",
        "lapsed",
        "frozen",
        "suspected",
        "hold_placed",
    },
    "red": {"rejected", "revoked", "failed", "conflict", "suspended", "upheld", "demanded", "referred"},
}
PROGRAMME_VERBS = {
    "publish": gettext_lazy("Publish"),
    "pause": gettext_lazy("Pause"),
    "resume": gettext_lazy("Resume"),
    "close": gettext_lazy("Close"),
}
TONE_OF = {status: tone for tone, statuses in TONES.items() for status in statuses}


@register.simple_tag
def colon() -> str:
    """Return what stands between a label and what it says, in the reader's script."""
    return pgettext("between a label and what it says", ": ")


@register.filter
def yuan(fen: int | None) -> str:
    """Write fen as yuan: ``¥1,234.05``."""
    if fen is None:
        return DASH
    text = format_yuan(fen)
    return f"-¥{text[1:]}" if text.startswith("-") else f"¥{text}"


@register.filter
def signed_yuan(fen: int) -> str:
    """Write a movement with its sign: ``+¥5.00``."""
    return f"+{yuan(fen)}" if fen > 0 else yuan(fen)


@register.filter
def qr(text: str) -> SafeString:
    """Draw a QR code that says ``text``, as a picture within the page."""
    picture = segno.make_qr(text, error="m").svg_inline(scale=5, border=4, light="#fff", title=_("QR code"))
    return mark_safe(picture)  # noqa: S308 - segno escapes the title, and the text becomes modules


@register.filter
def plain_yuan(fen: int) -> str:
    """Write fen as a form field reads it: ``1234.05``."""
    return format_yuan(fen).replace(",", "")


@register.filter
def movement(kind: str) -> str:
    """Name a movement of the ledger."""
    return explanations.movement(kind)


@register.filter
def event_code(code: str) -> str:
    """Name the answer that a usage event got."""
    return explanations.event_code(code)


@register.filter
def programme_verb(verb: str) -> str:
    """Name what may be done with a programme."""
    return str(PROGRAMME_VERBS[verb])


@register.filter
def scopes(codes: list[str]) -> str:
    """Name what a key may be used for."""
    names = dict(Scope.choices)
    return " · ".join(str(names.get(code, code)) for code in codes)


@register.filter
def as_json(value: Any) -> str:
    """Write what a JSON column holds."""
    return json.dumps(value, ensure_ascii=False)


@register.filter(name="base64")
def base64_text(raw: bytes) -> str:
    """Write bytes as base64."""
    return base64.b64encode(raw).decode("ascii")


@register.filter
def price(micro: int | None) -> str:
    """Write micro-yuan per card-hour as yuan: ``¥2.20``."""
    return DASH if micro is None else f"¥{format_micro(micro)}"


@register.filter
def line_unit(unit: str) -> str:
    """Write the unit of a line beside the card-hour in words."""
    return str(LineUnit(unit).label)


@register.filter
def category(code: str) -> str:
    """Name what vouchers pay for; a programme may name more than the market sells."""
    return str(explanations.CATEGORIES.get(code, code))


@register.filter
def card_hours(accelerator_ms: int | None) -> str:
    """Write accelerator-milliseconds as card-hours with three decimals, half up."""
    if accelerator_ms is None:
        return DASH
    whole, rest = divmod(abs(round_half_up(accelerator_ms, THOUSANDTH_MS)), 1000)
    return f"{'-' if accelerator_ms < 0 else ''}{whole:,}.{rest:03d}"


@register.filter
def percent(bp: int | None) -> str:
    """Write basis points as a percentage: ``12.5%``."""
    if bp is None:
        return DASH
    whole, rest = divmod(bp, 100)
    decimals = f".{rest:02d}".rstrip("0") if rest else ""
    return f"{whole}{decimals}%"


@register.filter
def shanghai(at: datetime | date | None, form: str = "%Y-%m-%d %H:%M") -> str | SafeString:
    """Write an instant as a Shanghai wall clock shows it; a date stays a date."""
    if at is None:
        return DASH
    if not isinstance(at, datetime):
        return at.isoformat()
    local = at.astimezone(SHANGHAI)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), local.strftime(form))


@register.filter
def month(on: date) -> str:
    """Write the month of a date: ``2026-10``."""
    return on.strftime("%Y-%m")


@register.filter
def short(identity: Any) -> str:
    """Write the telling end of a UUID: its beginning is a time and looks alike in neighbours."""
    return str(identity)[-8:].upper()


@register.filter
def order_title(order: Any) -> str:
    """Name an order as its buyer did, or by its number."""
    return order.name or _("Order %(number)s") % {"number": short(order.pk)}


@register.simple_tag
def badge(status: str, label: str) -> SafeString:
    """Show a state in the tone of its kind."""
    return format_html('<span class="badge tone-{}">{}</span>', TONE_OF.get(str(status), "grey"), label)


@register.filter
def status_label(thing: Stateful) -> str:
    """Name the state of a model: its table of moves knows the states."""
    states: type[TextChoices] = type(next(iter(thing.MOVES)))
    return str(states(thing.status).label)


@register.filter
def step_label(step: Step) -> str:
    """Name the state to which a step of an application led."""
    return str(ApplicationStatus(step.status).label)


@register.simple_tag
def status(thing: Stateful) -> SafeString:
    """Show the state of a model that has one."""
    return badge(thing.status, status_label(thing))


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw an icon that stands beside its words and so says nothing to a screen reader."""
    address = static("portal/vendor/icons.svg")
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>', address, name
    )


@register.inclusion_tag("portal/parts/menu.html", takes_context=True)
def menu(context: template.Context) -> dict[str, Any]:
    """Show the menu of the current organisation's kind."""
    request = context.get("request")
    return {"groups": menus.groups(request)} if request else {"groups": []}


@register.simple_tag(takes_context=True)
def visitor_menu(context: template.Context) -> list[menus.Item]:
    """Return the pages that are open to everyone."""
    request = context.get("request")
    return menus.visitor(request) if request else []


@register.filter
def grouped(number: int | None) -> str:
    """Write a whole number in groups of three digits: ``74,760``."""
    return DASH if number is None else f"{number:,}"


@register.inclusion_tag("portal/parts/field.html")
def field(bound: Any, *, wide: bool = False) -> dict[str, Any]:
    """Show a form field with its label, hint and errors."""
    return {"field": bound, "wide": wide}


@register.inclusion_tag("portal/parts/empty.html")
def empty(text: str, url: str = "", action: str = "") -> dict[str, str]:
    """Say why a list is empty and what to do about it."""
    return {"text": text, "url": url, "action": action}


@register.filter
def ppm(share: int) -> str:
    """Write parts per million as a percentage: ``99.95%``."""
    whole, rest = divmod(share, 10_000)
    decimals = f".{rest:04d}".rstrip("0") if rest else ""
    return f"{whole}{decimals}%"


@register.filter
def hundredths(number: int) -> str:
    """Write hundredths as a number: ``4.50``."""
    return f"{number // 100}.{number % 100:02d}"
