"""How often one address may do what nobody has to sign in for."""

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView


class AddressRate(SimpleRateThrottle):
    """So much from an address and web process, whether whoever asks has signed in or not."""

    def get_cache_key(self, request: Request, view: APIView | None) -> str:
        """Return what is counted together."""
        return f"throttle/{self.scope}/{self.get_ident(request)}"
