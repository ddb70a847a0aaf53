"""The report of an evaluation: one HTML file that opens from disk, plots under the names that people know, a table."""

from groundloop.report.content import Report
from groundloop.report.worst import WorstImage, worst_images
from groundloop.report.writing import write_report

__all__ = ["Report", "WorstImage", "worst_images", "write_report"]
