"""Chinese named-entity recognition for machines that fit in a hand: onnxruntime, numpy, tokenizers, nothing else.

>>> from edgener import Recognizer
>>> recognizer = Recognizer.load()
>>> for entity in recognizer("王小明在北京大学工作。"):
...     print(entity.text, entity.label)
王小明 PER
北京大学 ORG
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgener.entity import Entity
from edgener.errors import BundleError, EdgenerError
from edgener.rules import Rules

if TYPE_CHECKING:
    from edgener.recognizer import Recognizer, Segment

__version__ = "0.2.0"
__all__ = ["BundleError", "EdgenerError", "Entity", "Recognizer", "Rules", "Segment", "__version__"]


def __getattr__(name: str) -> object:
    """Load onnxruntime with the first use of the recognizer, so that ``--help`` and Ctrl-C need not wait for it."""
    if name in ("Recognizer", "Segment"):
        from edgener import recognizer

        return getattr(recognizer, name)
    raise AttributeError(f"module 'edgener' has no attribute {name!r}")
