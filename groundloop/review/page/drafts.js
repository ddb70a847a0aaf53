/** Unfinished edits, kept in the browser's storage so that a reload brings them back. */

import { rekeyed } from "./boxes.js";

/** @import {EditedBox, Task} from "./types.js" */

// A drag changes the boxes at every frame; the storage is asked when it pauses.
const DELAY_MS = 150;

export class Drafts {
  /**
   * @param {Storage} storage
   * @param {string} prefix of the storage's keys: one queue and one reviewer
   */
  constructor(storage, prefix) {
    this.storage = storage;
    this.prefix = prefix;
    this.timer = 0;
    /** @type {{task: Task, boxes: EditedBox[], held: Task[]} | null} */
    this.waiting = null;
  }

  /**
   * Keep a task's boxes soon.
   * @param {Task} task
   * @param {EditedBox[]} boxes
   * @param {Task[]} held
   */
  schedule(task, boxes, held) {
    if (this.waiting && this.waiting.task.id !== task.id) this.flush();
    this.waiting = { task, boxes, held };
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), DELAY_MS);
  }

  /** Keep what waits, now. */
  flush() {
    clearTimeout(this.timer);
    if (this.waiting) this.#save(this.waiting.task, this.waiting.boxes, this.waiting.held);
    this.waiting = null;
  }

  /**
   * Keep a task's boxes, and forget those of tasks no longer held.
   * @param {Task} task
   * @param {EditedBox[]} boxes
   * @param {Task[]} held
   */
  #save(task, boxes, held) {
    const wanted = new Set([task, ...held].map((other) => this.prefix + other.id));
    for (const key of Object.keys(this.storage)) {
      if (key.startsWith(this.prefix) && !wanted.has(key)) this.storage.removeItem(key);
    }
    try {
      this.storage.setItem(this.prefix + task.id, JSON.stringify(boxes));
    } catch {
      // Answers come first in a full storage; a draft is lost with the page only.
    }
  }

  /** @param {Task} task */
  drop(task) {
    if (this.waiting?.task.id === task.id) this.waiting = null;
    this.storage.removeItem(this.prefix + task.id);
  }

  /**
   * Return a task's kept boxes.
   * @param {Task} task
   * @returns {EditedBox[] | null}
   */
  read(task) {
    this.flush();
    const text = this.storage.getItem(this.prefix + task.id);
    return text === null ? null : rekeyed(JSON.parse(text));
  }
}
