/** The page at work: brings tasks, editor, grid and outbox together, and carries out commands. */

import { AnswerStore } from "./answer_store.js";
import * as api from "./api.js";
import { answerBoxes, answeredBoxes, shownBoxes } from "./boxes.js";
import { byId } from "./dom.js";
import { Drafts } from "./drafts.js";
import { Editor } from "./editor.js";
import { Grid } from "./grid.js";
import { GridReview } from "./grid_review.js";
import { Header } from "./header.js";
import { Hints } from "./hints.js";
import { Images } from "./images.js";
import { Keyboard } from "./keyboard.js";
import { Outbox } from "./outbox.js";
import { PointerGestures } from "./pointer.js";
import { Sidebar } from "./sidebar.js";
import { Tasks } from "./tasks.js";
import { ActiveTimer } from "./timer.js";

/** @import {Answer, EditedBox, Outcome, Queue, Task} from "./types.js" */
/** @typedef {import("./words.js").Words} Words */

const RENEW_MS = 60_000;
const TOAST_MS = 5000;

export class ReviewPage {
  /**
   * @param {Queue} queue
   * @param {Words} words
   */
  constructor(queue, words) {
    const prefix = `groundloop:${location.pathname}:${queue.name}:${queue.reviewer}:`;
    this.queue = queue;
    this.words = words;
    this.classNames = new Map(queue.classes.map((one) => [one.id, one.name]));
    this.outbox = new Outbox(new AnswerStore(prefix), api.sendAnswer);
    this.drafts = new Drafts(localStorage, `${prefix}draft:`);
    this.images = new Images();
    this.tasks = new Tasks(api, this.outbox, this.images, queue.lease_seconds);
    this.timer = new ActiveTimer();
    const overlay = /** @type {SVGSVGElement} */ (/** @type {unknown} */ (byId("overlay")));
    this.editor = new Editor(byId("stage"), overlay, byId("picture"), queue, (box) => this.#labelOf(box));
    this.pointer = new PointerGestures(this.editor, overlay);
    this.header = new Header(queue, words, this.outbox);
    this.hints = new Hints(words);
    this.sidebar = new Sidebar(this.editor, queue, words);
    this.grid = new Grid(queue, words, () => this.#showGridCount());
    this.gridReview = new GridReview(this);
    this.keyboard = new Keyboard(this);
    /** @type {Task | null} */
    this.shown = null;
    this.shownAt = new Date();
    this.toastTimer = 0;
    /** @type {import("./types.js").Progress | null} */
    this.acknowledged = null;
    this.#listen();
  }

  #listen() {
    this.tasks.addEventListener("change", () => {
      if (this.tasks.progress) this.header.showProgress(this.tasks.progress);
      // A server that gives tasks takes answers too.
      if (this.tasks.failure === null && this.outbox.failure) void this.outbox.flush();
      this.#showCurrent();
    });
    this.images.addEventListener("change", () => this.#showPicture());
    this.outbox.addEventListener("change", () => {
      const { progress } = this.outbox;
      if (progress && progress !== this.acknowledged) {
        this.acknowledged = progress;
        // The server gave no more tasks before it had the last answers: what it says after them is newer.
        if (this.tasks.progress) this.tasks.progress = progress;
        this.header.showProgress(progress);
        this.#showNotice();
      }
    });
    this.editor.addEventListener("edit", () => this.#onEdit());
    this.editor.addEventListener("select", () => this.#announceSelection());
    this.editor.addEventListener("view", () => this.#onView());
    byId("saved").addEventListener("click", () => void this.#openRejected());
    for (const name of ["pointerdown", "keydown", "wheel"]) {
      addEventListener(name, () => this.timer.touch(), { capture: true, passive: true });
    }
    addEventListener("online", () => void this.outbox.flush());
    addEventListener("pagehide", () => {
      this.drafts.flush();
      this.tasks.release();
    });
    // A page brought back from the history has given its tasks away.
    addEventListener("pageshow", (event) => event.persisted && location.reload());
    setInterval(() => void this.tasks.renew(), Math.min(RENEW_MS, (this.queue.lease_seconds * 1000) / 3));
  }

  /** Send what an earlier visit left, and show the first task. */
  async start() {
    await this.outbox.restore();
    void this.outbox.flush();
    await this.tasks.refill();
    this.editor.stage.focus({ preventScroll: true });
  }

  // What is shown

  #showCurrent() {
    const task = this.tasks.current;
    if (task !== this.shown) this.#show(task);
    else this.#showNotice();
  }

  /** @param {Task | null} task */
  #show(task) {
    this.shown = task;
    this.sidebar.showTask(task);
    if (task) {
      const isAnswered = task.answer && (task.answer.outcome === "boxes" || task.answer.outcome === "unsure");
      const boxes = isAnswered && task.answer ? answeredBoxes(task, task.answer) : shownBoxes(task);
      this.editor.open(task, this.drafts.read(task) ?? boxes);
      this.shownAt = new Date();
      this.timer.restart();
    } else {
      this.editor.close();
    }
    this.#showPicture();
  }

  #showPicture() {
    const task = this.shown;
    if (task) {
      const picture = this.images.get(task);
      const { element } = picture;
      if (task.width === 0 && picture.state === "ready") {
        // The server doesn't know the size of an image that nobody has read yet.
        [task.width, task.height] = [element.naturalWidth, element.naturalHeight];
        this.editor.fit();
      }
      const current = this.editor.picture.firstElementChild;
      if (picture.state !== "ready") this.editor.picture.replaceChildren();
      else if (current !== element) this.editor.picture.replaceChildren(element);
      this.editor.redraw();
    }
    this.#showNotice();
  }

  /** Whether a person sees the image and can answer. */
  get isReady() {
    return this.shown !== null && this.images.get(this.shown).state === "ready";
  }

  #showNotice() {
    const { tasks, words } = this;
    const [state, title, text] = this.#stateOfPage();
    document.body.dataset.state = state;
    const stage = this.editor.stage;
    stage.dataset.task = this.shown ? String(this.shown.id) : "";
    byId("notice").hidden = state === "ready";
    byId("notice-title").textContent = title && words.text(title);
    const { total, answered } = tasks.progress ?? this.header.progress;
    const error = tasks.failure ? words.problem(tasks.failure.problem) : "";
    byId("notice-text").textContent = text && words.text(text, { total, answered, error, name: this.queue.name });
  }

  /** @returns {[string, string, string]} */
  #stateOfPage() {
    const { tasks } = this;
    if (this.shown) {
      const { state } = this.images.get(this.shown);
      if (state === "ready") return ["ready", "", ""];
      if (state === "failed") return ["broken", "notice.broken", "notice.broken.text"];
      return ["loading", "notice.image", ""];
    }
    if (tasks.failure) {
      const isSession = tasks.failure.status === 401;
      if (isSession) return ["session", "notice.session", "notice.session.text"];
      return ["server", "notice.server", "notice.server.text"];
    }
    if (!tasks.isExhausted) return ["loading", "notice.loading", ""];
    const isDone = (tasks.progress?.left ?? 0) === 0;
    return isDone ? ["done", "notice.done", "notice.done.text"] : ["waiting", "notice.waiting", "notice.waiting.text"];
  }

  #onEdit() {
    const { editor, words } = this;
    const task = editor.task;
    if (task && editor.history.past.length > 0) this.drafts.schedule(task, editor.boxes, this.tasks.held);
    const isEmpty = !editor.boxes.some((box) => box.counted);
    this.hints.showAccept(words.text(isEmpty ? "accept.empty" : "accept.boxes"));
  }

