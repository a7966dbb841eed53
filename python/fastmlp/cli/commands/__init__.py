"""The commands: only their options and help texts."""
