"""From official files to parquet laid out like the hub, for what the hub does not have."""
