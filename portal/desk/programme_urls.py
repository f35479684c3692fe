"""The addresses of programmes, their versions, the simulator, rounds and figures."""

from django.urls import URLPattern, path

from portal.desk import kpis, programmes, rounds, simulator, versions

patterns: list[URLPattern] = [
    path("desk/programmes/", programmes.index, name="programmes"),
    path("desk/programmes/new/", versions.first, name="programme-new"),
    path("desk/programmes/import/", versions.first_document, name="programme-import"),
    path("desk/programmes/<uuid:programme_id>/parameters.json", versions.programme_json, name="programme-json"),
    path("desk/programmes/<uuid:programme_id>/simulate/", simulator.new, name="simulation-new"),
    path("desk/programmes/<uuid:programme_id>/versions/", versions.index, name="versions"),
    path("desk/programmes/<uuid:programme_id>/versions/new/", versions.new, name="version-new"),
    path("desk/programmes/<uuid:programme_id>/versions/import/", versions.bring_in, name="version-import"),
    path("desk/programmes/<uuid:programme_id>/versions/<int:version_id>/", versions.detail, name="version"),
    path(
        "desk/programmes/<uuid:programme_id>/versions/<int:version_id>.json", versions.version_json, name="version-json"
    ),
    path(
        "desk/programmes/<uuid:programme_id>/versions/<int:version_id>/<slug:verb>/",
        versions.move,
        name="version-move",
    ),
    path("desk/programmes/<uuid:programme_id>/", programmes.detail, name="programme"),
    path("desk/programmes/<uuid:programme_id>/<slug:verb>/", programmes.move, name="programme-move"),
    path("desk/simulations/", simulator.index, name="simulations"),
    path("desk/simulations/<uuid:simulation_id>/", simulator.detail, name="simulation"),
    path("desk/simulations/<uuid:simulation_id>/firms.csv", simulator.export, name="simulation-csv"),
    path("desk/programmes/<uuid:programme_id>/rounds/new/", rounds.new, name="round-new"),
    path("desk/rounds/", rounds.index, name="rounds-desk"),
    path("desk/rounds/<uuid:round_id>/", rounds.detail, name="round-desk"),
    path("desk/rounds/<uuid:round_id>/result.csv", rounds.export, {"kind": "csv"}, name="round-csv"),
    path("desk/rounds/<uuid:round_id>/result.xlsx", rounds.export, {"kind": "xlsx"}, name="round-xlsx"),
    path("desk/rounds/<uuid:round_id>/<slug:verb>/", rounds.act, name="round-act"),
    path("desk/kpis/", kpis.index, name="kpis"),
    path("desk/kpis/months.csv", kpis.months_csv, name="kpis-csv"),
    path("desk/kpis/months.json", kpis.months_json, name="kpis-json"),
    path("desk/kpis/year.xlsx", kpis.annual, name="kpis-annual"),
    path("desk/kpis/schema.json", kpis.schema, name="kpis-schema"),
]
