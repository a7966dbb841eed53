"""The commands: their options and help, and nothing of their work."""
