/** The tasks that the page holds: the current one, the next ones, and the last ten answered. */

import { ApiError } from "./api.js";
import { retryDelay } from "./outbox.js";

/** @import {Answer, Progress, Task} from "./types.js" */
/** @typedef {import("./images.js").Images} Images */
/** @typedef {import("./outbox.js").Outbox} Outbox */
/** @typedef {typeof import("./api.js")} Api */

const AHEAD = 3;
const MAX_BACK = 10;
const EMPTY_POLL_MS = 10_000;

/** Fires `change` when tasks came, ran out, or couldn't be had. */
export class Tasks extends EventTarget {
  /**
   * @param {Api} api
   * @param {Outbox} outbox
   * @param {Images} images
   * @param {number} leaseSeconds
   */
  constructor(api, outbox, images, leaseSeconds) {
    super();
    this.api = api;
    this.leaseMs = leaseSeconds * 1000;
    this.renewedAt = Date.now();
    this.outbox = outbox;
    this.images = images;
    /** @type {Task[]} */
    this.held = [];
    /** @type {Task[]} of the grid */
    this.extra = [];
    /** @type {{task: Task, answer: Answer}[]} */
    this.answered = [];
    /** @type {ApiError | null} */
    this.failure = null;
    /** @type {Progress | null} */
    this.progress = null;
    this.failures = 0;
    this.asking = false;
    this.timer = 0;
  }

  /** The task to work on, if there is one. */
  get current() {
    return this.held.at(0) ?? null;
  }

  /** Whether the server has said that there is nothing for this person now. */
  get isExhausted() {
    return this.held.length === 0 && !this.asking && this.failure === null && this.progress !== null;
  }

  /** The ids of the leased tasks. */
  get leased() {
    return [...this.held, ...this.extra].map((task) => task.id);
  }

  /** The ids of the leased tasks and of those whose answers aren't sent yet: the server is to give others. */
  get have() {
    return [...new Set([...this.leased, ...this.outbox.unsent.map((answer) => answer.task)])];
  }

  /** Lease tasks until the current one and the next three are here, and fetch their pictures. */
  async refill() {
    clearTimeout(this.timer);
    const wanted = 1 + AHEAD - this.held.length;
    if (this.asking || wanted <= 0) return;
    this.asking = true;
    try {
      const { tasks, progress } = await this.api.nextTasks(this.have, wanted);
      this.failure = null;
      this.failures = 0;
      this.progress = progress;
      this.#take(tasks);
      // Answers given meanwhile leave room for more; a server that has no more is asked again later.
      if (this.held.length <= AHEAD) {
        this.timer = setTimeout(() => this.refill(), tasks.length === wanted ? 0 : EMPTY_POLL_MS);
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
      this.failures += 1;
      if (error.isPassing) this.timer = setTimeout(() => this.refill(), retryDelay(this.failures, Math.random()));
    } finally {
      this.asking = false;
    }
    this.#changed();
  }

  /** @param {Task[]} tasks */
  #take(tasks) {
    const known = new Set(this.have);
    for (const task of tasks) {
      if (!known.has(task.id)) this.held.push(task);
    }
    this.prefetch();
  }

  /** Fetch the pictures of the tasks held and of the last one answered, and forget the others. */
  prefetch() {
    const wanted = [...this.held.slice(0, 1 + AHEAD), ...this.answered.slice(-1).map(({ task }) => task)];
    this.images.keepOnly(wanted);
    for (const task of wanted) this.images.get(task);
  }

  /**
   * Put the current task's answer away and go on to the next task.
   * @param {Answer} answer
   */
  finish(answer) {
    const task = this.held.shift();
    if (!task) return;
    this.answered = [...this.answered.filter((past) => past.task.id !== task.id), { task, answer }].slice(-MAX_BACK);
    this.outbox.add(answer);
    this.prefetch();
    void this.refill();
  }

  /**
   * Make the task answered last the current one again.
   * @returns {boolean} whether there was one
   */
  back() {
    const past = this.answered.pop();
    if (!past) return false;
    this.insert({ ...past.task, answer: past.answer });
    return true;
  }

  /**
   * Make a task the current one.
   * @param {Task} task
   */
  insert(task) {
    this.held = [task, ...this.held.filter((other) => other.id !== task.id)];
    this.prefetch();
    void this.#leaseAgain(task);
  }

  /** @param {Task} task */
  async #leaseAgain(task) {
    try {
      task.lease = (await this.api.getTask(task.id)).lease;
    } catch (error) {
      // Without a new lease the answer arrives as a late one, and is stored all the same.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** Keep the leases of the tasks held; a server that can't be reached is asked again in a minute. */
  async renew() {
    const pause = Date.now() - this.renewedAt;
    this.renewedAt = Date.now();
    if (this.leased.length === 0) return;
    if (pause > this.leaseMs) {
      // The computer slept, and others may have the tasks by now: the server gives back those that they haven't.
      this.held = [];
      await this.refill();
      return;
    }
    try {
      await this.api.renewLeases(this.leased);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** Give back the tasks that nobody works on any more, as the page closes. */
  release() {
    if (this.leased.length > 0) this.api.releaseLeases(this.leased).catch(() => {});
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
