"""The real client against a make-believe Stripe on a free port, and a webhook that remembers what it was sent."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from billing.gateways.stripe import StripeGateway
from config.demo.stripe_server import StripeServer

SECRET = "whsec_made_up"


@pytest.fixture
def stripe_server():
    with StripeServer(secret=SECRET) as server:
        yield server


@pytest.fixture
def gateway(stripe_server):
    gateway = StripeGateway(
        api_key="sk_test_made_up",
        webhook_secret=SECRET,
        return_url="https://suanyi.test/wallet/",
        api_base=stripe_server.url,
    )
    yield gateway
    gateway.close()


class Mailbox(HTTPServer):
    """A webhook: keeps every ``(body, signature)`` and answers with the statuses it is given, then with 200."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Slot)
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self.letters = []
        self.statuses = []
        self.came = threading.Condition()

    def wait_for(self, number):
        """Return the letters once there are that many."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.letters) >= number, timeout=60)
            return list(self.letters)


class Slot(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.came:
            self.server.letters.append((body, self.headers["Stripe-Signature"]))
            self.server.came.notify_all()
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args):
        pass


@pytest.fixture
def mailbox():
    server = Mailbox()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
