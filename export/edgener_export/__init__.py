"""The host side of edgener: fine-tune, quantize, verify, pack. Needs the extra ``export``."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from edgener.errors import how_to_install

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime reads it once, at import

_MISSING = [
    name for name in ("torch", "transformers", "optimum", "onnx", "matplotlib", "jinja2") if find_spec(name) is None
]
if _MISSING:
    _REMEDY = f"edgener_export needs {', '.join(_MISSING)}: {how_to_install('export')}"
    if Path(sys.argv[0]).name == "edgener-export":
        sys.exit(_REMEDY)
    raise ImportError(_REMEDY)