  #onView() {
    const { zoom } = this.editor.view;
    byId("zoom-text").textContent = `${this.words.number(zoom * 100, zoom < 0.1 ? 1 : 0)} %`;
    if (this.shown) void this.images.sharpen(this.shown, zoom * devicePixelRatio);
  }

  /** @param {EditedBox} box */
  #labelOf(box) {
    const name = this.classNames.get(box.classId) ?? String(box.classId);
    if (box.person !== null && !box.counted) {
      return `${name} · ${this.words.text("box.person", { number: box.person + 1 })}`;
    }
    return box.score === null ? name : `${name} ${box.score.toFixed(2)}`;
  }

  /**
   * Tell what happened to those who can't see it.
   * @param {string} text
   */
  say(text) {
    byId("announcer").textContent = text;
  }

  /**
   * Tell something for some seconds.
   * @param {string} text
   */
  toast(text) {
    const toast = byId("toast");
    toast.textContent = text;
    toast.hidden = text === "";
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => (toast.hidden = true), TOAST_MS);
  }

  #announceSelection() {
    const box = this.editor.selected;
    if (!box) return;
    const state = this.words.text(box.person === null ? "box.uncounted" : "box.disputed");
    const label = this.#labelOf(box) + (box.counted ? "" : `, ${state}`);
    const index = this.editor.boxes.indexOf(box) + 1;
    this.say(this.words.text("box.label", { index, total: this.editor.boxes.length, label }));
  }

  // Answers

  /**
   * Make an answer to a task.
   * @param {Task} task
   * @param {Outcome} outcome
   * @param {EditedBox[]} boxes
   * @param {{comment?: string | null, seconds?: number}} more
   * @returns {Answer}
   */
  answer(task, outcome, boxes, { comment = null, seconds = this.timer.seconds() } = {}) {
    return {
      client_id: crypto.randomUUID(),
      task: task.id,
      lease: task.lease,
      outcome,
      boxes: outcome === "boxes" || outcome === "unsure" ? answerBoxes(boxes) : [],
      comment,
      accepted_at: this.shownAt.toISOString(),
      submitted_at: new Date().toISOString(),
      seconds,
      adjudicates: task.people > 0,
    };
  }

  /**
   * Answer the image shown, and show the next one.
   * @param {Outcome} outcome
   * @param {string | null} comment
   */
  submit(outcome, comment = null) {
    const task = this.shown;
    // A broken image can be skipped or called bad, but nobody can say what is on it.
    if (!task || (!this.isReady && outcome !== "skip" && outcome !== "bad-image")) return;
    this.pointer.cancel();
    const answer = this.answer(task, outcome, this.editor.boxes, { comment });
    this.drafts.drop(task);
    this.tasks.finish(answer);
    this.#showCurrent();
  }

  /** Ask for a comment, and answer that a second opinion is needed. */
  askUnsure() {
    if (!this.isReady) return;
    const dialog = /** @type {HTMLDialogElement} */ (byId("unsure"));
    const comment = /** @type {HTMLInputElement} */ (byId("comment"));
    comment.value = "";
    dialog.returnValue = "";
    dialog.showModal();
    comment.focus();
    dialog.onclose = () => {
      this.editor.stage.focus({ preventScroll: true });
      if (dialog.returnValue === "send") this.submit("unsure", comment.value.trim() || null);
    };
    byId("unsure-cancel").onclick = () => dialog.close();
  }

  /** Show the image answered last again. */
  back() {
    if (this.tasks.back()) this.#showCurrent();
  }

  /** Show the image whose answer the server rejected. */
  async #openRejected() {
    const [rejected] = this.outbox.rejected;
    if (!rejected) return;
    const task = await api.getTask(rejected.answer.task);
    this.tasks.insert({ ...task, answer: rejected.answer });
    this.#showCurrent();
  }

  #showGridCount() {
    const count = this.grid.right.length;
    const text = !this.grid.isReady ? "notice.loading" : count > 0 ? "grid.accept" : "grid.send-back";
    this.hints.showAccept(this.words.text(text, { count }));
  }

  /** Show the image that is due, after the grid. */
  showCurrent() {
    this.#showCurrent();
    this.#onEdit();
  }
}
