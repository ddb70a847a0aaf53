/** The column beside the image: its name, classes, reasons, boxes, score floor, instructions. */

import { byDoubt } from "./boxes.js";
import { byId, element } from "./dom.js";
import { personColor } from "./drawing.js";

/** @import {BoxClass, EditedBox, Queue, Task} from "./types.js" */
/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("./words.js").Words} Words */

/**
 * Return the classes whose names contain the letters, those that begin with them first.
 * @param {BoxClass[]} classes
 * @param {string} letters
 * @returns {BoxClass[]}
 */
export function matchingClasses(classes, letters) {
  const wanted = letters.trim().toLocaleLowerCase();
  const found = classes.filter((one) => one.name.toLocaleLowerCase().includes(wanted));
  const begins = (/** @type {BoxClass} */ one) => (one.name.toLocaleLowerCase().startsWith(wanted) ? 0 : 1);
  return wanted === "" ? found : found.sort((a, b) => begins(a) - begins(b));
}

const NAME_END = 12;

/**
 * Return a name in two parts, the second of which is always shown: names of images often differ in their ends only.
 * @param {string} name
 * @returns {[string, string]}
 */
export function nameParts(name) {
  const letters = [...name];
  return [letters.slice(0, -NAME_END).join(""), letters.slice(-NAME_END).join("")];
}

export class Sidebar {
  /**
   * @param {Editor} editor
   * @param {Queue} queue
   * @param {Words} words
   */
  constructor(editor, queue, words) {
    this.editor = editor;
    this.queue = queue;
    this.words = words;
    this.search = /** @type {HTMLInputElement} */ (byId("class-search"));
    this.floor = /** @type {HTMLInputElement} */ (byId("floor"));
    /** @type {Map<number, {button: HTMLElement, count: HTMLElement}>} */
    this.classButtons = new Map();
    this.frame = 0;
    this.#fillClasses();
    this.#fillInstructions();
    this.#listen();
  }

  #fillClasses() {
    const list = byId("class-list");
    list.replaceChildren();
    this.queue.classes.forEach((one, index) => {
      const count = element("span", "count");
      const key = element("kbd", "", index < 10 ? String((index + 1) % 10) : "");
      const button = element("button", "class", key, element("span", "swatch"), element("span", "name", one.name), count);
      button.setAttribute("type", "button");
      button.setAttribute("role", "radio");
      button.setAttribute("aria-label", one.name);
      button.title = one.name;
      button.tabIndex = -1;
      button.style.setProperty("--class-color", one.color);
      button.addEventListener("click", () => this.#choose(one));
      list.append(button);
      this.classButtons.set(one.id, { button, count });
    });
    this.search.placeholder = `/ ${this.words.text("classes.find")}`;
  }

