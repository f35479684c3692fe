"""The addresses of the pages."""

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, path

from portal import charges, developer, market, measure, prices, public, second_factor, terms, transparency
from portal.buyer import approvals, auto_extensions, bills, changes, orders, overview, quotes, rfqs, vouchers, wallet
from portal.buyer import reservations as my_reservations
from portal.desk import grants, interests, listings, measurements, onboardings, programmes, quality, transfers
from portal.seller import imports, offerings, onboarding, price_plans, reservations, settlements, sites, usage
from portal.seller import measurements as measured
from portal.seller import overview as seller
from portal.seller import rfqs as seller_rfqs

app_name = "portal"

everyone: list[URLPattern] = [
    path("", public.home, name="home"),
    path("login/", public.SignIn.as_view(), name="login"),
    path("login/code/", second_factor.code, name="second-factor"),
    path("login/enrol/", second_factor.enrol, name="second-factor-enrol"),
    path("login/codes/", second_factor.renew, name="second-factor-codes"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("switch/", public.switch, name="switch"),
    path("market/", market.market, name="market"),
    path("market/measure/", measure.measure, name="measure"),
    path("market/service/", market.service, name="service"),
    path("market/prices/", prices.prices, name="prices"),
    path("market/prices/csv/", prices.export, name="prices-csv"),
    path("market/compare/", market.compare, name="compare"),
    path("transparency/", transparency.transparency, name="transparency"),
    path("market/<uuid:offering_id>/", market.offering, name="offering"),
    path("market/<uuid:offering_id>/terms/", terms.show, name="terms"),
    path("market/<uuid:offering_id>/terms/agree/", terms.agree, name="terms-agree"),
]
buyers: list[URLPattern] = [
    path("overview/", overview.overview, name="overview"),
    path("orders/", orders.index, name="orders"),
    path("orders/new/", orders.new, name="order-new"),
    path("orders/approvals/", approvals.index, name="approvals"),
    path("orders/approvals/limit/", approvals.limit, name="approvals-limit"),
    path("orders/approvals/<uuid:request_id>/", approvals.detail, name="approval"),
    path("orders/approvals/<uuid:request_id>/<slug:verb>/", approvals.act, name="approval-act"),
    path("orders/quotes/<uuid:quote_id>/", quotes.detail, name="quote"),
    path("orders/quotes/<uuid:quote_id>/accept/", quotes.accept, name="quote-accept"),
    path("orders/quotes/<uuid:quote_id>/withdraw/", quotes.withdraw, name="quote-withdraw"),
    path("orders/<uuid:order_id>/", orders.detail, name="order"),
    path("orders/<uuid:order_id>/cancel/", orders.cancel, name="order-cancel"),
    path("reservations/<uuid:reservation_id>/", my_reservations.detail, name="my-reservation"),
    path("reservations/<uuid:reservation_id>/access/", my_reservations.show_access, name="my-reservation-access"),
    path("reservations/<uuid:reservation_id>/extend/", changes.extend, name="my-reservation-extend"),
    path("reservations/<uuid:reservation_id>/auto-extension/", auto_extensions.show, name="auto-extension"),
    path("reservations/<uuid:reservation_id>/shorten/", changes.shorten, name="my-reservation-shorten"),
    path("reservations/<uuid:reservation_id>/<slug:verb>/", my_reservations.act, name="my-reservation-act"),
    path("rfqs/", rfqs.index, name="rfqs"),
    path("rfqs/new/", rfqs.new, name="rfq-new"),
    path("rfqs/<uuid:rfq_id>/", rfqs.detail, name="rfq"),
    path("rfqs/<uuid:rfq_id>/award/", rfqs.award, name="rfq-award"),
    path("rfqs/<uuid:rfq_id>/questions/<uuid:question_id>/", rfqs.answer, name="rfq-answer"),
    path("rfqs/<uuid:rfq_id>/<slug:verb>/", rfqs.close, name="rfq-close"),
    path("vouchers/", vouchers.index, name="vouchers"),
    path("vouchers/<uuid:grant_id>/", vouchers.detail, name="voucher"),
    path("vouchers/<uuid:grant_id>/receipts/", transparency.receipt, name="voucher-receipts"),
    path("wallet/", wallet.index, name="wallet"),
    path("wallet/top-ups/new/", wallet.top_up_new, name="top-up-new"),
    path("wallet/top-ups/<uuid:top_up_id>/", wallet.top_up, name="top-up"),
    path("bills/", bills.index, name="bills"),
    path("bills/<uuid:invoice_id>/", bills.detail, name="bill"),
    path("bills/<uuid:invoice_id>/csv/", bills.export, name="bill-csv"),
    path("bills/<uuid:invoice_id>/orders/<uuid:order_id>/", bills.order, name="bill-order"),
]
parties: list[URLPattern] = [
    path("charges/<int:charge_id>/", charges.detail, name="charge"),
    path("developer/", developer.index, name="developer"),
    path("developer/keys/", developer.issue, name="key-issue"),
    path("developer/keys/<uuid:key_id>/revoke/", developer.revoke, name="key-revoke"),
    path("developer/signing-keys/", developer.register, name="signing-key-register"),
    path("developer/signing-keys/<uuid:key_id>/revoke/", developer.revoke_signing, name="signing-key-revoke"),
]
sellers: list[URLPattern] = [
    path("seller/overview/", seller.overview, name="seller"),
    path("seller/offerings/", offerings.index, name="offerings"),
    path("seller/offerings/new/", offerings.new, name="offering-new"),
    path("seller/offerings/imports/new/", imports.new, name="import-new"),
    path("seller/offerings/imports/<uuid:import_id>/", imports.detail, name="import"),
    path("seller/offerings/export/<slug:kind>/", imports.export, name="offerings-export"),
    path("seller/offerings/<uuid:offering_id>/", offerings.detail, name="offering-mine"),
    path("seller/offerings/<uuid:offering_id>/terms/", terms.publish, name="offering-terms"),
    path("seller/offerings/<uuid:offering_id>/edit/", offerings.edit, name="offering-edit"),
    path("seller/offerings/<uuid:offering_id>/lines/", offerings.add_line, name="line-add"),
    path("seller/offerings/<uuid:offering_id>/lines/<int:line_id>/", offerings.remove_line, name="line-remove"),
    path("seller/offerings/<uuid:offering_id>/hours/", offerings.close_hours, name="offering-hours"),
    path("seller/offerings/<uuid:offering_id>/prices/", price_plans.index, name="price-plans"),
    path("seller/offerings/<uuid:offering_id>/<slug:verb>/", offerings.move, name="offering-move"),
    path("seller/sites/", sites.index, name="sites"),
    path("seller/sites/<uuid:site_id>/", sites.detail, name="site"),
    path(
        "seller/sites/<uuid:site_id>/certificates/<int:certificate_id>/withdraw/",
        sites.withdraw,
        name="certificate-withdraw",
    ),
    path("seller/measurements/", measured.index, name="measurements"),
    path("seller/verification/", onboarding.index, name="onboarding"),
    path("seller/verification/submit/", onboarding.submit, name="onboarding-submit"),
    path("documents/<uuid:document_id>/", onboarding.document, name="document"),
    path("seller/orders/", reservations.index, name="reservations"),
    path("seller/orders/<uuid:reservation_id>/", reservations.detail, name="reservation"),
    path("seller/orders/<uuid:reservation_id>/<slug:verb>/", reservations.act, name="reservation-act"),
    path("seller/downtimes/<uuid:downtime_id>/<slug:verb>/", reservations.answer_downtime, name="downtime-answer"),
    path("seller/reviews/<uuid:review_id>/<slug:verb>/", reservations.answer_review, name="review-answer"),
    path("seller/rfqs/", seller_rfqs.index, name="rfqs-seen"),
    path("seller/rfqs/<uuid:rfq_id>/", seller_rfqs.detail, name="rfq-seen"),
    path("seller/rfqs/<uuid:rfq_id>/bid/", seller_rfqs.bid, name="rfq-bid"),
    path("seller/rfqs/<uuid:rfq_id>/withdraw/", seller_rfqs.withdraw, name="rfq-withdraw"),
    path("seller/rfqs/<uuid:rfq_id>/ask/", seller_rfqs.ask, name="rfq-ask"),
    path("seller/usage/", usage.index, name="usage"),
    path("seller/usage/<int:batch_id>/", usage.detail, name="usage-batch"),
    path("seller/settlements/", settlements.index, name="settlements"),
    path("seller/settlements/<uuid:settlement_id>/", settlements.detail, name="settlement"),
]
desk: list[URLPattern] = [
    path("desk/interests/", interests.index, name="interests"),
    path("desk/transfers/", transfers.index, name="transfers"),
    path("desk/transfers/<uuid:top_up_id>/<slug:verb>/", transfers.act, name="transfer-act"),
    path("desk/downtimes/", quality.downtimes_index, name="downtimes"),
    path("desk/downtimes/<uuid:downtime_id>/<slug:verb>/", quality.decide, name="downtime-decide"),
    path("desk/reviews/", quality.reviews_index, name="reviews"),
    path("desk/reviews/<uuid:review_id>/<slug:verb>/", quality.hide, name="review-hide"),
    path("desk/listings/", listings.index, name="listings"),
    path("desk/listings/<uuid:offering_id>/", listings.detail, name="listing"),
    path("desk/measurements/", measurements.index, name="measurements-desk"),
    path("desk/measurements/<uuid:measurement_id>/<slug:verb>/", measurements.decide, name="measurement-decide"),
    path("desk/providers/", onboardings.index, name="onboardings"),
    path("desk/providers/<uuid:onboarding_id>/", onboardings.detail, name="onboarding-desk"),
    path("desk/programmes/", programmes.index, name="programmes"),
    path("desk/programmes/<uuid:programme_id>/", programmes.detail, name="programme"),
    path("desk/programmes/<uuid:programme_id>/<slug:verb>/", programmes.move, name="programme-move"),
    path("desk/grants/", grants.index, name="grants"),
    path("desk/grants/new/", grants.new, name="grant-new"),
    path("desk/grants/<uuid:grant_id>/<slug:verb>/", grants.move, name="grant-move"),
]
urlpatterns = everyone + buyers + parties + sellers + desk
