"""Which environment gets the next group: deficit scheduling over delivered plus in-flight groups.

Each admitted group is one unit of credit, handed to all contenders by share and paid by the one that
is chosen; a group that is not trained in the end is refunded. So credit is what an environment is
owed: `share · admitted − own`. Those without room are passed over and keep their claim, up to a cap,
so that nobody waits for them and their return does not flood.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Account:
    """What an environment is owed, in groups. `share` is a weight relative to the other accounts."""

    name: str
    share: float
    credit: float = 0.0


def choose(accounts: Collection[Account], ready: Collection[str]) -> str | None:
    """The ready account with the greatest claim, or None if none is ready. Ties go by name."""
    portions = target_shares(accounts)
    claims = [
        (-(account.credit + portions[account.name]), account.name)
        for account in accounts
        if account.name in ready and account.share > 0
    ]
    return min(claims)[1] if claims else None


def charge(accounts: Collection[Account], winner: str, cap: float, cost: float = 1.0) -> tuple[Account, ...]:
    """The accounts after `winner` got what costs `cost`: a group, or its tokens in units of them."""
    return _settled(_shifted(accounts, winner, cost), cap)


def refund(accounts: Collection[Account], name: str, cap: float, cost: float = 1.0) -> tuple[Account, ...]:
    """The accounts after a group of `name` turned out not to be trained."""
    return charge(accounts, name, cap, -cost)


def target_shares(accounts: Collection[Account]) -> Mapping[str, float]:
    """Each account's share of all, summing to 1 if any is above 0."""
    total = sum(account.share for account in accounts)
    return {account.name: account.share / total if total else 0.0 for account in accounts}


def _shifted(accounts: Collection[Account], name: str, units: float) -> list[Account]:
    portions = target_shares(accounts)
    return [
        replace(
            account,
            credit=account.credit + units * (portions[account.name] - (account.name == name)),
        )
        for account in accounts
    ]


def _settled(accounts: Collection[Account], cap: float) -> tuple[Account, ...]:
    """Credits that sum to 0 again, none above `cap`: what exceeds it goes to the others by share."""
    if not accounts:
        return ()
    mean = sum(account.credit for account in accounts) / len(accounts)
    centred = [replace(account, credit=account.credit - mean) for account in accounts]
    excess = sum(max(0.0, account.credit - cap) for account in centred)
    below = sum(account.share for account in centred if account.credit < cap)
    if excess == 0.0 or below == 0.0:
        return tuple(centred)
    return tuple(
        replace(account, credit=cap)
        if account.credit >= cap
        else replace(account, credit=min(cap, account.credit + excess * account.share / below))
        for account in centred
    )
