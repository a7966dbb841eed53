"""SiteExchange: messages to all sites of a round and their answers, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random, SystemRandom
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from fastmlp._user_warnings import warn
from fastmlp.federated.site import LocalSite, Site
from fastmlp.federated.sketch import TableSketch
from fastmlp.rounds.messages import RoundStart, Update
from fastmlp.rounds.plan import Plan

if TYPE_CHECKING:
    from typing import Self

T = TypeVar("T")


class SiteExchange:
    """Calls the methods of all sites, and returns results in the order of the sites.

    Parameters
    ----------
    sites : sequence of Site
    n_threads : int
        For sites in this process; sites elsewhere are all asked at once.
    fraction : float, default=1.0
        Probability with which a site is asked in a round, independently of the others.
    random : Random, default=SystemRandom()
        Chooses the sites. That nobody can foresee the choice is part of what epsilon promises.
    """

    def __init__(
        self,
        sites: Sequence[Site],
        n_threads: int,
        *,
        fraction: float = 1.0,
        random: Random | None = None,
    ) -> None:
        self._sites = sites
        self._fraction = fraction
        self._random = random or SystemRandom()
        self._missed: dict[int, list[int]] = {}  # rounds, by the number of a site
        self._last_error: Exception | None = None
        are_local = all(isinstance(site, LocalSite) for site in sites)
        self._pool = ThreadPoolExecutor(min(n_threads, len(sites)) if are_local else len(sites))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for site in self._sites:
            if isinstance(site, LocalSite):
                site.interrupt()  # the round that Ctrl-C or an error left may still be running
        self._pool.shutdown(cancel_futures=True)

    def sketches(self, categorical_features: Any, *, classifies: bool) -> list[TableSketch]:
        """The sketches of all sites."""
        return self._ask(
            range(len(self._sites)),
            lambda number: self._sites[number].sketch(categorical_features, classifies=classifies),
        )

    def prepare(self, plan: Plan) -> None:
        """Tell all sites the plan."""
        self._ask(range(len(self._sites)), lambda number: self._sites[number].prepare(plan, number))

    def train(self, starts: Sequence[RoundStart]) -> list[Update]:
        """Ask sites for a round; those that cannot be reached are left out.

        Raises
        ------
        ConnectionError
            If none of those asked can be reached.
        """
        asked = [
            number
            for number in range(len(self._sites))
            if self._fraction == 1 or self._random.random() < self._fraction
        ]
        unreachable: dict[int, OSError | EOFError] = {}

        def train(number: int) -> list[Update]:
            try:
                updates = self._sites[number].train(starts)
            except (OSError, EOFError) as error:
                unreachable[number] = error
                return []
            for update in updates:
                if update.participant != number:  # else a site could count more than once
                    raise ValueError(f"it answered as site {update.participant}")
            return updates

        updates = [update for one in self._ask(asked, train) for update in one]
        if asked and len(unreachable) == len(asked):
            raise ConnectionError(
                f"none of {len(asked)} sites answered in round {starts[0].number}"
            ) from unreachable[asked[0]]
        for number in sorted(unreachable):
            self._missed.setdefault(number, []).append(starts[0].number)
            self._last_error = unreachable[number]
        return updates

    def warn_of_missed(self) -> None:
        """Warn of the sites that were left out of rounds, once."""
        if self._missed:
            missed = [
                f"site {site} ({_spans(self._missed[site])})" for site in sorted(self._missed)
            ]
            warn(
                "sites that could not be reached were left out of rounds (counted from 0): "
                f"{', '.join(missed)}. The last error was {self._last_error!r}"
            )

    def _ask(self, numbers: Sequence[int], call: Callable[[int], T]) -> list[T]:
        def named(number: int) -> T:
            try:
                return call(number)
            except (ValueError, TypeError) as error:
                kind = TypeError if isinstance(error, TypeError) else ValueError
                raise kind(f"site {number}: {error}") from error

        return list(self._pool.map(named, numbers))


def _spans(rounds: Sequence[int]) -> str:
    """Ascending numbers of rounds as text, neighbours joined: 2, 5-9."""
    spans: list[list[int]] = []
    for one in rounds:
        if spans and one == spans[-1][1] + 1:
            spans[-1][1] = one
        else:
            spans.append([one, one])
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in spans]
    return f"round{'s' * (len(rounds) > 1)} {', '.join(shown)}"
