"""Raw samples kept in Parquet files, so that only what is new or may have changed is read again."""
