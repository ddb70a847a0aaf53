"""The search of the offline AWS's tuning jobs: which values to try next, and which training jobs to stop early.

The search is Optuna's, a stand-in for Amazon's automatic model tuning: it finds good values in another order.
"""
