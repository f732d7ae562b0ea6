"""The commands of layerkit: a module each, by the name of the command, with the click command as ``command``."""
