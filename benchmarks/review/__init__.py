"""How the review queue bears up: crashes, many reviewers, large queues, and what its selection finds."""
