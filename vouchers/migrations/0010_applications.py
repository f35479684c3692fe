"""Applications: rounds with their procedure, what firms ask for, and every fact of their way to a grant."""

import core.fields
import core.ids
import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import vouchers.models.application_round
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_separate_duties"),
        ("ledger", "0006_reserve_row_by_row"),
        ("vouchers", "0009_parameters"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS btree_gist", migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Round",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("opens_at", models.DateTimeField(verbose_name="opens at")),
                ("closes_at", models.DateTimeField(verbose_name="closes at")),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("first_come", "First come, first served"),
                            ("batch", "All that qualify, in the order of arrival"),
                            ("ranked", "Ranked by score"),
                            ("pro_rata", "Shared in proportion"),
                            ("lottery", "Drawn by lot"),
                            ("exempt", "From a list, without application"),
                        ],
                        max_length=16,
                        verbose_name="method of allocation",
                    ),
                ),
                ("budget_fen", core.fields.FenField(blank=True, null=True, verbose_name="budget of the round (fen)")),
                ("committed_fen", core.fields.FenField(default=0, editable=False, verbose_name="committed (fen)")),
                ("most_fen", core.fields.FenField(blank=True, null=True, verbose_name="largest award (fen)")),
                (
                    "per_applicant",
                    models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="applications per firm"),
                ),
                ("once_per_contract", models.BooleanField(default=True, verbose_name="each contract once")),
                ("partly", models.BooleanField(default=False, verbose_name="awards in part when short")),
                (
                    "required_evidence",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("contract", "Contract"),
                                ("commitment", "Letter of commitment"),
                                ("licence", "Business licence"),
                                ("plan", "Plan of use"),
                                ("invoice", "Invoice"),
                                ("payment", "Proof of payment"),
                                ("usage", "Proof of use"),
                                ("delivery", "Acceptance of delivery"),
                                ("filing", "Filing of the model"),
                                ("electricity", "Proof of electricity used"),
                                ("non_duplication", "Statement of no other support"),
                                ("non_related", "Statement of no related party"),
                                ("other", "Other"),
                            ],
                            max_length=16,
                        ),
                        default=list,
                        size=None,
                        verbose_name="required evidence",
                    ),
                ),
                ("district_review", models.BooleanField(default=False, verbose_name="districts review first")),
                ("reviewers", models.PositiveSmallIntegerField(default=1, verbose_name="reviewers")),
                ("panel_size", models.PositiveSmallIntegerField(default=0, verbose_name="experts who score")),
                ("review_days", models.PositiveSmallIntegerField(default=5, verbose_name="days for each review")),
                ("supplement_days", models.PositiveSmallIntegerField(default=5, verbose_name="days to supplement")),
                ("publicity_days", models.PositiveSmallIntegerField(default=5, verbose_name="days of publicity")),
                ("appeal_days", models.PositiveSmallIntegerField(default=10, verbose_name="days to appeal")),
                ("seed_commitment", models.CharField(blank=True, max_length=64, verbose_name="commitment to the seed")),
                ("seed", models.CharField(blank=True, editable=False, max_length=120, verbose_name="seed")),
                ("opened_at", models.DateTimeField(editable=False, null=True, verbose_name="opened at")),
                ("allocated_at", models.DateTimeField(editable=False, null=True, verbose_name="allocated at")),
                (
                    "allocated_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "drafted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="drafted by",
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="opened by",
                    ),
                ),
                (
                    "programme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rounds", to="vouchers.programme"
                    ),
                ),
            ],
            options={
                "verbose_name": "application round",
                "verbose_name_plural": "application rounds",
                "constraints": [
                    models.UniqueConstraint(fields=("programme", "name"), name="round_name_once"),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("programme", "="),
                            (
                                vouchers.models.application_round.TimeRange(
                                    "opens_at", "closes_at", django.contrib.postgres.fields.ranges.RangeBoundary()
                                ),
                                "&&",
                            ),
                        ],
                        name="round_windows_do_not_overlap",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("opens_at__lt", models.F("closes_at"))), name="round_window_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("method__in", ["first_come", "batch", "ranked", "pro_rata", "lottery", "exempt"])
                        ),
                        name="round_method_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("budget_fen", None), ("budget_fen__gt", 0), _connector="OR"),
                        name="round_budget_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("committed_fen__gte", 0),
                            models.Q(
                                ("budget_fen", None), ("committed_fen__lte", models.F("budget_fen")), _connector="OR"
                            ),
                        ),
                        name="round_within_budget",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("most_fen", None), ("most_fen__gt", 0), _connector="OR"),
                        name="round_largest_award_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reviewers__lte", 2)), name="round_at_most_two_reviewers"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("panel_size__lte", 15)), name="round_panel_not_too_large"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("method", "ranked"), _negated=True), ("panel_size__gt", 0), _connector="OR"
                        ),
                        name="round_ranks_by_scores",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("method", "lottery"), _negated=True),
                            models.Q(("seed_commitment", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="round_lottery_commits_to_its_seed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("opened_by", None),
                            models.Q(("opened_by", models.F("drafted_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="round_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status", "draft"),
                            models.Q(("opened_at__isnull", False), ("opened_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="round_opened_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["draft", "open", "closed", "allocated"])),
                        name="round_status_known",
                    ),
                ],
                "indexes": [
                    models.Index(condition=models.Q(("status", "open")), fields=["closes_at"], name="round_to_close"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Application",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("district", models.CharField(blank=True, max_length=40, verbose_name="district")),
                ("purpose", models.CharField(blank=True, max_length=2000, verbose_name="what the compute is for")),
                ("contract_no", models.CharField(blank=True, max_length=80, verbose_name="contract number")),
                ("contract_key", models.CharField(blank=True, editable=False, max_length=80)),
                ("contract_signed_on", models.DateField(blank=True, null=True, verbose_name="contract signed on")),
                ("lines", models.JSONField(blank=True, default=list, verbose_name="lines of the contract")),
                ("asked_fen", core.fields.FenField(default=0, verbose_name="asked (fen)")),
                (
                    "entitled_fen",
                    core.fields.FenField(default=0, editable=False, verbose_name="entitled at most (fen)"),
                ),
                ("explanation", models.JSONField(editable=False, null=True, verbose_name="explanation")),
                ("findings", models.JSONField(default=list, editable=False, verbose_name="findings of the pre-check")),
                ("submitted_at", models.DateTimeField(editable=False, null=True, verbose_name="handed in at")),
                ("cycle", models.PositiveSmallIntegerField(default=1, editable=False)),
                ("due_at", models.DateTimeField(editable=False, null=True, verbose_name="due at")),
                (
                    "supplement_until",
                    models.DateTimeField(editable=False, null=True, verbose_name="to be supplemented until"),
                ),
                ("supplement_stage", models.CharField(blank=True, editable=False, max_length=16)),
                ("score", models.PositiveIntegerField(editable=False, null=True, verbose_name="score (hundredths)")),
                ("recommended_fen", core.fields.FenField(editable=False, null=True, verbose_name="recommended (fen)")),
                ("place", models.PositiveIntegerField(editable=False, null=True, verbose_name="place")),
                ("reserved_fen", core.fields.FenField(default=0, editable=False, verbose_name="proposed (fen)")),
                ("proposed_at", models.DateTimeField(editable=False, null=True, verbose_name="proposed at")),
                ("publicity_from", models.DateTimeField(editable=False, null=True, verbose_name="publicity from")),
                ("publicity_until", models.DateTimeField(editable=False, null=True, verbose_name="publicity until")),
                ("approved_at", models.DateTimeField(editable=False, null=True, verbose_name="approved at")),
                (
                    "reason_code",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("not_eligible", "The applicant is not eligible"),
                            ("not_covered", "The service is not covered"),
                            ("evidence", "The evidence is not sufficient"),
                            ("untrue", "What was stated is not true"),
                            ("duplicate", "The same was applied for or supported before"),
                            ("related_party", "Buyer and provider are related parties"),
                            ("objection", "An objection was upheld"),
                            ("below_minimum", "The award would be below the minimum"),
                            ("other", "Another reason"),
                        ],
                        editable=False,
                        max_length=16,
                        verbose_name="reason",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True, editable=False, max_length=1000, verbose_name="explanation of the reason"
                    ),
                ),
                ("appeal_until", models.DateTimeField(editable=False, null=True, verbose_name="appeal until")),
                (
                    "applicant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="applications",
                        to="accounts.organization",
                    ),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "assignee",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="assigned to",
                    ),
                ),
                (
                    "drafted_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "grant",
                    models.OneToOneField(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="application",
                        to="vouchers.grant",
                    ),
                ),
                (
                    "hold",
                    models.ForeignKey(
                        db_constraint=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.hold",
                    ),
                ),
                (
                    "programme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="applications",
                        to="vouchers.programme",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                        verbose_name="provider",
                    ),
                ),
                (
                    "rejected_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "submitted_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "round",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="applications", to="vouchers.round"
                    ),
                ),
            ],
            options={
                "verbose_name": "application",
                "verbose_name_plural": "applications",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            models.Q(("contract_key", ""), _negated=True),
                            models.Q(("status__in", ["draft", "rejected", "withdrawn", "lapsed"]), _negated=True),
                        ),
                        fields=("programme", "contract_key"),
                        name="application_contract_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "draft",
                                    "submitted",
                                    "district_review",
                                    "review_1",
                                    "review_2",
                                    "panel",
                                    "supplement",
                                    "waitlisted",
                                    "proposed",
                                    "publicity",
                                    "objected",
                                    "approved",
                                    "granted",
                                    "rejected",
                                    "withdrawn",
                                    "lapsed",
                                ],
                            )
                        ),
                        name="application_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["draft", "withdrawn"]), ("asked_fen__gt", 0), _connector="OR"
                        ),
                        name="application_asks_for_value",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["draft", "withdrawn"]),
                            models.Q(("submitted_at__isnull", False), ("submitted_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="application_handed_in_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("hold__isnull", False),
                                ("proposed_by__isnull", False),
                                ("reserved_fen__gt", 0),
                                ("status__in", ("proposed", "publicity", "objected", "approved", "granted")),
                            ),
                            models.Q(
                                models.Q(
                                    ("status__in", ("proposed", "publicity", "objected", "approved", "granted")),
                                    _negated=True,
                                ),
                                ("hold__isnull", True),
                                ("reserved_fen", 0),
                            ),
                            _connector="OR",
                        ),
                        name="application_reserves_while_proposed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reserved_fen__lte", models.F("asked_fen"))),
                        name="application_gets_no_more_than_asked",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reserved_fen__lte", models.F("entitled_fen"))),
                        name="application_gets_no_more_than_entitled",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["publicity", "objected"]), _negated=True),
                            models.Q(
                                ("publicity_from__isnull", False), ("publicity_until__gt", models.F("publicity_from"))
                            ),
                            _connector="OR",
                        ),
                        name="application_publicity_has_dates",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["approved", "granted"]), _negated=True),
                            models.Q(("approved_at__isnull", False), ("approved_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="application_approved_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("approved_by", None),
                            models.Q(
                                models.Q(("approved_by", models.F("proposed_by")), _negated=True),
                                models.Q(("approved_by", models.F("submitted_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="application_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "granted"), _negated=True), ("grant__isnull", False), _connector="OR"
                        ),
                        name="application_granted_has_its_grant",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "supplement"), _negated=True),
                            models.Q(
                                ("supplement_stage__in", ["district_review", "review_1", "review_2", "panel"]),
                                ("supplement_until__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="application_supplement_has_a_deadline",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "rejected"), _negated=True),
                            models.Q(
                                ("appeal_until__isnull", False),
                                (
                                    "reason_code__in",
                                    [
                                        "not_eligible",
                                        "not_covered",
                                        "evidence",
                                        "untrue",
                                        "duplicate",
                                        "related_party",
                                        "objection",
                                        "below_minimum",
                                        "other",
                                    ],
                                ),
                                ("rejected_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="application_rejected_with_a_reason",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["applicant", "-created_at"], name="application_by_applicant"),
                    models.Index(fields=["programme", "status", "due_at"], name="application_queue"),
                    models.Index(fields=["round", "status", "submitted_at"], name="application_of_round"),
                    models.Index(
                        condition=models.Q(("status", "supplement")),
                        fields=["supplement_until"],
                        name="application_to_lapse",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("status", models.CharField(max_length=16, verbose_name="state")),
                ("by_applicant", models.BooleanField(default=False)),
                ("note", models.CharField(blank=True, max_length=1000, verbose_name="note")),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="vouchers.application"
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "step of an application",
                "verbose_name_plural": "steps of applications",
                "indexes": [
                    models.Index(fields=["application", "id"], name="step_of_application"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Appeal",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("cycle", models.PositiveSmallIntegerField()),
                ("text", models.CharField(max_length=2000, verbose_name="appeal")),
                ("raised_at", models.DateTimeField(verbose_name="raised at")),
                ("upheld", models.BooleanField(null=True, verbose_name="upheld")),
                ("answer", models.CharField(blank=True, max_length=1000, verbose_name="answer")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                (
                    "against",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "raised_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="appeals", to="vouchers.application"
                    ),
                ),
            ],
            options={
                "verbose_name": "appeal",
                "verbose_name_plural": "appeals",
                "constraints": [
                    models.UniqueConstraint(fields=("application", "cycle"), name="appeal_once_a_rejection"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by", None),
                            models.Q(
                                models.Q(("decided_by", models.F("against")), _negated=True),
                                models.Q(("decided_by", models.F("raised_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="appeal_decided_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("decided_by", None), ("upheld", None)),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("upheld__isnull", False),
                                models.Q(("answer", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="appeal_decided_with_an_answer",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApplicationDocument",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("contract", "Contract"),
                            ("commitment", "Letter of commitment"),
                            ("licence", "Business licence"),
                            ("plan", "Plan of use"),
                            ("invoice", "Invoice"),
                            ("payment", "Proof of payment"),
                            ("usage", "Proof of use"),
                            ("delivery", "Acceptance of delivery"),
                            ("filing", "Filing of the model"),
                            ("electricity", "Proof of electricity used"),
                            ("non_duplication", "Statement of no other support"),
                            ("non_related", "Statement of no related party"),
                            ("other", "Other"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("place", models.CharField(max_length=120)),
                ("media_type", models.CharField(max_length=80, verbose_name="media type")),
                ("size", models.PositiveIntegerField(verbose_name="bytes")),
                ("sha256", models.CharField(max_length=64, verbose_name="digest")),
                ("salt", models.BinaryField()),
                ("commitment", models.CharField(max_length=64, verbose_name="commitment")),
                ("uploaded_at", models.DateTimeField(verbose_name="uploaded at")),
                ("withdrawn_at", models.DateTimeField(null=True, verbose_name="withdrawn at")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="documents", to="vouchers.application"
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "document of an application",
                "verbose_name_plural": "documents of applications",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("withdrawn_at", None)),
                        fields=("application", "kind", "sha256"),
                        name="application_document_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "contract",
                                    "commitment",
                                    "licence",
                                    "plan",
                                    "invoice",
                                    "payment",
                                    "usage",
                                    "delivery",
                                    "filing",
                                    "electricity",
                                    "non_duplication",
                                    "non_related",
                                    "other",
                                ],
                            )
                        ),
                        name="application_document_kind_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Objection",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("contact", models.CharField(max_length=120, verbose_name="phone or mail")),
                ("text", models.CharField(max_length=2000, verbose_name="objection")),
                ("raised_at", models.DateTimeField(verbose_name="raised at")),
                ("upheld", models.BooleanField(null=True, verbose_name="upheld")),
                ("answer", models.CharField(blank=True, max_length=1000, verbose_name="answer")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="objections",
                        to="vouchers.application",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "objection",
                "verbose_name_plural": "objections",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("decided_by", None), ("upheld", None)),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("upheld__isnull", False),
                                models.Q(("answer", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="objection_decided_with_an_answer",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("cycle", models.PositiveSmallIntegerField()),
                ("stage", models.CharField(max_length=16, verbose_name="stage")),
                ("seat", models.PositiveSmallIntegerField(default=1)),
                (
                    "verdict",
                    models.CharField(
                        choices=[("pass", "Passed"), ("reject", "Rejected")], max_length=8, verbose_name="verdict"
                    ),
                ),
                ("score", models.PositiveSmallIntegerField(null=True, verbose_name="score")),
                ("amount_fen", core.fields.FenField(null=True, verbose_name="recommended (fen)")),
                (
                    "reason_code",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("not_eligible", "The applicant is not eligible"),
                            ("not_covered", "The service is not covered"),
                            ("evidence", "The evidence is not sufficient"),
                            ("untrue", "What was stated is not true"),
                            ("duplicate", "The same was applied for or supported before"),
                            ("related_party", "Buyer and provider are related parties"),
                            ("objection", "An objection was upheld"),
                            ("below_minimum", "The award would be below the minimum"),
                            ("other", "Another reason"),
                        ],
                        max_length=16,
                        verbose_name="reason",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=1000, verbose_name="opinion")),
                ("reviewed_at", models.DateTimeField(verbose_name="reviewed at")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reviews", to="vouchers.application"
                    ),
                ),
                (
                    "reviewer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="reviewer",
                    ),
                ),
            ],
            options={
                "verbose_name": "review",
                "verbose_name_plural": "reviews",
                "constraints": [
                    models.UniqueConstraint(fields=("application", "cycle", "reviewer"), name="review_once_a_person"),
                    models.UniqueConstraint(
                        fields=("application", "cycle", "stage", "seat"), name="review_once_a_stage"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("stage__in", ["district_review", "review_1", "review_2", "panel"])),
                        name="review_stage_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("score", None), ("score__lte", 100), _connector="OR"),
                        name="review_score_up_to_100",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("verdict", "reject"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="review_rejects_with_a_reason",
                    ),
                ],
            },
        ),
    ]
