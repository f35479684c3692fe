"""Tables as people send them: CSV and xlsx files, read with suspicion and written so that no spreadsheet runs them."""

from core.sheets.reading import Sheet, Unreadable, read
from core.sheets.refusals import UnreadableFile, load
from core.sheets.writing import CSV, XLSX, write

__all__ = ["CSV", "XLSX", "Sheet", "Unreadable", "UnreadableFile", "load", "read", "write"]
