"""A small HTTP server for an exported model: the endpoint's protocol, counts, and a page to try it."""
