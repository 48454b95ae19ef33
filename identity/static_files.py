"""Which static files are collected."""

from django.contrib.staticfiles.apps import StaticFilesConfig

__all__ = ["CollectedFilesConfig"]


class CollectedFilesConfig(StaticFilesConfig):
    """Leave out what no page of ours loads: what is collected is compressed at every start."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "rest_framework", "redoc", "*.js.map"]
