"""Requests for quotations: what a buyer asks for, bids that stay sealed until a time, and what was awarded."""

from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, OrganizationKind
from core.fields import FenField, MicroField
from core.models import Entity, EntityQuerySet, Row, Stateful
from market.models.catalogue import Accelerator
from market.models.offering import Category, Offering
from market.models.order import Order


class RfqStatus(models.TextChoices):
    """A request collects sealed bids, has them opened, and ends with an award, without one, or cancelled."""

    OPEN = "open", _("Collecting bids")
    OPENED = "opened", _("Bids opened")
    AWARDED = "awarded", _("Awarded")
    DECLINED = "declined", _("No award")
    CANCELLED = "cancelled", _("Cancelled")


class RfqQuerySet(EntityQuerySet["Rfq"]):
    """Requests by state and by who may see them."""

    def due_to_open(self, at: datetime) -> Self:
        return self.filter(status=RfqStatus.OPEN, bids_until__lte=at)

    def of_buyer(self, buyer: Organization) -> Self:
        return self.filter(buyer=buyer)

    def for_provider(self, provider: Organization) -> Self:
        if provider.kind != OrganizationKind.PROVIDER:
            return self.none()
        invited = Rfq.invited.through.objects.filter(rfq=OuterRef("pk"), organization=provider)
        return self.filter(Q(open_to_all=True) | Exists(invited))

    def visible_to(self, organization: Organization) -> Self:
        if organization.kind == OrganizationKind.PROVIDER:
            return self.for_provider(organization)
        return self.of_buyer(organization)


class Rfq(Entity, Stateful):
    """A buyer's request for quotations 询价: count × hours in a start window, of some models or as described.

    The budget is the buyer's secret. ``bid_hashes`` are the commitments of the bids that came, those that could not be
    read among them: whoever bid finds his own, and none can be added. An award's ``order`` says what was bought.
    """

    MOVES = {
        RfqStatus.OPEN: {RfqStatus.OPENED, RfqStatus.CANCELLED},
        RfqStatus.OPENED: {RfqStatus.AWARDED, RfqStatus.DECLINED},
        RfqStatus.AWARDED: set(),
        RfqStatus.DECLINED: set(),
        RfqStatus.CANCELLED: set(),
    }

    buyer = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="rfqs")
    title = models.CharField(_("title"), max_length=120)
    requirement = models.TextField(_("requirement"), max_length=4000, blank=True)
    category = models.CharField(_("category"), max_length=16, choices=Category)
    accelerators = models.ManyToManyField(
        Accelerator, related_name="+", blank=True, verbose_name=_("acceptable models")
    )
    count = models.PositiveIntegerField(_("cards"))
    hours = models.PositiveIntegerField(_("hours"))
    start_min = models.DateTimeField(_("earliest start"))
    start_max = models.DateTimeField(_("latest start"))
    budget_fen = FenField(_("budget (fen)"), null=True)
    open_to_all = models.BooleanField(_("open to all providers"), default=True)
    invited = models.ManyToManyField(Organization, related_name="+", blank=True, verbose_name=_("invited"))
    published_at = models.DateTimeField(_("published at"))
    bids_until = models.DateTimeField(_("bids until"))
    opened_at = models.DateTimeField(_("opened at"), null=True)
    bid_hashes = ArrayField(models.CharField(max_length=64), default=list, verbose_name=_("commitments of the bids"))
    closed_at = models.DateTimeField(_("closed at"), null=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    objects = RfqQuerySet.as_manager()

    class Meta:
        verbose_name = _("request for quotations")
        verbose_name_plural = _("requests for quotations")
        indexes = [
            models.Index(fields=["buyer", "-published_at"], name="rfq_by_buyer"),
            models.Index(fields=["bids_until"], condition=Q(status=RfqStatus.OPEN), name="rfq_to_open"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(count__gt=0, hours__gt=0), name="rfq_not_empty"),
            models.CheckConstraint(condition=Q(start_min__lte=F("start_max")), name="rfq_window_forward"),
            models.CheckConstraint(
                condition=Q(bids_until__gt=F("published_at"), bids_until__lt=F("start_max")),
                name="rfq_bids_before_the_start",
            ),
            models.CheckConstraint(condition=Q(budget_fen=None) | Q(budget_fen__gt=0), name="rfq_budget_positive"),
            models.CheckConstraint(
                condition=Q(opened_at=None) | Q(opened_at__gte=F("bids_until")), name="rfq_opened_after_its_time"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[RfqStatus.OPEN, RfqStatus.OPENED], closed_at=None)
                | Q(
                    status__in=[RfqStatus.AWARDED, RfqStatus.DECLINED, RfqStatus.CANCELLED],
                    closed_at__isnull=False,
                ),
                name="rfq_closed_has_time",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[RfqStatus.OPEN, RfqStatus.CANCELLED], opened_at=None)
                | Q(
                    status__in=[RfqStatus.OPENED, RfqStatus.AWARDED, RfqStatus.DECLINED],
                    opened_at__isnull=False,
                ),
                name="rfq_opened_has_time",
            ),
            models.CheckConstraint(condition=Q(status__in=RfqStatus.values), name="rfq_status_known"),
            models.CheckConstraint(condition=Q(category__in=Category.values), name="rfq_category_known"),
        ]

    def __str__(self) -> str:
        return self.title


