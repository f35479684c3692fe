"""Files that leave with a signature over their content: a zip of the file and a signed note that names its digest.

The log's key signs. The note begins with a line of its own, so that it is never taken for a checkpoint of a log.
"""

import base64
import hashlib
import io
import zipfile

from vouchers.services import checkpoints

FORMAT = "suanyi signed file v1"
MEDIA_TYPE = "application/zip"


def note(*, name: str, content: bytes) -> str:
    """Return what the platform says of a file: its name and its digest, signed.

    :raises NoKey: if there is no key to sign with.
    """
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    text = f"{FORMAT}\n{name}\nsha256 {digest}\n"
    return f"{text}\n{checkpoints.signer().line(text)}"


def packed(*, name: str, content: bytes) -> bytes:
    """Return a zip of a file and its note.

    :raises NoKey: if there is no key to sign with.
    """
    said = note(name=name, content=content)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        archive.writestr(f"{name}.note", said)
    return made.getvalue()