  #fillInstructions() {
    byId("instructions-section").hidden = !this.queue.instructions;
    byId("instructions").textContent = this.queue.instructions;
  }

  #listen() {
    this.search.addEventListener("input", () => this.#filter());
    this.search.addEventListener("keydown", (event) => this.#searchKey(event));
    this.search.addEventListener("blur", () => this.#clearSearch());
    this.floor.addEventListener("input", () => this.editor.setFloor(Number(this.floor.value)));
    this.floor.addEventListener("change", () => this.editor.history.endSeries());
    byId("box-list").addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      this.editor.selectNext(step === 1 ? 1 : -1);
    });
    this.editor.addEventListener("edit", () => this.#schedule());
    this.editor.addEventListener("select", () => this.#schedule());
  }

  /** Let the letters typed next find a class. */
  find() {
    this.search.focus();
    this.search.select();
  }

  /** @param {BoxClass} one */
  #choose(one) {
    this.editor.setClass(one.id);
    this.editor.stage.focus({ preventScroll: true });
  }

  #filter() {
    const list = byId("class-list");
    const found = matchingClasses(this.queue.classes, this.search.value);
    for (const { button } of this.classButtons.values()) button.hidden = true;
    for (const one of found) {
      const { button } = /** @type {{button: HTMLElement}} */ (this.classButtons.get(one.id));
      button.hidden = false;
      list.append(button);
      button.classList.toggle("first", this.search.value !== "" && one === found[0]);
    }
    list.dataset.empty = found.length === 0 ? this.words.text("classes.none") : "";
  }

  #clearSearch() {
    this.search.value = "";
    this.#filter();
  }

  /** @param {KeyboardEvent} event */
  #searchKey(event) {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    const [first] = matchingClasses(this.queue.classes, this.search.value);
    if (event.key === "Enter" && first && this.search.value !== "") this.editor.setClass(first.id);
    this.editor.stage.focus({ preventScroll: true });
  }

  /**
   * Show which image a task is about, and why it was chosen.
   * @param {Task | null} task
   */
  showTask(task) {
    const name = byId("image-name");
    byId("image-section").hidden = task === null;
    name.title = task?.name ?? "";
    name.replaceChildren(...nameParts(name.title).map((part) => element("span", "", part)));
    const reasons = (task?.why ?? []).map((reason) => element("li", "", this.words.reason(reason)));
    const items = [...(task ? this.#disagreement(task) : []), ...reasons];
    byId("why-section").hidden = items.length === 0;
    byId("why").replaceChildren(...items);
  }

  /**
   * Say between whom somebody is to decide.
   * @param {Task} task
   */
  #disagreement(task) {
    const { words } = this;
    if (task.people === 0) return [];
    const items = [element("li", "", words.text("why.people", { count: task.people }))];
    if (task.bad_image > 0) items.push(element("li", "", words.text("why.bad-image", { count: task.bad_image })));
    const people = [...new Set(task.boxes.map((box) => box.person))].filter((person) => person !== null);
    for (const person of people.sort((a, b) => a - b)) {
      const text = words.text("box.person", { number: person + 1 });
      const item = element("li", "person", element("span", "swatch"), text);
      item.style.setProperty("--class-color", personColor(person));
      items.push(item);
    }
    return items;
  }

  /** Show the boxes in the next frame: a drag changes them more often than that. */
  #schedule() {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.refresh();
    });
  }

  /** Show the boxes as they are now. */
  refresh() {
    const { editor } = this;
    const current = editor.selected?.classId ?? editor.currentClass;
    for (const [id, { button, count }] of this.classButtons) {
      const number = editor.boxes.filter((box) => box.classId === id && box.counted).length;
      count.textContent = number > 0 ? String(number) : "";
      button.setAttribute("aria-checked", String(id === current));
    }
    this.#refreshBoxes();
    byId("floor-section").hidden = editor.floor === null;
    this.floor.value = String(editor.floor ?? 0);
    byId("floor-text").textContent = (editor.floor ?? 0).toFixed(2);
  }

  #refreshBoxes() {
    const { editor } = this;
    const list = byId("box-list");
    byId("box-count").textContent = String(editor.boxes.filter((box) => box.counted).length);
    list.replaceChildren(...byDoubt(editor.boxes).map((box) => this.#item(box)));
    list.dataset.empty = editor.task && editor.boxes.length === 0 ? this.words.text("boxes.none") : "";
    const selected = list.querySelector('[aria-selected="true"]');
    selected?.scrollIntoView({ block: "nearest" });
    if (selected) list.setAttribute("aria-activedescendant", selected.id);
    else list.removeAttribute("aria-activedescendant");
  }

  /** @param {EditedBox} box */
  #item(box) {
    const one = this.queue.classes.find((other) => other.id === box.classId);
    const isDisputed = box.person !== null && !box.counted;
    const person = isDisputed ? this.words.text("box.person", { number: Number(box.person) + 1 }) : "";
    const score = element("span", "score", box.score === null ? person : box.score.toFixed(2));
    const name = element("span", "name", one?.name ?? "");
    const item = element("li", box.counted ? "" : "uncounted", element("span", "swatch"), name, score);
    item.id = `box-${box.key}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(box.key === this.editor.selectedKey));
    item.setAttribute("aria-label", this.editor.labelOf(box));
    item.style.setProperty("--class-color", isDisputed ? personColor(Number(box.person)) : (one?.color ?? "#888888"));
    if (!box.counted) item.title = this.words.text(isDisputed ? "box.disputed" : "box.uncounted");
    item.addEventListener("mousedown", (event) => event.preventDefault());
    item.addEventListener("click", () => this.editor.select(box.key));
    return item;
  }
}
