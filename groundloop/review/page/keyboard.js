/** Key presses and command buttons, carried out on the page. */

import { byId } from "./dom.js";
import { commandOf, takesText } from "./keys.js";

/** @typedef {import("./page.js").ReviewPage} ReviewPage */

const PAN_STEP = 60;
const PANES = ["stage", "grid", "class-search", "box-list", "hints", "saved"];
// What a focused control does with these keys is its own affair.
const CONTROL_KEYS = new Set([
  "Enter", " ", "Tab", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown",
]);
const GRID_COMMANDS = new Set(["accept", "grid", "help", "controls", "escape", "mark"]);
/** @type {Record<string, [number, number]>} */
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Keyboard {
  /** @param {ReviewPage} page */
  constructor(page) {
    this.page = page;
    addEventListener("keydown", (event) => this.#down(event));
    addEventListener("keyup", (event) => this.#up(event));
    addEventListener("blur", () => this.#release());
    addEventListener("click", (event) => this.#click(event));
    // A click on a button leaves the focus, and with it the keys, where they were.
    addEventListener("mousedown", (event) => {
      if (event.target instanceof Element && event.target.closest("button")) event.preventDefault();
    });
    this.commands = this.#commands();
  }

  /** @returns {Record<string, (key: string, isRepeat: boolean) => void>} */
  #commands() {
    const { page } = this;
    const { editor } = page;
    return {
      "accept": () => (page.grid.isOpen ? void page.gridReview.accept() : page.submit("boxes")),
      "nothing": () => page.isReady && (editor.clear(), page.submit("boxes")),
      "skip": () => page.submit("skip"),
      "unsure": () => page.askUnsure(),
      "bad-image": () => page.submit("bad-image"),
      "back": () => page.back(),
      "grid": () => void page.gridReview.toggle(),
      "mark": () => document.activeElement instanceof HTMLElement && document.activeElement.click(),
      "next-box": () => editor.selectNext(1),
      "previous-box": () => editor.selectNext(-1),
      "delete": () => this.#delete(),
      "take": () => editor.take(),
      "redraw": () => editor.redrawSelected(),
      "copy": () => this.#copy(),
      "nudge": (key, isRepeat) => this.#arrow(key, 1, false, isRepeat),
      "nudge-far": (key, isRepeat) => this.#arrow(key, 10, false, isRepeat),
      "stretch": (key, isRepeat) => this.#arrow(key, 1, true, isRepeat),
      "undo": () => editor.undo(),
      "redo": () => editor.redo(),
      "escape": () => this.#escape(),
      "class": (key) => this.#class(key),
      "find-class": () => page.sidebar.find(),
      "lower-floor": () => editor.stepFloor(-1),
      "raise-floor": () => editor.stepFloor(1),
      "hide": () => editor.stage.classList.add("boxes-hidden"),
      "zoom-box": () => editor.zoomToBox(),
      "zoom-in": () => editor.stepZoom(1),
      "zoom-out": () => editor.stepZoom(-1),
      "fit": () => editor.fit(),
      "controls": () => this.#nextPane(),
      "help": () => this.#showHelp(),
    };
  }

  #showHelp() {
    const help = /** @type {HTMLDialogElement} */ (byId("help"));
    help.showModal();
    // The button below the keys has the focus: in a low window it would hide the first of them.
    help.scrollTop = 0;
  }

  /** @param {KeyboardEvent} event */
  #down(event) {
    if (document.querySelector("dialog[open]") || (takesText(event.target) && event.key !== "F6")) return;
    const { page } = this;
    if (event.key === " " && event.target === page.editor.stage) {
      page.pointer.isPanning = true;
      event.preventDefault();
      return;
    }
    const found = commandOf(event);
    if (!found) return;
    const target = event.target instanceof Element ? event.target : document.body;
    const isAtWork = target === document.body || target === page.editor.stage;
    if (page.grid.isOpen) {
      if (!GRID_COMMANDS.has(found.command)) return;
    } else if (!isAtWork && CONTROL_KEYS.has(event.key) && found.command !== "nudge-far") {
      return;
    }
    // Without boxes Tab goes on to the controls, as everywhere.
    if (/-box$/.test(found.command) && event.key === "Tab" && page.editor.boxes.length === 0) return;
    event.preventDefault();
    this.commands[found.command](keyOf(event), event.repeat);
  }

  /** @param {KeyboardEvent} event */
  #up(event) {
    if (event.key === " ") this.page.pointer.isPanning = false;
    if (event.code === "KeyH" || event.key.toLowerCase() === "h") this.#release();
  }

  #release() {
    this.page.editor.stage.classList.remove("boxes-hidden");
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const button = event.target instanceof Element ? event.target.closest("button[data-command]") : null;
    if (!(button instanceof HTMLElement)) return;
    this.commands[button.dataset.command ?? ""]("", false);
    if (button.dataset.command === "hide") setTimeout(() => this.#release(), 1000);
  }

  #delete() {
    if (!this.page.editor.selected) return;
    this.page.editor.remove();
    this.page.say(this.page.words.text("said.deleted"));
  }

  #copy() {
    const { editor, tasks, words } = this.page;
    const previous = tasks.answered.findLast(({ answer }) => answer.outcome === "boxes");
    if (!previous) return;
    const before = editor.boxes.length;
    editor.copy(previous.answer.boxes);
    this.page.say(words.text("said.copied", { count: editor.boxes.length - before }));
  }

  /**
   * @param {string} key
   * @param {number} step
   * @param {boolean} isStretch
   * @param {boolean} isRepeat
   */
  #arrow(key, step, isStretch, isRepeat) {
    const { editor } = this.page;
    const [x, y] = DIRECTIONS[key] ?? [0, 0];
    if (editor.selected) editor.nudge(step * x, step * y, isStretch, isRepeat);
    else editor.pan(-PAN_STEP * x, -PAN_STEP * y);
  }

  /** @param {string} key */
  #class(key) {
    const one = this.page.queue.classes[(Number(key) + 9) % 10];
    if (!one) return;
    this.page.editor.setClass(one.id);
    this.page.say(this.page.words.text("said.class", { name: one.name }));
  }

  #escape() {
    const { editor, pointer, grid } = this.page;
    if (grid.isOpen) return void this.page.gridReview.toggle();
    if (pointer.gesture) pointer.cancel();
    else if (editor.isRedrawing) {
      editor.isRedrawing = false;
      editor.redraw();
    } else editor.select(null);
    editor.stage.focus({ preventScroll: true });
  }

  /** Move the focus to the next part of the page. */
  #nextPane() {
    const panes = PANES.map((id) => byId(id)).filter((pane) => pane.offsetParent !== null);
    const index = panes.findIndex((pane) => pane.contains(document.activeElement));
    const next = panes[(index + 1) % panes.length];
    const target = next.id === "hints" || next.id === "grid" ? next.querySelector("button") : next;
    if (target instanceof HTMLElement) target.focus();
  }
}

/**
 * Return the key for commands that need to know which one: digits go by their place on the keyboard.
 * @param {KeyboardEvent} event
 */
function keyOf(event) {
  return /^Digit\d$/.test(event.code) ? event.code.slice(5) : event.key;
}
