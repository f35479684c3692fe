"""The books of a make-believe Stripe: payment intents, refunds and events, with Stripe's rules and error codes.

It stands in for Stripe in tests and in the demo, knows CNY by Alipay and WeChat Pay only, and forgets all when it ends.
"""

import copy
import secrets
import time
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

METHODS = ("alipay", "wechat_pay")
LARGEST = 99_999_999
DECLINED_FEN = 40_02
"""An amount that is declined at once; ``metadata[decline]`` declines any amount with a code of its own."""

CREATE_PARAMS = {
    "amount",
    "confirm",
    "currency",
    "description",
    "metadata",
    "payment_method_data",
    "payment_method_options",
    "payment_method_types",
    "return_url",
}
OPEN = {"requires_payment_method", "requires_confirmation", "requires_action"}


class Refusal(Exception):
    """An error answer: its HTTP status and the members of its ``error`` object."""

    def __init__(self, status: int, kind: str, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"type": kind, "code": code, "message": message} | more


def invalid(code: str, message: str, param: str = "", status: int = 400) -> Refusal:
    """Return the refusal of a request that is wrong in itself."""
    return Refusal(status, "invalid_request_error", code, message, **({"param": param} if param else {}))


class Books:
    """All that the make-believe Stripe knows. The caller lets one request in at a time."""

    def __init__(
        self, *, pay_url: str = "http://127.0.0.1/pay", announce: Callable[[Json], None] | None = None
    ) -> None:
        self.pay_url = pay_url
        self.announce = announce or (lambda _event: None)
        self.intents: dict[str, Json] = {}
        self.refunds: dict[str, Json] = {}
        self.events: list[Json] = []

    def create(self, form: Json) -> Json:
        """Create an intent and, on ``confirm``, start the payment."""
        unknown = sorted(form.keys() - CREATE_PARAMS)
        if unknown:
            raise invalid("parameter_unknown", f"Received unknown parameter: {unknown[0]}", unknown[0])
        intent = self._new_intent(_amount(form), _method(form), form)
        self.intents[intent["id"]] = intent
        self._record("payment_intent.created", intent)
        if form.get("confirm") == "true":
            self.confirm(intent["id"], form)
        return intent

    def _new_intent(self, amount: int, method: str, form: Json) -> Json:
        if method == "wechat_pay" and "client" not in form.get("payment_method_options", {}).get(method, {}):
            param = "payment_method_options[wechat_pay][client]"
            raise invalid("parameter_missing", f"Missing required param: {param}.", param)
        identity = f"pi_{secrets.token_hex(12)}"
        return {
            "id": identity,
            "object": "payment_intent",
            "amount": amount,
            "amount_received": 0,
            "client_secret": f"{identity}_secret_{secrets.token_hex(12)}",
            "created": int(time.time()),
            "currency": "cny",
            "description": form.get("description"),
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": form.get("metadata", {}),
            "next_action": None,
            "payment_method_types": [method],
            "status": "requires_payment_method",
        }

    def confirm(self, intent_id: str, form: Json) -> Json:
        """Send the payer off to pay, or decline at once."""
        intent = self._open(intent_id, "confirm")
        (method,) = intent["payment_method_types"]
        if form.get("payment_method_data", {}).get("type") != method:
            raise invalid("parameter_missing", f"Provide payment_method_data[type]={method}.", "payment_method_data")
        if not form.get("return_url"):
            raise invalid("parameter_missing", "Missing required param: return_url.", "return_url")
        declined = intent["metadata"].get("decline") or ("generic_decline" if intent["amount"] == DECLINED_FEN else "")
        if declined:
            self.fail(intent_id, "card_declined", declined)
            message = "The payment was declined."
            more = {"decline_code": declined, "payment_intent": copy.deepcopy(intent)}
            raise Refusal(402, "card_error", "card_declined", message, **more)
        intent["next_action"] = self._next_action(intent_id, method, form["return_url"])
        return self._advance(intent, "requires_action")

    def _next_action(self, intent_id: str, method: str, return_url: str) -> Json:
        page = f"{self.pay_url}/{intent_id}"
        if method == "alipay":
            return {"type": "alipay_handle_redirect", "alipay_handle_redirect": {"url": page, "return_url": return_url}}
        code = {"data": f"weixin://wxpay/bizpayurl?pr={intent_id}", "hosted_instructions_url": page}
        return {"type": "wechat_pay_display_qr_code", "wechat_pay_display_qr_code": code}

    def pay(self, intent_id: str) -> Json:
        """Do what the payer does: pay all."""
        intent = self._open(intent_id, "pay", {"requires_action"})
        intent["amount_received"] = intent["amount"]
        intent["latest_charge"] = f"ch_{intent_id.removeprefix('pi_')}"
        intent["next_action"] = None
        return self._advance(intent, "succeeded")

    def fail(self, intent_id: str, code: str = "payment_method_customer_decline", decline_code: str = "") -> Json:
        """Do what the payer does: fail or refuse to pay. Another attempt may follow."""
        intent = self._open(intent_id, "fail")
        failure = {"type": "card_error", "code": code, "decline_code": decline_code or None, "message": "Not paid."}
        intent |= {"next_action": None, "status": "requires_payment_method", "last_payment_error": failure}
        self._record("payment_intent.payment_failed", intent)
        return intent

    def cancel(self, intent_id: str) -> Json:
        """Give up an intent that nobody has paid."""
        intent = self._open(intent_id, "cancel")
        intent["next_action"] = None
        return self._advance(intent, "canceled")

    def refund(self, form: Json) -> Json:
        """Give money back, never more than came in."""
        intent = self.intent(form.get("payment_intent", ""))
        left = intent["amount_received"] - sum(
            refund["amount"]
            for refund in self.refunds.values()
            if refund["payment_intent"] == intent["id"] and refund["status"] != "failed"
        )
        if intent["status"] != "succeeded" or not left:
            raise invalid("charge_already_refunded", "There is nothing left to refund.", "payment_intent")
        amount = _amount(form) if "amount" in form else left
        if amount > left:
            raise invalid(
                "amount_too_large", f"Refund amount ({amount}) is greater than unrefunded ({left}).", "amount"
            )
        refund = _refund(intent["id"], amount, form.get("metadata", {}))
        self.refunds[refund["id"]] = refund
        self._record("refund.created", refund)
        return refund

    def fail_refund(self, refund_id: str) -> Json:
        """Let a refund come back, as the payer's side may days later."""
        refund = self.refunds[refund_id]
        refund["status"] = "failed"
        self._record("refund.failed", refund)
        return refund

    def list_refunds(self, form: Json) -> Json:
        """Return the refunds of an intent, newest first, on one page."""
        found = [one for one in self.refunds.values() if one["payment_intent"] == form["payment_intent"]]
        return {"object": "list", "url": "/v1/refunds", "data": found[::-1], "has_more": False}

    def intent(self, intent_id: str) -> Json:
        """Return an intent."""
        if intent_id not in self.intents:
            raise invalid("resource_missing", f"No such payment_intent: '{intent_id}'", "intent", status=404)
        return self.intents[intent_id]

    def list_events(self, form: Json) -> Json:
        """Return a page of events, newest first."""
        since = int(form.get("created", {}).get("gte", 0))
        kinds = form.get("types", [])
        found = [event for event in reversed(self.events) if event["created"] >= since]
        found = [event for event in found if not kinds or event["type"] in kinds]
        identities = [event["id"] for event in found]
        begin = identities.index(form["starting_after"]) + 1 if "starting_after" in form else 0
        end = begin + int(form.get("limit", 10))
        return {"object": "list", "url": "/v1/events", "data": found[begin:end], "has_more": end < len(found)}

    def _open(self, intent_id: str, verb: str, statuses: set[str] = OPEN) -> Json:
        intent = self.intent(intent_id)
        if intent["status"] not in statuses:
            message = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
            raise invalid("payment_intent_unexpected_state", message)
        return intent

    def _advance(self, intent: Json, status: str) -> Json:
        intent["status"] = status
        intent["last_payment_error"] = None
        self._record(f"payment_intent.{status}", intent)
        return intent

    def _record(self, kind: str, thing: Json) -> None:
        event = {
            "id": f"evt_{secrets.token_hex(12)}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": int(time.time()),
            "data": {"object": copy.deepcopy(thing)},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        self.events.append(event)
        self.announce(event)


def _amount(form: Json) -> int:
    text = str(form.get("amount", ""))
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise invalid("parameter_invalid_integer", f"Invalid integer: {text}", "amount")
    if int(text) > LARGEST:
        raise invalid("amount_too_large", "Amount must be no more than ¥999,999.99", "amount")
    return int(text)


def _method(form: Json) -> str:
    if form.get("currency") != "cny":
        raise invalid("currency_not_supported", f"Invalid currency: {form.get('currency')}", "currency")
    methods = form.get("payment_method_types", [])
    if len(methods) != 1 or methods[0] not in METHODS:
        raise invalid("payment_method_unactivated", f"Not available: {', '.join(methods)}", "payment_method_types")
    return str(methods[0])


def _refund(intent_id: str, amount: int, metadata: Json) -> Json:
    return {
        "id": f"re_{secrets.token_hex(12)}",
        "object": "refund",
        "amount": amount,
        "created": int(time.time()),
        "currency": "cny",
        "metadata": metadata,
        "payment_intent": intent_id,
        "status": "succeeded",
    }
