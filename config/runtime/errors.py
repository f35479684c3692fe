"""What can go wrong with an embedded server."""


class ServerFailed(RuntimeError):
    """An embedded server did not start; the message ends with what it logged."""
