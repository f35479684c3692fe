"""Hand out files that are kept by their content: as a download, whatever is inside."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from vouchers.models import KeptFile


def download(file: KeptFile, *, name: str) -> HttpResponse:
    """Return a kept file under the name that its owner gave it."""
    answer = HttpResponse(bytes(file.content), content_type=file.media_type)
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["Cache-Control"] = "private, no-store"
    return answer
