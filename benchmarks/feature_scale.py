"""What the sides of the feature benchmark agree on: sizes, threads, and the columns they all compute."""

THREADS = 2
PANDAS_INVOICES = 5_000
ONLINE_PAST_INVOICES = 500
ONLINE_CALLS = 500
CORE_COLUMNS = (
    "settled_count_all",
    "late_count_all",
    "days_late_mean_all",
    "days_late_mean_90d",
    "days_late_mean_365d",
    "settled_amount_all",
    "settled_amount_365d",
    "settled_recency_days",
)
