"""The page is never what a reviewer waits for."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from groundloop.review.wire import ShownBox
from tests.groundloop.review.page.conftest import Reviewing

# From the key's press to the frame in which the next image and its boxes are drawn.
_MEASURE = """
window.waits = [];
addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  const before = document.querySelector("#stage").dataset.task;
  const look = () => {
    const { task } = document.querySelector("#stage").dataset;
    const isDrawn = task !== before && document.body.dataset.state === "ready"
      && document.querySelector("#picture img") && document.querySelectorAll(".box").length > 0;
    if (isDrawn) window.waits.push(performance.now() - event.timeStamp);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}, { capture: true });
"""


def test_the_next_image_is_there_at_once(page: Reviewing) -> None:
    page.page.evaluate(_MEASURE)
    for _ in range(20):
        page.answer()
    waits = page.page.evaluate("window.waits")
    assert len(waits) == 20
    # The goal is 100 ms for 95 of 100; on a busy machine only the median is the page's own doing.
    assert statistics.median(waits) < 100


def test_a_hundred_boxes_are_drawn_within_a_frame(
    reviewing: Callable[..., Reviewing], scene_of: Callable[..., list[object]]
) -> None:
    boxes = tuple(
        ShownBox(class_id=n % 3, left=n % 20 * 15, top=n // 20 * 45, width=30, height=40, score=0.9) for n in range(100)
    )
    page = reviewing(scene_of(boxes)).open()
    page.frame()
    spent = page.page.evaluate(
        """async () => {
          const { Drawing } = await import("./page/drawing.js");
          const times = [];
          const original = Drawing.prototype.draw;
          Drawing.prototype.draw = function (scene) {
            const start = performance.now();
            original.call(this, scene);
            times.push(performance.now() - start);
          };
          const overlay = document.querySelector("#overlay");
          for (let step = 0; step < 20; step += 1) {
            overlay.dispatchEvent(new WheelEvent("wheel", { deltaY: step % 2 ? -40 : 30, clientX: 400, clientY: 300 }));
            await new Promise(requestAnimationFrame);
          }
          return times;
        }"""
    )
    assert len(spent) >= 15
    assert statistics.median(spent) < 1000 / 60
