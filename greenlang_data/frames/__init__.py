"""From Arrow batches to DataFrames: index, time zone, quality, units, wide and long."""
