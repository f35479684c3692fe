"""The Celery app, and the schedule of the sweeps in the order in which an order flows."""

import os
import warnings

from celery import Celery

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# Celery warns a worker of root that pickled messages may run code; ours are JSON.
warnings.filterwarnings("ignore", message=r"\s*You're running the worker with superuser privileges")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("suanyi", task_cls="config.jobs:Job")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Each sweep finds its work in the rows, so a lost or doubled message costs time only.
# Every so many seconds; SUANYI_BEAT_SPEED divides them.
SCHEDULE = {
    "market.show_prices_in_effect": 30,  # price plans whose hour has come → the offering's price
    "accounts.expire_onboardings": HOUR,  # providers verified until yesterday → expired, their offerings not shown
    "market.refresh_measures": HOUR,  # figures that came or expired → unified measures
    "market.expire_orders": 30,  # orders whose window has passed → expired
    "billing.expire_approvals": MINUTE,  # orders that nobody approved in time → expired
    "market.expire_quotes": 30,  # quotes whose time has passed → their cards free again
    "market.match_open_orders": 5,  # orders open → matched, capacity reserved
    "market.hold_auction": 5 * MINUTE,  # orders of the call auction → matched together
    "billing.extend_automatically": MINUTE,  # reservations that end soon and have an instruction → extended
    "market.advance_reservations": 30,  # reservations held → running → ended; not handed over in time → failed
    "market.accept_unanswered_downtimes": 10 * MINUTE,  # downtimes claimed and left unanswered → accepted
    "market.open_bids": 30,  # requests for quotations whose time is over → bids opened
    "market.record_trades": 30,  # reservations → the trade tape, and what of it does not count
    "market.close_history": MINUTE,  # hours and days with trades, once they are over → price history
    "market.publish_index": HOUR,  # days that are over → the price index
    "market.meter_usage": 10,  # hours with new usage → metered
    "billing.rate_usage": 15,  # metered hours → charges, paid from voucher and wallet
    "billing.pay_instalments": HOUR,  # blocks paid month by month → the next month set aside, or the block ended
    "billing.charge_lines": 10 * MINUTE,  # lines beside the card-hour, days that are over → charges in cash
    "billing.close_fundings": MINUTE,  # ended reservations → the rest of their holds released
    "billing.sync_payments": 10,  # payments under way → their state at the gateway
    "vouchers.advance_applications": MINUTE,  # windows over, supplements missed, budget come free → the next state
    "vouchers.expire_grants": MINUTE,  # grants past their day → expired; those nobody uses → taken back
    "billing.sweep_integrity": DAY,  # what looks like misuse of vouchers → findings for the desk
    "billing.play_simulations": 10,  # rules to be played against the past → what they would have cost and reached
    "vouchers.sequence_log": 10,  # movements of vouchers → places in the transparency log
    "vouchers.publish_checkpoints": MINUTE,  # a log that has grown → a signed checkpoint
    "vouchers.assemble_claims": HOUR,  # what vouchers paid in a period that has closed → claims of its providers
    "vouchers.reverse_claim_lines": HOUR,  # refused lines that nobody handed in again in time → reversed
    "billing.issue_invoices": HOUR,  # charges of past months → invoices
    "billing.settle_providers": HOUR,  # invoiced charges → settlements
    "market.refresh_reputations": HOUR,  # reservations of past days → reputations of the day
    "accounts.purge_idempotent_requests": DAY,  # answers kept long enough → gone
}
app.conf.beat_schedule = {task: {"task": task, "schedule": seconds} for task, seconds in SCHEDULE.items()}
