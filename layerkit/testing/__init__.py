"""What authors of components import to test what they wrote; the names stand in ``__init__.pyi``."""

from layerkit.lazy_names import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__)
