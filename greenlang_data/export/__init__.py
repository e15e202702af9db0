"""Frames and streams to files and back: Parquet, a folder that grows, a window in constant memory."""
