"""Neural networks that are written down as data.

The public names stand in ``__init__.pyi``, each once, and are resolved on first use, so that importing the package costs nothing.
"""

from layerkit.lazy_names import lazy_names


def _meant(name: str) -> str | None:
    from layerkit.registry.discovery import builtin_meant

    return builtin_meant(name)


__getattr__, __dir__, __all__ = lazy_names(__name__, _meant)
