"""Predictions over HTTP, with FastAPI: ``pip install "fastmlp[serve]"``."""

from fastmlp.serving.app import app_from_environment, create_app

__all__ = ["app_from_environment", "create_app"]
