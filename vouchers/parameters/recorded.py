"""Parameters that are kept with a programme, shown and compared, but that no code acts on: people have to. Pure."""

RECORDED = frozenset(
    {
        "identity.voucher_kind",
        "money.provider_reserve",
        "providers.criteria",
        "evidence.retention_years",
        "integrity.log",
        "reporting",
    }
)


def is_recorded(path: str) -> bool:
    """Tell whether a parameter, or the group it is in, is only recorded."""
    parts = path.partition("[")[0].split(".")
    return any(".".join(parts[:length]) in RECORDED for length in range(1, len(parts) + 1))
