"""The host side of edgener: fine-tune, quantize, verify, pack. Needs the extra ``export``."""

from importlib.util import find_spec

_MISSING = [name for name in ("torch", "transformers", "optimum", "onnx") if find_spec(name) is None]
if _MISSING:
    raise ImportError(f"edgener_export needs {', '.join(_MISSING)}: pip install 'edgener[export]'")
