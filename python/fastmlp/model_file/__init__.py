"""Model files: trained models as safetensors files, which hold numbers and text, never code.

docs/model-file.md describes the format.
"""

from fastmlp.model_file.errors import ModelFileError

__all__ = ["ModelFileError"]
