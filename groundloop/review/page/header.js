/** The line above the image: queue, progress, pace, whether everything is saved, theme and language. */

import { byId } from "./dom.js";
import * as preferences from "./preferences.js";

/** @import {Progress, Queue} from "./types.js" */
/** @typedef {import("./outbox.js").Outbox} Outbox */
/** @typedef {import("./words.js").Words} Words */

export class Header {
  /**
   * @param {Queue} queue
   * @param {Words} words
   * @param {Outbox} outbox
   */
  constructor(queue, words, outbox) {
    this.words = words;
    this.outbox = outbox;
    this.progress = queue.progress;
    document.title = `${queue.name} · groundloop`;
    byId("queue-name").textContent = queue.name;
    byId("reviewer").textContent = queue.reviewer;
    this.#theme();
    this.#language();
    outbox.addEventListener("change", () => this.refresh());
    this.refresh();
  }

  #theme() {
    const button = byId("theme");
    const show = () => (button.textContent = this.words.text(`theme.${preferences.theme()}`));
    button.addEventListener("click", () => {
      const index = preferences.THEMES.indexOf(preferences.theme());
      preferences.setTheme(preferences.THEMES[(index + 1) % preferences.THEMES.length]);
      show();
    });
    show();
  }

  #language() {
    const select = /** @type {HTMLSelectElement} */ (byId("language"));
    select.value = this.words.language;
    select.addEventListener("change", () => {
      // Nothing is lost: answers and drafts are in the storage, and the leases come back.
      preferences.setLanguage(select.value);
      location.reload();
    });
  }

  /** @param {Progress} progress */
  showProgress(progress) {
    this.progress = progress;
    this.refresh();
  }

  /** Show progress and state as they are now. */
  refresh() {
    const { total, left, median_seconds: seconds } = this.progress;
    const answered = Math.min(total, this.progress.answered + this.outbox.unsent.length);
    const bar = /** @type {HTMLProgressElement} */ (byId("progress-bar"));
    bar.max = Math.max(1, total);
    bar.value = answered;
    const waiting = this.progress.waiting + this.progress.adjudication;
    const open = waiting > 0 ? `, ${this.words.text("progress.waiting", { count: waiting })}` : "";
    byId("progress-text").textContent = this.words.text("progress.text", { answered, total }) + open;
    const pace = byId("pace");
    pace.textContent = seconds === null ? "" : this.words.text("progress.pace", { seconds });
    const minutes = Math.ceil((left * (seconds ?? 0)) / 60);
    pace.title = minutes > 0 ? this.words.text("progress.left", { count: minutes }) : "";
    this.#refreshSaved();
  }

  #refreshSaved() {
    const { outbox, words } = this;
    const button = byId("saved");
    const count = outbox.unsent.length;
    const { failure } = outbox;
    let [state, text, title] = ["saved", words.text("saved.saved"), ""];
    if (failure && !failure.isPassing && count > 0) {
      [state, text, title] = ["session", words.text("saved.session"), words.text("saved.session.title")];
    } else if (failure && count > 0) {
      [state, text] = ["unsent", words.text("saved.unsent", { count })];
      title = words.text("saved.unsent.title", { error: words.problem(failure.problem) });
    } else if (count > 0) {
      [state, text] = ["sending", words.text("saved.sending")];
    } else if (outbox.rejected.length > 0) {
      [state, text] = ["rejected", words.text("saved.rejected", { count: outbox.rejected.length })];
      const [{ error }] = outbox.rejected;
      title = words.text("saved.rejected.title", { error: error ? words.problem(error) : "" });
    }
    if (!outbox.storable && count > 0) title = words.text("saved.unstorable.title");
    button.dataset.state = state;
    button.title = title;
    if (button.textContent !== text) button.textContent = text;
  }
}
