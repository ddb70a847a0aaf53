/** Unfinished edits, kept in the browser's storage so that a reload brings them back. */

import { rekeyed } from "./boxes.js";

/** @import {EditedBox, Task} from "./types.js" */

export class Drafts {
  /**
   * @param {Storage} storage
   * @param {string} prefix of the storage's keys: one queue and one reviewer
   */
  constructor(storage, prefix) {
    this.storage = storage;
    this.prefix = prefix;
  }

  /**
   * Keep a task's boxes, and forget those of tasks no longer held.
   * @param {Task} task
   * @param {EditedBox[]} boxes
   * @param {Task[]} held
   */
  save(task, boxes, held) {
    const wanted = new Set(held.map((other) => this.prefix + other.id));
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
    this.storage.removeItem(this.prefix + task.id);
  }

  /**
   * Return a task's kept boxes.
   * @param {Task} task
   * @returns {EditedBox[] | null}
   */
  read(task) {
    const text = this.storage.getItem(this.prefix + task.id);
    return text === null ? null : rekeyed(JSON.parse(text));
  }
}
