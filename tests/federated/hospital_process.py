"""A hospital in a process of its own. It imports little, because that process does too."""

from multiprocessing.managers import BaseManager

from fastmlp.federated import LocalSite


class Hospital(BaseManager):
    """The manager of the process."""


Hospital.register("site", LocalSite)
