"""The addresses of the desk's pages about who is granted, claims and is paid what."""

from django.urls import URLPattern, path

from portal.desk import claims, grants, payments

patterns: list[URLPattern] = [
    path("desk/claims/", claims.index, name="claims-desk"),
    path("desk/claims/bulk/", claims.bulk, name="claims-bulk"),
    path("desk/claims/export.<slug:kind>", claims.export, name="claims-export"),
    path("desk/claims/<uuid:claim_id>/", claims.detail, name="claim-desk"),
    path("desk/claims/<uuid:claim_id>/papers/<slug:key>/", claims.paper, name="claim-paper"),
    path("desk/claims/<uuid:claim_id>/lines/<int:number>/resolve/", claims.resolve, name="claim-resolve"),
    path("desk/claims/<uuid:claim_id>/decide/", claims.decide, name="claim-decide"),
    path("desk/claims/<uuid:claim_id>/lines/<int:number>/", claims.audit, name="claim-audit"),
    path("desk/claims/<uuid:claim_id>/<slug:verb>/", claims.act, name="claim-act"),
    path("desk/payments/", payments.index, name="payments-desk"),
    path("desk/payments/make/", payments.make, name="payments-make"),
    path("desk/payments/export.<slug:kind>", payments.export, name="payments-export"),
    path("desk/payments/<uuid:batch_id>/", payments.detail, name="payment-batch"),
    path("desk/payments/<uuid:batch_id>/file/", payments.file, name="payment-file"),
    path("desk/payments/<uuid:batch_id>/pack.<slug:kind>", payments.pack, name="payment-pack"),
    path("desk/payments/<uuid:batch_id>/<slug:verb>/", payments.act, name="payment-act"),
    path("desk/grants/", grants.index, name="grants"),
    path("desk/grants/new/", grants.new, name="grant-new"),
    path("desk/grants/<uuid:grant_id>/<slug:verb>/", grants.move, name="grant-move"),
]
