"""The account's own proof: what only AWS can settle, tried in the account, with AWS's own words.

Nothing in this package knows what AWS does; each trial asks and writes down the answer.
"""
