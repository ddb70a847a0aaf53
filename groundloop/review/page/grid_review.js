/** Working through the grid: lease likely-right tasks, accept those not marked, take the marked ones one by one. */

import { ApiError, nextTasks, releaseLeases } from "./api.js";
import { shownBoxes } from "./boxes.js";
import { byId } from "./dom.js";
import { GRID_SIZE } from "./grid.js";

/** @typedef {import("./page.js").ReviewPage} ReviewPage */

export class GridReview {
  /** @param {ReviewPage} page */
  constructor(page) {
    this.page = page;
    this.isAsking = false;
  }

  /** Open the grid, or leave it. */
  async toggle() {
    if (this.page.grid.isOpen) {
      const ids = this.page.grid.tasks.map((task) => task.id);
      this.#close();
      await releaseLeases(ids).catch(() => {});
    } else {
      await this.#fill();
    }
  }

  /** Accept the tasks that aren't marked, put the marked ones before the others, and show the next sheet. */
  async accept() {
    const { page } = this;
    const { grid, outbox, tasks } = page;
    if (!grid.isReady || this.isAsking) return;
    const { right } = grid;
    const seconds = right.length > 0 ? Math.round((100 * page.timer.seconds()) / grid.tasks.length) / 100 : 0;
    const wrong = grid.tasks.filter((task) => grid.wrong.has(task.id));
    for (const task of right) outbox.add(page.answer(task, "boxes", shownBoxes(task), { seconds }));
    tasks.held = [...wrong, ...tasks.held];
    tasks.extra = [];
    tasks.prefetch();
    await this.#fill();
  }

  async #fill() {
    const { page } = this;
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      const { tasks, progress } = await nextTasks(page.tasks.have, GRID_SIZE, true);
      page.header.showProgress(progress);
      if (tasks.length > 0) this.#open(tasks);
      else this.#close(page.words.text("grid.none"));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#close(page.words.text("notice.server.text", { error: page.words.problem(error.problem) }));
    } finally {
      this.isAsking = false;
    }
  }

  /** @param {import("./types.js").Task[]} tasks */
  #open(tasks) {
    const { page } = this;
    byId("stage").hidden = true;
    document.body.classList.add("in-grid");
    page.tasks.extra = tasks;
    page.timer.restart();
    page.shownAt = new Date();
    page.hints.show(true);
    page.grid.open(tasks);
  }

  /** @param {string} text what to tell, where the grid closes by itself */
  #close(text = "") {
    const { page } = this;
    byId("stage").hidden = false;
    document.body.classList.remove("in-grid");
    page.tasks.extra = [];
    page.grid.close();
    page.hints.show(false);
    page.editor.stage.focus({ preventScroll: true });
    page.timer.restart();
    page.showCurrent();
    page.toast(text);
    void page.tasks.refill();
  }
}
