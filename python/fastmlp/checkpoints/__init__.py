"""Checkpoints: fits that go on where they were killed, to the bits of unbroken ones."""

from fastmlp.checkpoints.checkpoint import Checkpoint

__all__ = ["Checkpoint"]
