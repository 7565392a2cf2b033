"""Chinese named-entity recognition for machines that fit in a hand: onnxruntime, numpy, tokenizers, nothing else.

>>> from edgener import Recognizer
>>> recognizer = Recognizer.load()
>>> for entity in recognizer("王小明在北京大学工作。"):
...     print(entity.text, entity.label)
王小明 PER
北京大学 ORG
"""

from edgener.entity import Entity
from edgener.errors import BundleError, EdgenerError
from edgener.recognizer import Recognizer, Segment

__version__ = "0.1.0"
__all__ = ["BundleError", "EdgenerError", "Entity", "Recognizer", "Segment", "__version__"]
