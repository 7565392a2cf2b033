"""A recipe is one TOML file that describes one reproducible model; reading it imports neither torch nor onnx."""

from edgener_export.recipe.read import read_recipe
from edgener_export.recipe.settings import Recipe

__all__ = ["Recipe", "read_recipe"]
