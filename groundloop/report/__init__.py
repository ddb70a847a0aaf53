"""The report of an evaluation: one HTML file that opens from disk, and a table."""

from groundloop.report.content import Report, TrainingCurve
from groundloop.report.page import write_report
from groundloop.report.worst import WorstImage, worst_images

__all__ = ["Report", "TrainingCurve", "WorstImage", "worst_images", "write_report"]
