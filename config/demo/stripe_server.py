"""A make-believe Stripe over HTTP, for tests and the demo: ``python -m config.demo.stripe_server --port 4242``.

The real client talks to it under ``/v1``. ``/pay/<intent>`` is the page at which a person pays or refuses.
``POST /_control/<verb>`` with a JSON body plays the payer and the bad luck:

pay, fail, cancel   {"intent": id, "code": "..."}
hold                {"on": true}: keep events back until they are delivered by hand
deliver             {"events": [ids], "copies": 2, "delay_s": 0.1, "seed": 7}: without ids, all that are held
webhook             {"url": "...", "secrets": ["whsec_..."]}: where events go, and what signs them
fault               {"status": 500, "times": 1}: fail the next requests; with "after": true, do the work first
"""

import argparse
import html
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from config.demo.stripe_books import Books, Refusal, invalid
from config.demo.stripe_courier import Courier

Json = dict[str, Any]

SECRET = "whsec_rehearsal"  # noqa: S105 - it protects a rehearsal

PAGE = """<!doctype html><meta charset="utf-8"><title>Payment rehearsal</title>
<h1>演练支付 · Payment rehearsal</h1><p>CNY {yuan} · {method} · {status}</p>
<form method="post"><button name="verb" value="pay">支付 Pay</button>
<button name="verb" value="fail">拒绝 Refuse</button></form>"""


class StripeServer:
    """The books behind an HTTP server of its own thread; a context manager that starts and stops it."""

    def __init__(self, *, port: int = 0, webhook: str = "", secret: str = SECRET) -> None:
        self.courier = Courier(webhook, [secret])
        self._http = Http(port, self)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self.books = Books(pay_url=f"{self.url}/pay", announce=self.courier.announce)
        self.lock = threading.Lock()
        self.replies: dict[str, tuple[Json, int, Json]] = {}
        self.faults: list[Json] = []
        self.requests: list[Json] = []
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="stripe", daemon=True)

    def __enter__(self) -> Self:
        self.courier.start()
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self.courier.stop()

    def answer(self, request: Json, key: str | None) -> tuple[int, Json, bool]:
        """Return status, body and whether the answer was given before to the same idempotency key."""
        with self.lock:
            self.requests.append(request | {"key": key})
            if key in self.replies:
                return self._replay(request, key)
            fault = self._next_fault()
            if fault and not fault.get("after"):
                return fault["status"], _error("api_error", "Out of order."), False
            status, body = self._work(request)
            if key and status != 400:  # a request that never began is not remembered
                self.replies[key] = (request, status, body)
            return (fault["status"], _error("api_error", "Lost."), False) if fault else (status, body, False)

    def _replay(self, request: Json, key: str) -> tuple[int, Json, bool]:
        before, status, body = self.replies[key]
        if before == request:
            return status, body, True
        message = "Keys for idempotent requests can only be used with the same parameters they were first used with."
        return 400, _error("idempotency_error", message), False

    def _next_fault(self) -> Json | None:
        if not self.faults:
            return None
        self.faults[0]["times"] -= 1
        return self.faults[0] if self.faults[0]["times"] else self.faults.pop(0)

    def _work(self, request: Json) -> tuple[int, Json]:
        try:
            body = self._route(request["method"], request["path"], request["form"])
        except Refusal as refusal:
            return refusal.status, {"error": refusal.error}
        return 200, json.loads(json.dumps(body))

    def _route(self, method: str, path: list[str], form: Json) -> Json:
        match method, *path:
            case "GET", "payment_intents", intent_id:
                return self.books.intent(intent_id)
            case "GET", "events":
                return self.books.list_events(form)
            case "GET", "refunds":
                return self.books.list_refunds(form)
            case "POST", *rest:
                return self._write(rest, form)
        raise _nowhere("/v1/" + "/".join(path))

    def _write(self, path: list[str], form: Json) -> Json:
        match path:
            case ["payment_intents"]:
                return self.books.create(form)
            case ["payment_intents", intent_id, "confirm"]:
                return self.books.confirm(intent_id, form)
            case ["payment_intents", intent_id, "cancel"]:
                return self.books.cancel(intent_id)
            case ["refunds"]:
                return self.books.refund(form)
        raise _nowhere("/v1/" + "/".join(path))

    def control(self, verb: str, wish: Json) -> Json:
        """Play the payer, or bad luck."""
        if verb == "deliver":
            return {"statuses": self._deliver(wish)}
        with self.lock:
            return self._play(verb, wish)

    def _play(self, verb: str, wish: Json) -> Json:
        match verb:
            case "pay":
                return self.books.pay(wish["intent"])
            case "cancel":
                return self.books.cancel(wish["intent"])
            case "fail":
                return self.books.fail(wish["intent"], wish.get("code", "payment_method_customer_decline"))
        self._prepare(verb, wish)
        return {"done": verb}

    def _prepare(self, verb: str, wish: Json) -> None:
        match verb:
            case "hold":
                self.courier.hold = wish["on"]
            case "webhook":
                self.courier.url, self.courier.secrets = wish["url"], wish.get("secrets", self.courier.secrets)
            case "fault":
                self.faults.append({"times": 1} | wish)
            case _:
                raise _nowhere(f"/_control/{verb}")

    def _deliver(self, wish: Json) -> list[int]:
        with self.lock:
            if "events" in wish:
                events = [event for event in self.books.events if event["id"] in wish["events"]]
            else:
                events, self.courier.held = self.courier.held, []
        return self.courier.deliver(events, **{key: wish[key] for key in ("copies", "delay_s", "seed") if key in wish})


