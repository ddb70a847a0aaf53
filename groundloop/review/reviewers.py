"""Who may review: invitation links and sessions. Tokens are kept as hashes only."""

from __future__ import annotations

import hashlib
import secrets

from groundloop.errors import UserError
from groundloop.review.database import Database

_TOKEN_BYTES = 32
_MAX_NAME = 40


class Reviewers:
    """The reviewers of a queue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def invite(self, reviewer: str) -> str:
        """Return a new token that opens the page for a reviewer; earlier ones stay valid.

        Raises:
            UserError: the name is empty, too long, or not printable.
        """
        if not reviewer.strip() or len(reviewer) > _MAX_NAME or not reviewer.isprintable():
            raise UserError(f"--reviewer {reviewer!r}: give a printable name of 1 to {_MAX_NAME} characters")
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._database.writing() as connection:
            connection.execute("INSERT INTO invitation (hash, reviewer) VALUES (?, ?)", (_hash(token), reviewer))
        return token

    def appoint(self, reviewer: str) -> None:
        """Make a reviewer an adjudicator: from now on only adjudicators decide where the answers of others disagree."""
        with self._database.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO adjudicator (reviewer) VALUES (?)", (reviewer,))

    def adjudicators(self) -> tuple[str, ...]:
        """Return the names of the adjudicators."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT reviewer FROM adjudicator ORDER BY reviewer").fetchall()
        return tuple(name for (name,) in rows)

    def names(self) -> tuple[str, ...]:
        """Return the names of all who were invited, hold images or have answered, sorted."""
        tables = ("invitation", "session", "adjudicator", "lease", "answer")
        query = " UNION ".join(f"SELECT reviewer FROM {table}" for table in tables)  # noqa: S608
        with self._database.reading() as connection:
            return tuple(sorted(name for (name,) in connection.execute(query)))

    def sign_in(self, token: str) -> tuple[str, str] | None:
        """Exchange an invitation's token for a session.

        Returns:
            The reviewer and the session's secret; None when the token isn't valid.
        """
        # Looking a hash up tells an attacker nothing of the token, however long it takes.
        with self._database.writing() as connection:
            row = connection.execute("SELECT reviewer FROM invitation WHERE hash = ?", (_hash(token),)).fetchone()
            if row is None:
                return None
            session = secrets.token_urlsafe(_TOKEN_BYTES)
            connection.execute("INSERT INTO session (hash, reviewer) VALUES (?, ?)", (_hash(session), row[0]))
            return row[0], session

    def of_session(self, session: str) -> str | None:
        """Return the reviewer of a session; None when it isn't valid."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT reviewer FROM session WHERE hash = ?", (_hash(session),)).fetchone()
        return row[0] if row else None

    def revoke(self, reviewer: str) -> bool:
        """End a reviewer's sessions, invitations and appointment; return whether there were any. The answers stay."""
        with self._database.writing() as connection:
            ended = [
                connection.execute(f"DELETE FROM {table} WHERE reviewer = ?", (reviewer,)).rowcount  # noqa: S608
                for table in ("session", "invitation", "adjudicator")
            ]
            connection.execute("DELETE FROM lease WHERE reviewer = ?", (reviewer,))
        return any(ended)


def pseudonym(queue: str, reviewer: str) -> str:
    """Return the name of a reviewer outside of the queue, written as Ground Truth writes its private workers."""
    digest = hashlib.blake2b(f"{queue}\0{reviewer}".encode(), digest_size=4).hexdigest()
    return f"private.{queue}.{digest}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
