"""Make the pages of reference, `spec.md` and `api.md`, from the code: ``python docs/make_reference.py`` writes them anew.

They go into this folder, or into the one that is given as an argument.
"""

from __future__ import annotations

import sys
from pathlib import Path

from api_page import api_page
from spec_page import spec_page

folder = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent
for name, page in {"spec.md": spec_page(), "api.md": api_page()}.items():
    (folder / name).write_text(page, encoding="utf-8", newline="\n")