class SealedBid(Entity):
    """An envelope: a bid that nobody can read, or its withdrawal. Never changed; the latest of a provider counts.

    ``sealed`` is ciphertext, empty for a withdrawal; ``sha256`` commits to what is inside. A trigger refuses an
    envelope whose time has passed, or whose request is no longer open.
    """

    rfq = models.ForeignKey(Rfq, on_delete=models.PROTECT, related_name="envelopes")
    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(_("version"))
    sealed = models.BinaryField(_("sealed"))
    sha256 = models.CharField(_("commitment"), max_length=64)
    submitted_at = models.DateTimeField(_("submitted at"))

    class Meta:
        verbose_name = _("sealed bid")
        verbose_name_plural = _("sealed bids")
        constraints = [UniqueConstraint(fields=["rfq", "provider", "version"], name="sealed_bid_version_once")]


class BidQuerySet(EntityQuerySet["Bid"]):
    """Bids by who may see them."""

    def visible_to(self, organization: Organization) -> Self:
        return self.filter(Q(rfq__buyer=organization) | Q(provider=organization))

    def for_comparison(self) -> Self:
        rows = self.select_related("provider", "offering__accelerator", "offering__site", "envelope", "award")
        return rows.order_by("price_micro", "pk")


class Bid(Entity):
    """What an envelope held, written when all were opened. Never changed."""

    envelope = models.OneToOneField(SealedBid, on_delete=models.PROTECT, related_name="bid")
    rfq = models.ForeignKey(Rfq, on_delete=models.PROTECT, related_name="bids")
    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="bids")
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="+")
    price_micro = MicroField(_("price per card-hour (micro-yuan)"))
    count = models.PositiveIntegerField(_("cards"))
    starts_at = models.DateTimeField(_("starts at"))
    valid_until = models.DateTimeField(_("valid until"))
    note = models.TextField(_("description"), max_length=2000, blank=True)
    salt = models.CharField(_("salt of the commitment"), max_length=64)

    objects = BidQuerySet.as_manager()

    class Meta:
        verbose_name = _("bid")
        verbose_name_plural = _("bids")
        indexes = [models.Index(fields=["rfq", "price_micro", "id"], name="bid_by_price")]
        constraints = [
            models.CheckConstraint(condition=Q(price_micro__gt=0), name="bid_price_positive"),
            models.CheckConstraint(condition=Q(count__gt=0), name="bid_count_positive"),
        ]


class Unreadability(models.TextChoices):
    """Why an envelope became no bid."""

    CIPHER = "cipher", _("Sealed with another key, or damaged")
    COMMITMENT = "commitment", _("Not what its provider committed to")
    TERMS = "terms", _("What is inside makes no bid")


class UnreadableBidQuerySet(EntityQuerySet["UnreadableBid"]):
    """Unreadable envelopes by who may know of them."""

    def visible_to(self, organization: Organization) -> Self:
        return self.filter(Q(envelope__rfq__buyer=organization) | Q(envelope__provider=organization))

    def of(self, rfq: Rfq) -> Self:
        return self.filter(envelope__rfq=rfq).select_related("envelope__provider").order_by("pk")


class UnreadableBid(Row):
    """An envelope that could not be read when all were opened: it is no bid and never becomes one. Never changed."""

    envelope = models.OneToOneField(
        SealedBid, on_delete=models.PROTECT, primary_key=True, related_name="unreadable", verbose_name=_("sealed bid")
    )
    why = models.CharField(_("reason"), max_length=16, choices=Unreadability)
    found_at = models.DateTimeField(_("found at"))

    objects = UnreadableBidQuerySet.as_manager()

    class Meta:
        verbose_name = _("unreadable bid")
        verbose_name_plural = _("unreadable bids")
        constraints = [
            models.CheckConstraint(condition=Q(why__in=Unreadability.values), name="unreadable_bid_reason_known")
        ]


class Award(Row):
    """A bid won: the order that it became. Never changed."""

    bid = models.OneToOneField(Bid, on_delete=models.PROTECT, primary_key=True, related_name="award")
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="award")
    awarded_at = models.DateTimeField(_("awarded at"))

    class Meta:
        verbose_name = _("award")
        verbose_name_plural = _("awards")


class RfqQuestion(Entity):
    """A bidder's question and the buyer's answer, which all bidders see without the name of who asked."""

    rfq = models.ForeignKey(Rfq, on_delete=models.PROTECT, related_name="questions")
    asker = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(_("question"), max_length=2000)
    asked_at = models.DateTimeField(_("asked at"))
    answer = models.TextField(_("answer"), max_length=2000, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True)

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        constraints = [
            models.CheckConstraint(
                condition=Q(answer="", answered_at=None) | ~Q(answer="") & Q(answered_at__isnull=False),
                name="rfq_question_answer_has_time",
            ),
        ]
