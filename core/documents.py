"""Files that people hand in as evidence: pictures and PDFs, sheets, invoices as XML or OFD, all read with suspicion.

What a file is is read from its content. An archive is only looked at from outside, XML is read without entities, and
what would unpack to more than a person can mean is refused before it is unpacked.
"""

import io
import unicodedata
import zipfile
from pathlib import PurePosixPath

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, parse
from django.utils.translation import gettext as _

from core import uploads
from core.uploads import BadUpload, Kind

ZIP = b"PK\x03\x04"
MOST_UNPACKED = 50_000_000
MOST_RATIO = 200
MOST_PARTS = 500
LONGEST_NAME = 120
FORBIDDEN = set('\\/:*?"<>|')
SHEET = Kind("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx")
OFD = Kind("application/ofd", ".ofd")
XML = Kind("application/xml", ".xml")
MARKED = (("[Content_Types].xml", "xl/workbook.xml", SHEET), ("OFD.xml", "OFD.xml", OFD))


def kind_of(content: bytes) -> Kind:
    """Return what a file is: PDF, PNG, JPEG, xlsx, OFD or XML.

    :raises BadUpload: if it is empty, too large, a bomb, or nothing that is taken.
    """
    if content.startswith(ZIP):
        return _archive(content)
    if content[:200].lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return _xml(content)
    return uploads.kind_of(content)


def name_of(name: str) -> str:
    """Return a file's name without folders, control characters and what a file system might act on.

    :raises BadUpload: if nothing is left of it.
    """
    last = PurePosixPath(unicodedata.normalize("NFC", name).replace("\\", "/")).name
    kept = "".join(one for one in last if one not in FORBIDDEN and unicodedata.category(one)[0] != "C").strip(" .")
    if not kept:
        raise BadUpload(_("The file has no name."))
    return kept[-LONGEST_NAME:]


def _archive(content: bytes) -> Kind:
    uploads.require_size(len(content))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError) as error:
        raise BadUpload(_("The file is damaged.")) from error
    _require_harmless(parts)
    names = {part.filename for part in parts}
    for first, second, kind in MARKED:
        if first in names and second in names:
            return kind
    raise BadUpload(_("Hand in a PDF, PNG, JPEG, xlsx, OFD or XML file."))


def _require_harmless(parts: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(part.file_size for part in parts)
    packed = max(sum(part.compress_size for part in parts), 1)
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or unpacked > packed * MOST_RATIO:
        raise BadUpload(_("Unpacked, the file would be too large."))
    if any(part.flag_bits & 1 for part in parts):
        raise BadUpload(_("Files with a password are not taken."))
    if any("vbaproject" in part.filename.lower() for part in parts):
        raise BadUpload(_("Files with macros are not taken."))


def _xml(content: bytes) -> Kind:
    uploads.require_size(len(content))
    try:
        root = parse(io.BytesIO(content), forbid_dtd=True).getroot()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise BadUpload(_("This is no XML that can be read.")) from error
    tag = str(getattr(root, "tag", "")).rpartition("}")[2].lower()
    if tag in ("html", "svg"):
        raise BadUpload(_("Hand in a PDF, PNG, JPEG, xlsx, OFD or XML file."))
    return XML
