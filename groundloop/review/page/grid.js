/** Many images side by side: click those that are wrong, accept the others together. */

import { answerBoxes, shownBoxes } from "./boxes.js";
import { byId, element } from "./dom.js";
import { imageUrl } from "./images.js";

/** @import {Queue, Task} from "./types.js" */
/** @typedef {import("./words.js").Words} Words */

const SVG = "http://www.w3.org/2000/svg";
const COLUMNS = 4;
export const GRID_SIZE = 12;

export class Grid {
  /**
   * @param {Queue} queue
   * @param {Words} words
   * @param {() => void} onChange is called when a tile is marked or cleared, or its picture has come
   */
  constructor(queue, words, onChange) {
    this.colors = new Map(queue.classes.map((one) => [one.id, one.color]));
    this.words = words;
    this.onChange = onChange;
    this.root = byId("grid");
    /** @type {Task[]} */
    this.tasks = [];
    /** @type {Set<number>} */
    this.wrong = new Set();
    this.root.addEventListener("keydown", (event) => this.#key(event));
  }

  get isOpen() {
    return !this.root.hidden;
  }

  /** Whether all pictures are there: nobody can accept what can't be seen. */
  get isReady() {
    return [...this.root.querySelectorAll("img")].every((image) => image.complete);
  }

  /** The tasks not marked as wrong. */
  get right() {
    return this.tasks.filter((task) => !this.wrong.has(task.id));
  }

  /**
   * Show tasks, none of them marked.
   * @param {Task[]} tasks
   */
  open(tasks) {
    this.tasks = tasks;
    this.wrong.clear();
    this.root.replaceChildren(...tasks.map((task) => this.#tile(task)));
    this.root.hidden = false;
    this.#tiles()[0]?.focus();
    this.onChange();
  }

  close() {
    this.tasks = [];
    this.root.hidden = true;
    this.root.replaceChildren();
  }

  #tiles() {
    return /** @type {HTMLElement[]} */ ([...this.root.children]);
  }

  /** @param {Task} task */
  #tile(task) {
    const image = document.createElement("img");
    image.src = imageUrl(task.id, "/thumbnail");
    image.alt = "";
    // What can't be shown here is looked at by itself.
    image.addEventListener("load", () => this.onChange());
    image.addEventListener("error", () => this.wrong.has(task.id) || this.#toggle(task, tile));
    const boxes = document.createElementNS(SVG, "svg");
    boxes.setAttribute("viewBox", `0 0 ${task.width} ${task.height}`);
    const counted = answerBoxes(shownBoxes(task));
    for (const box of counted) {
      for (const part of ["halo", "edge"]) {
        const rect = document.createElementNS(SVG, "rect");
        rect.setAttribute("class", part);
        for (const [name, value] of [["x", box.left], ["y", box.top], ["width", box.width], ["height", box.height]]) {
          rect.setAttribute(String(name), String(value));
        }
        if (part === "edge") rect.setAttribute("stroke", this.colors.get(box.class_id) ?? "#ffffff");
        boxes.append(rect);
      }
    }
    const label = this.words.text("grid.tile", { name: task.name, count: counted.length });
    const tile = element("button", "tile", image, boxes, element("span", "name", task.name));
    tile.setAttribute("type", "button");
    tile.setAttribute("aria-pressed", "false");
    tile.setAttribute("aria-label", label);
    tile.dataset.task = String(task.id);
    tile.addEventListener("click", () => this.#toggle(task, tile));
    return tile;
  }

  /**
   * @param {Task} task
   * @param {HTMLElement} tile
   */
  #toggle(task, tile) {
    if (!this.wrong.delete(task.id)) this.wrong.add(task.id);
    tile.setAttribute("aria-pressed", String(this.wrong.has(task.id)));
    this.onChange();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const tiles = this.#tiles();
    const index = tiles.findIndex((tile) => tile === document.activeElement);
    tiles[Math.min(Math.max(index + step, 0), tiles.length - 1)]?.focus();
  }
}
