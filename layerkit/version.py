"""Which version of layerkit this is."""

from importlib.metadata import version

__version__ = version("layerkit")
