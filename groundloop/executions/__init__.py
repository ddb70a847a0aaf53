"""Pipeline executions: listing, following and stopping them, their logs, and why they failed."""
