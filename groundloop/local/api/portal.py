"""The worker portal as the operations see it; it is opened, and what it needs imported, with the first workteam."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from groundloop.local.context import Context
from groundloop.local.human_work import FlowDefinition, HumanLoop, LabelingJob

if TYPE_CHECKING:
    from groundloop.local.portal.portal import Portal


class PortalHost:
    """The one portal of an offline AWS."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._portal: Portal | None = None
        self._port = 0

    def open(self) -> Portal:
        """Return the portal, started if it wasn't."""
        # Only here: a web server that most offline AWSs need not start.
        from groundloop.local.portal.portal import Portal

        with self._context.lock:
            if self._portal is None:
                self._portal = Portal(self._context, self._port)
                self._port = self._portal.port
            return self._portal

    def add_labeling_job(self, job: LabelingJob, on_end: Callable[[LabelingJob], None]) -> None:
        """Have the members of a workteam work on a labelling job."""
        from groundloop.local.portal.labeling_job import LabelingWork

        portal = self.open()
        portal.add(LabelingWork(self._context, portal, job, on_end))

    def add_flow_definition(
        self, flow: FlowDefinition, loops: list[HumanLoop], on_end: Callable[[HumanLoop], None]
    ) -> None:
        """Have the members of a workteam work on the human loops of a flow definition, also on later ones."""
        from groundloop.local.portal.human_loops import LoopsWork

        portal = self.open()
        portal.add(LoopsWork(self._context, portal, flow, loops, on_end))

    def wake(self) -> None:
        """Have changes taken in soon."""
        if self._portal is not None:
            self._portal.wake()

    def settle(self) -> None:
        """Take in every answer that has been given so far."""
        if self._portal is not None:
            self._portal.settle()

    def state(self) -> dict[str, int]:
        """Return the portal's port, so that pages which are still open find it again."""
        return {"port": self._port}

    def restore(self, state: dict[str, int]) -> None:
        """Take over what `state` returned."""
        self._port = state["port"]

    def stop(self) -> None:
        """Stop serving, if the portal was opened."""
        if self._portal is not None:
            self._portal.stop()
            self._portal = None
