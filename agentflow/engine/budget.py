"""Budgets: money that a run, a job or a step may still spend, set aside before a call and settled after it."""

from decimal import Decimal

from agentflow.errors import BudgetError


class Budget:
    """USD that may still be spent, out of those of `within` where it is given."""

    def __init__(
        self,
        limit: Decimal | None,
        within: "Budget | None" = None,
        mend: str = "raise --budget",
        refused: type[BudgetError] = BudgetError,
    ) -> None:
        """`mend` is what an error says to do where it is not enough, `refused` the error."""
        self._left = limit
        self._within = within
        self._mend = mend
        self._refused = refused

    @property
    def left(self) -> Decimal | None:
        """USD; None where there is no limit."""
        above = self._within.left if self._within else None
        return min((left for left in (self._left, above) if left is not None), default=None)

    def reserve(self, amount: Decimal) -> None:
        """Sets `amount` aside. Raises BudgetError where less is left, and where nothing is."""
        self._check(amount)
        self._take(amount)

    def settle(self, reserved: Decimal, spent: Decimal) -> None:
        """Gives back what was set aside and takes what was spent."""
        self._take(spent - reserved)

    def _check(self, amount: Decimal) -> None:
        left = self._left
        if left is not None and (amount > left or left <= 0):
            raise self._refused(f"the next call may cost {amount:.6f} USD and {left:.6f} are left; {self._mend}")
        if self._within is not None:
            self._within._check(amount)

    def _take(self, amount: Decimal) -> None:
        if self._left is not None:
            self._left -= amount
        if self._within is not None:
            self._within._take(amount)
