/**
 * Answers on their way to the server. Each is in the browser's storage before it is sent and until the server has
 * acknowledged it, so a reload, a crash or a dead server loses none.
 */

import { ApiError } from "./api.js";

/** @import {Answer, Progress} from "./types.js" */
/** @typedef {import("./answer_store.js").AnswerStore} AnswerStore */
/** @typedef {import("./answer_store.js").Kept} Kept */

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;

/**
 * Return how long to wait before an attempt.
 * @param {number} failures so far, at least 1
 * @param {number} random between 0 and 1, so that many pages don't come back at once
 * @returns {number} milliseconds
 */
export function retryDelay(failures, random) {
  return Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), MAX_DELAY_MS) * (0.75 + random / 2);
}

/** Fires `change` when an answer is added, acknowledged or rejected, or sending fails. */
export class Outbox extends EventTarget {
  /**
   * @param {AnswerStore} store
   * @param {(answer: Answer) => Promise<{progress: Progress}>} send
   */
  constructor(store, send) {
    super();
    this.store = store;
    this.send = send;
    /** @type {Map<string, Kept>} */
    this.kept = new Map();
    /** @type {ApiError | null} */
    this.failure = null;
    /** @type {Progress | null} */
    this.progress = null;
    this.failures = 0;
    this.sending = false;
    this.storable = true;
    this.timer = 0;
  }

  /** Bring back what an earlier visit of the page left. */
  async restore() {
    try {
      const found = await this.store.all();
      found.sort((a, b) => a.answer.submitted_at.localeCompare(b.answer.submitted_at));
      for (const kept of found) this.kept.set(kept.answer.client_id, kept);
    } catch {
      this.storable = false;
    }
    this.#changed();
  }

  /** The answers not yet acknowledged, oldest first. */
  get unsent() {
    return [...this.kept.values()].filter((kept) => kept.error === null).map((kept) => kept.answer);
  }

  /** The answers that the server rejected, with its messages. */
  get rejected() {
    return [...this.kept.values()].filter((kept) => kept.error !== null);
  }

  /**
   * Keep an answer and send it.
   * @param {Answer} answer
   */
  add(answer) {
    for (const { answer: older } of this.rejected) {
      if (older.task === answer.task) this.#drop(older.client_id);
    }
    this.#keep({ answer, error: null });
    this.#changed();
    void this.flush();
  }

  /** Send what is unsent, one after the other, and try again later where that fails. */
  async flush() {
    clearTimeout(this.timer);
    if (this.sending) return;
    this.sending = true;
    try {
      for (let [answer] = this.unsent; answer; [answer] = this.unsent) await this.#deliver(answer);
      this.failure = null;
      this.failures = 0;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
      this.failures += 1;
      // Without a session no retry helps: the page says so, and a new invitation sends what is kept.
      if (error.isPassing) {
        this.timer = setTimeout(() => this.flush(), retryDelay(this.failures, Math.random()));
      }
    } finally {
      this.sending = false;
      this.#changed();
    }
  }

  /** @param {Answer} answer */
  async #deliver(answer) {
    try {
      const reply = await this.send(answer);
      this.progress = reply.progress;
      this.#drop(answer.client_id);
    } catch (error) {
      const final = error instanceof ApiError && !error.isPassing && error.status !== 401 && error.status !== 403;
      if (!final) throw error;
      this.#keep({ answer, error: error.problem });
    }
    this.#changed();
  }

  /** @param {Kept} kept */
  #keep(kept) {
    this.kept.set(kept.answer.client_id, kept);
    this.store.put(kept).catch(() => {
      // A full or forbidden storage: the answer is still sent, but a reload would lose it; the page warns.
      this.storable = false;
      this.#changed();
    });
  }

  /** @param {string} clientId */
  #drop(clientId) {
    this.kept.delete(clientId);
    // Should this fail, the answer is sent once more at the next visit, and the server knows it.
    this.store.remove(clientId).catch(() => {});
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
