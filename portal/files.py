"""Hand kept files to those who may have them: as a download, whatever is inside."""

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404


def download(place: str, *, name: str, media_type: str) -> FileResponse:
    """Return a kept file under the name that its owner gave it.

    :raises Http404: if the file is gone.
    """
    try:
        content = default_storage.open(place)
    except (FileNotFoundError, ValueError) as error:
        raise Http404 from error
    answer = FileResponse(content, as_attachment=True, filename=name, content_type=media_type)
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["Cache-Control"] = "private, no-store"
    return answer
