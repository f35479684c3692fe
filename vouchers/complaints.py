"""Say in the reader's language what is wrong with a programme's parameters, and where."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from core.money import format_yuan
from vouchers.parameters.checks import Problem
from vouchers.parameters.codec import BadParameters

WORDS: dict[str, Promise] = {
    # what cannot be read
    "MISSING": _("“%(name)s” is missing."),
    "UNKNOWN": _("There is no parameter “%(name)s”."),
    "NOT_A_CHOICE": _("%(given)s is none of the choices."),
    "OUT_OF_RANGE": _("The number must be %(sign)s %(limit)s."),
    "WRONG_LENGTH": _("The length must be %(sign)s %(limit)s."),
    "WRONG_FORM": _("The text has characters or a form that is not allowed here."),
    "NOT_A_DATE": _("A date is written YYYY-MM-DD."),
    "WRONG_TYPE": _("%(kind)s is needed here, not %(given)s."),
    "TOO_DEEP": _("The parameters are nested too deeply."),
    "TOO_LONG": _("The parameters are longer than %(limit)s bytes."),
    "NOT_JSON": _("This is not JSON."),
    "NOT_TEXT": _("The text contains characters that cannot be kept."),
    "UNREADABLE": _("This cannot be read."),
    # what cannot be meant
    "CLOSES_BEFORE_OPENING": _("It closes on %(closes)s, not after it opens on %(opens)s."),
    "DATE_OUT_OF_RANGE": _("The days from %(opens)s to %(closes)s lie too far away."),
    "FIXED_DAY_BEFORE_CLOSING": _("Vouchers end on %(fixed)s, while new ones are granted until %(closes)s."),
    "FIRST_USE_NEEDS_A_LAST_DAY": _(
        "Where the days of validity count from the first use, say when a voucher ends that is never used."
    ),
    "ENDS_BEFORE_START": _("The last day, %(last)s, lies before the first, %(first)s."),
    "WINDOWS_OVERLAP": _("This window opens on %(opens)s, before the one before it closes on %(closes)s."),
    "WINDOW_NEEDED": _("%(method)s needs a window."),
    "WINDOW_OUTSIDE_PROGRAMME": _("The window from %(opens)s to %(closes)s lies outside the programme's own days."),
    "PARTS_ABOVE_BUDGET": _("The parts add up to ¥%(total)s, more than the budget of ¥%(budget)s."),
    "ONE_POOL_FOR_THE_REST": _("Only one pool is for the firms of all other districts."),
    "POOLS_OR_QUOTAS": _("Districts have pools or quotas, not both."),
    "SHARE_NEEDS_A_LIST": _("A largest share of one provider needs a list of providers."),
    "FLOOR_ABOVE_CAP": _("The least, %(floor)s, is above the most, %(cap)s."),
    "LIFETIME_BELOW_YEAR": _("The cap for life, ¥%(lifetime)s, is below the cap of one year, ¥%(year)s."),
    "NAMED_TWICE": _("“%(name)s” is named twice."),
    "EMPTY": _("At least one is needed."),
    "BOTH_IN_AND_OUT": _("“%(name)s” is both eligible and excluded."),
    "SUM_CAP_NEEDS_SUM": _("A cap on the sum of ratios goes with SUM_CAPPED, and only with it."),
    "BASE_PERIOD_NEEDED": _("Apportioning by days needs a base period."),
    "TIER_NEVER_REACHED": _("The ratio %(tier)s is never reached behind %(behind)s, which is for everyone."),
    "CEILING_NEEDS_RULE": _(
        "A ceiling over public support goes with AGGREGATE_CAP and STACK_WITH_LIMIT, and only then."
    ),
    "PARTNERS_NEED_RULE": _("Kinds of support that may be added go with STACK_WITH_LIMIT, and only with it."),
    "WAIVER_WITHOUT_CAP": _("There is no yearly cap that could be waived."),
    "GROUP_WITHOUT_CAP": _("There is no yearly cap that firms of one controller could share."),
    "INSTANT_COUNTS_REDEMPTIONS": _("A voucher deducted at checkout counts what is redeemed towards its yearly cap."),
    "FIRST_PURCHASE_NEEDS_A_GRANT": _(
        "What is reimbursed is not known to be a first purchase: that takes a voucher granted before."
    ),
    "HOLD_TOO_SHORT": _("The call auction is held every five minutes: leave an order at least %(least)s minutes."),
    "RUNNING_ORDERS_ARE_HELD": _("What is set aside for an order that has its cards stays so until the order ends."),
    "BUYERS_PAY_THE_REST": _(
        "What a voucher does not pay, or can pay no more, its buyer pays; this cannot be switched off."
    ),
    "BUDGET_YEAR_IS_OVER": _("The budget would lapse before the programme opens: its year is over by then."),
    "BUDGETS_ARE_FOR_VOUCHERS": _("All of a budget can be granted: leave the costs of administration out of it."),
    "BARS_COUNT_EVERYWHERE": _("Whoever is barred gets vouchers from no programme of the platform."),
    "PAYMENTS_TAKE_TWO": _("Nothing is paid that two people have not seen; this cannot be switched off."),
    "ACCOUNTS_ARE_VERIFIED": _("Money goes to verified accounts only; this cannot be switched off."),
    "CLAIMS_ARE_PAID_WHOLE": _("What is accepted of a claim is paid at once and whole."),
    "INVOICES_ARE_WHOLE": _("Invoices are over the whole price: a voucher is how a part of it is paid."),
    "SHARED_BY_ITS_METHOD": _("Shares go with a window that decides on all together, cutting by rank with a ranking."),
    "NOT_AN_ADDRESS": _("An address begins with https:// or http://."),
    "REFUNDS_LAPSE": _("What is refunded after the expiry returns to the programme, never to the owner."),
    "CALENDAR_YEARS_COUNT": _("A yearly cap counts by calendar years so far."),
    "ONLY_MONEY": _("Vouchers are paid in money so far; card-hours and tokens are kept for later."),
    "CLAIMS_COME_LATER": _("Redemption before the expiry can be asked for only where it is deducted at checkout."),
    "CLAIMS_FOLLOW_THE_USE": _(
        "The first use is known, before it is paid for, only where a voucher is deducted at checkout."
    ),
    "INSTANT_NEEDS_PLAIN_BASE": _("A voucher deducted at checkout is a share of the plain price."),
    "INSTANT_OWES_THE_PROVIDER": _("What is deducted at checkout is owed to the provider."),
    "CRITERIA_NEEDED": _("Providers taken by criteria need criteria."),
    "OPEN_HAS_NO_LIST": _("A registry that is open to everyone lists no service items."),
    "PRICES_NEED_A_LIST": _("Filed prices need a list of providers: a registry that is open to everyone has none."),
    "REFERENCE_NEEDS_FILED_PRICES": _("The median is that of filed prices: ask for them as well."),
    "UNKNOWN_FACT": _("No condition can ask for “%(given)s”."),
    "FACT_OF_ANOTHER_KIND": _("“%(given)s” cannot be compared like this."),
    "PREDICATE_TOO_LARGE": _("A condition has at most %(given)s parts."),
    "PREDICATE_TOO_DEEP": _("A condition is nested at most %(given)s deep."),
}
IN_YUAN = {"total", "budget", "lifetime", "year"}


def sentence(problem: Problem) -> str:
    """Return what is wrong, as a sentence."""
    given = {name: format_yuan(int(value)) if name in IN_YUAN else value for name, value in problem.given.items()}
    return str(WORDS[problem.code]) % given


def by_field(problems: list[Problem], names: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a sentence for every parameter at fault; ``names`` says how a caller calls it."""
    called = names or {}
    return {called.get(problem.path, problem.path) or "parameters": sentence(problem) for problem in reversed(problems)}


@contextmanager
def refusing_bad(refusal: type[DomainError], *, names: Mapping[str, str] | None = None) -> Iterator[None]:
    """Raise ``refusal``, with a sentence for every parameter, if parameters are read that cannot be meant."""
    try:
        yield
    except BadParameters as error:
        fields = by_field(error.problems, names)
        problems: list[dict[str, Any]] = [
            {"path": each.path, "code": each.code, "given": dict(each.given)} for each in error.problems
        ]
        raise refusal(next(iter(fields.values())), fields=fields, problems=problems) from error