class Http(ThreadingHTTPServer):
    """A server on the loopback whose handlers find the books."""

    def __init__(self, port: int, stripe: StripeServer) -> None:
        self.stripe = stripe
        super().__init__(("127.0.0.1", port), Handler)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    # One packet for head and body: two would wait for each other's acknowledgement.
    wbufsize = 65_536
    server: Http

    def do_GET(self) -> None:
        """Answer a read, or show the payment page."""
        self._serve("GET")

    def do_POST(self) -> None:
        """Answer a write, a control or a payer's decision."""
        self._serve("POST")

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def _serve(self, method: str) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        room, *path = url.path.strip("/").split("/")
        if room == "v1":
            self._api(method, path, body or url.query)
        elif room == "_control":
            self._control(path[-1], json.loads(body or "{}"))
        else:
            self._payer(method, path[-1] if path else "", dict(parse_qsl(body)))

    def _api(self, method: str, path: list[str], form: str) -> None:
        if not self.headers.get("Authorization", "").startswith("Bearer sk_test_"):
            self._json(401, _error("invalid_request_error", "Invalid API Key provided."))
            return
        request = {"method": method, "path": path, "form": nested(form)}
        status, body, replayed = self.server.stripe.answer(request, self.headers.get("Idempotency-Key"))
        self._json(status, body, {"Idempotent-Replayed": "true"} if replayed else {})

    def _control(self, verb: str, wish: Json) -> None:
        try:
            self._json(200, self.server.stripe.control(verb, wish))
        except Refusal as refusal:
            self._json(refusal.status, {"error": refusal.error})

    def _payer(self, method: str, intent_id: str, form: dict[str, str]) -> None:
        try:
            intent = self.server.stripe.books.intent(intent_id)
            action = intent["next_action"] or {}
            if method == "POST":
                self.server.stripe.control("pay" if form.get("verb") == "pay" else "fail", {"intent": intent_id})
        except Refusal as refusal:
            self._json(refusal.status, {"error": refusal.error})
            return
        back = action.get("alipay_handle_redirect", {}).get("return_url")
        if method == "POST" and back:
            self._send(303, b"", {"Location": f"{back}?payment_intent={intent_id}"})
        else:
            self._send(200, _page(intent).encode(), {"Content-Type": "text/html; charset=utf-8"})

    def _json(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        extra = {"Content-Type": "application/json", "Request-Id": "req_rehearsal"} | (headers or {})
        self._send(status, json.dumps(body).encode(), extra)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def nested(form: str) -> Json:
    """Read Stripe's form encoding: ``metadata[payment_id]=7&types[0]=a`` is a tree of names and lists."""
    tree: Json = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        *parents, leaf = name.replace("]", "").split("[")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return {name: _lists(value) for name, value in tree.items()}


def _lists(node: Any) -> Any:
    """Return a node whose keys are all numbers as a list."""
    if not isinstance(node, dict):
        return node
    if all(key.isdigit() for key in node):
        return [_lists(value) for value in node.values()]
    return {key: _lists(value) for key, value in node.items()}


def _nowhere(path: str) -> Refusal:
    return invalid("resource_missing", f"Unrecognized request URL: {path}.", status=404)


def _error(kind: str, message: str) -> Json:
    return {"error": {"type": kind, "message": message}}


def _page(intent: Json) -> str:
    yuan = f"{intent['amount'] // 100}.{intent['amount'] % 100:02d}"
    return PAGE.format(yuan=yuan, method=intent["payment_method_types"][0], status=html.escape(intent["status"]))


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A make-believe Stripe.")
    parser.add_argument("--port", type=int, default=4242)
    parser.add_argument("--webhook", default="", help="where events are delivered")
    parser.add_argument("--secret", default=SECRET, help="what signs them")
    options = parser.parse_args()
    with StripeServer(port=options.port, webhook=options.webhook, secret=options.secret) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
