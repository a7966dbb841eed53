"""Checkpoints: fits that resume after a kill, with the same bits as uninterrupted ones."""

from fastmlp.checkpoints.checkpoint import Checkpoint

__all__ = ["Checkpoint"]
