"""Hand out files that are kept by their content: as a download, whatever is inside."""

from django.http import HttpResponse

from portal import exports
from vouchers.models import KeptFile


def download(file: KeptFile, *, name: str) -> HttpResponse:
    """Return a kept file under the name that its owner gave it."""
    return exports.download(bytes(file.content), name=name, media_type=file.media_type)
