"""The addresses of the desk's pages about who is granted, claims and is paid what."""

from django.urls import URLPattern, path

from portal.desk import bulk_grants, claims, grants, payments, registry, registry_sheet, reissues

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
    path("desk/grants/sheet/", bulk_grants.index, name="grants-sheet"),
    path("desk/grants/sheet/propose/", bulk_grants.propose, name="grants-sheet-make"),
    path("desk/grants/sheet/empty.xlsx", bulk_grants.template, name="grants-template"),
    path("desk/grants/batches/<uuid:batch_id>/", bulk_grants.detail, name="grants-batch"),
    path("desk/grants/batches/<uuid:batch_id>/approve/", bulk_grants.approve, name="grants-approve"),
    path("desk/grants/<uuid:grant_id>/reissue/", reissues.new, name="reissue-new"),
    path("desk/reissues/", reissues.index, name="reissues"),
    path("desk/reissues/<uuid:reissue_id>/<slug:verb>/", reissues.act, name="reissue-act"),
    path("desk/grants/<uuid:grant_id>/<slug:verb>/", grants.move, name="grant-move"),
    path("desk/registry/", registry.index, name="registry"),
    path("desk/registry/sheet/", registry_sheet.index, name="registry-sheet"),
    path("desk/registry/sheet/enter/", registry_sheet.enter, name="registry-sheet-enter"),
    path("desk/registry/sheet/template.xlsx", registry_sheet.template, name="registry-template"),
    path("desk/registry/new/", registry.new, name="registry-new"),
    path("desk/registry/bulk/", registry.bulk, name="registry-bulk"),
    path("desk/registry/export.<slug:kind>", registry.export, name="registry-export"),
    path("desk/registry/<uuid:listing_id>/", registry.detail, name="registry-listing"),
    path("desk/registry/<uuid:listing_id>/<slug:verb>/", registry.act, name="registry-act"),
]
