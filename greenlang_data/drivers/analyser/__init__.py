"""Analysers of stack gas: a Modbus device or OPC UA server whose status bits say what a reading is."""

from greenlang_data.drivers.analyser.driver import AnalyserDriver

__all__ = ["AnalyserDriver"]
