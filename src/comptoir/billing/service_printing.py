"""Printing: a statement's text becomes a PDF, with fonts that come as packages. Best imported late."""

import atexit
import shutil
import tempfile
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

import noto_cjk_sans_jp_regular
import pymupdf_fonts
import typst

TEMPLATE = Path(__file__).parent / "statement.typ"
EMBEDDED: Final = "a-3b"
"""PDF/A-3b: everything that the page needs is inside it, and an invoice can be attached to it."""

LATIN = ("figo", "figbo")
"""FiraGO, regular and bold: Latin, Greek, Cyrillic, Arabic, Hebrew, Thai and more."""


def pdf(statement: str, issued_at: datetime) -> bytes:
    """The statement (``statement.render``) as a PDF. The same text and date give the same bytes.

    Takes about 15 ms for each page and holds no lock: call it in a thread.
    """
    compiler = typst.Compiler(TEMPLATE.read_bytes(), font_paths=_fonts(), ignore_system_fonts=True)
    printed = compiler.compile(
        format="pdf",
        sys_inputs={"statement": statement},
        timestamp=int(issued_at.timestamp()),
        pdf_standards=[EMBEDDED],
    )
    assert isinstance(printed, bytes), type(printed)
    return printed


@cache
def _fonts() -> typst.Fonts:
    """The fonts, found once. Those that a package holds as data lie in a folder until the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="comptoir-fonts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in LATIN:
        (folder / f"{name}.ttf").write_bytes(pymupdf_fonts.fontbuffers[name]())
    east_asian = Path(noto_cjk_sans_jp_regular.__file__).parent
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(folder), str(east_asian)],
    )
