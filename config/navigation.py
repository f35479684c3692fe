"""The administration's menu: every register, by what it is about, for those who may read it."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# Groups in the order in which people need them, and an icon for each register that has its own.
GROUPS = ["vouchers", "accounts", "market", "billing", "ledger", "auth", "axes"]
TITLES = {"axes": gettext_lazy("Sign-ins")}
PLAIN = "list_alt"
ICONS = {
    "vouchers.programme": "rule_settings",
    "vouchers.grant": "confirmation_number",
    "vouchers.redemption": "redeem",
    "vouchers.logentry": "link",
    "vouchers.checkpoint": "verified",
    "vouchers.witness": "visibility",
    "accounts.user": "person",
    "accounts.organization": "apartment",
    "accounts.relation": "hub",
    "accounts.interest": "balance",
    "accounts.apikey": "key",
    "accounts.auditentry": "history",
    "market.offering": "dns",
    "market.order": "receipt_long",
    "billing.invoice": "request_quote",
    "billing.settlement": "payments",
    "billing.topup": "account_balance",
    "ledger.account": "book",
    "ledger.transfer": "swap_horiz",
}


def groups(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu: a way back to the desk, and the registers that the user may read."""
    back = {"title": _("Desk"), "icon": "work", "link": reverse("portal:home"), "active": False}
    work = {"title": _("Working pages"), "items": [back]}
    registers = [_group(request, label) for label in GROUPS]
    return [work, *(group for group in registers if group["items"])]


def _group(request: HttpRequest, label: str) -> dict[str, Any]:
    models = [model for model in admin.site._registry if model._meta.app_label == label]
    readable = [model for model in models if admin.site.get_model_admin(model).has_module_permission(request)]
    items = [_item(model) for model in readable if admin.site.get_model_admin(model).has_view_permission(request)]
    return {
        "title": TITLES.get(label, apps.get_app_config(label).verbose_name),
        "separator": True,
        "collapsible": True,
        "items": items,
    }


def _item(model: Any) -> dict[str, Any]:
    opts = model._meta
    return {
        "title": opts.verbose_name_plural,
        "icon": ICONS.get(opts.label_lower, PLAIN),
        "link": reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"),
    }


UNFOLD = {
    "SITE_TITLE": gettext_lazy("Suanyi administration"),
    "SITE_HEADER": gettext_lazy("Suanyi"),
    "SITE_SUBHEADER": gettext_lazy("Configuration and registers"),
    "SITE_URL": reverse_lazy("portal:home"),
    "SITE_SYMBOL": "toll",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("portal/mark.svg")}],
    "STYLES": [lambda _request: static("portal/console.css")],
    "SHOW_LANGUAGES": True,
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "#e8f0ff",
            "100": "#d1e0ff",
            "200": "#a3c1ff",
            "300": "#75a2ff",
            "400": "#4783ff",
            "500": "#1664ff",
            "600": "#1257e0",
            "700": "#0e46b5",
            "800": "#0b368a",
            "900": "#082661",
            "950": "#051840",
        },
    },
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": "config.navigation.groups"},
    "COMMAND": {"search_models": False},
}
