"""Print docs/openapi.json, the OpenAPI document of a service with tokens, a page, and the limits that it has by itself.

python tools/openapi_document.py > docs/openapi.json
"""

from __future__ import annotations

import json

from edgener.serve.limits import Limits
from edgener.serve.openapi import document


def text() -> str:
    """Return the document as indented JSON."""
    return json.dumps(document(Limits(), has_tokens=True, has_page=True), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    print(text(), end="")
