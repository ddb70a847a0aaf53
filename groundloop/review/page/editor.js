/** The box editor: one image, its boxes, what is selected, and how the image lies in the stage. */

import * as boxes from "./boxes.js";
import { Drawing } from "./drawing.js";
import { clipped, moved, stretched } from "./geometry.js";
import { History } from "./history.js";
import * as views from "./view.js";

/** @import {AnswerBox, Edit, EditedBox, Point, Queue, Rect, Task} from "./types.js" */

/** Fires `edit` when the boxes change, `select` when another one is selected, `view` when the view changes. */
export class Editor extends EventTarget {
  /**
   * @param {HTMLElement} stage
   * @param {SVGSVGElement} overlay
   * @param {HTMLElement} picture holds the image's element
   * @param {Queue} queue
   * @param {(box: EditedBox) => string} labelOf
   */
  constructor(stage, overlay, picture, queue, labelOf) {
    super();
    this.stage = stage;
    this.picture = picture;
    this.labelOf = labelOf;
    this.drawing = new Drawing(overlay, queue.classes, queue.class_unsure_edges);
    this.currentClass = queue.classes[0]?.id ?? 0;
    /** @type {Task | null} */
    this.task = null;
    /** @type {History<Edit>} */
    this.history = new History({ boxes: [], floor: null });
    /** @type {number | null} */
    this.selectedKey = null;
    /** @type {number | null} */
    this.hoveredKey = null;
    /** @type {Point | null} */
    this.pointer = null;
    /** @type {Rect | null} */
    this.draft = null;
    this.isRedrawing = false;
    this.view = { zoom: 1, x: 0, y: 0 };
    this.isFitted = true;
    this.place = -1;
    this.frame = 0;
    new ResizeObserver(() => (this.isFitted ? this.fit() : this.redraw())).observe(stage);
  }

  /**
   * Show a task.
   * @param {Task} task
   * @param {EditedBox[]} shown
   */
  open(task, shown) {
    this.task = task;
    this.history = new History({ boxes: shown, floor: boxes.scoreFloor(shown) });
    this.draft = null;
    this.isRedrawing = false;
    this.hoveredKey = null;
    this.place = -1;
    this.select(null);
    this.fit();
    this.dispatchEvent(new Event("edit"));
  }

  /** Show nothing. */
  close() {
    this.task = null;
    this.history = new History({ boxes: [], floor: null });
    this.selectedKey = null;
    this.picture.replaceChildren();
    this.redraw();
    this.dispatchEvent(new Event("edit"));
  }

  get boxes() {
    return this.history.state.boxes;
  }

  get floor() {
    return this.history.state.floor;
  }

  get selected() {
    return this.boxes.find((box) => box.key === this.selectedKey) ?? null;
  }

  /** The stage's size in CSS pixels. */
  get size() {
    return { width: this.stage.clientWidth, height: this.stage.clientHeight };
  }

  // Selection

  /** @param {number | null} key */
  select(key) {
    this.selectedKey = key;
    this.isRedrawing = false;
    this.history.endSeries();
    if (key !== null) this.place = boxes.byDoubt(this.boxes).findIndex((box) => box.key === key);
    this.redraw();
    this.dispatchEvent(new Event("select"));
  }

  /**
   * Select the next or previous box by doubt, and bring it to the middle where the image is enlarged.
   * @param {1 | -1} direction
   */
  selectNext(direction) {
    const order = boxes.byDoubt(this.boxes);
    if (order.length === 0) return;
    // After a deletion the next box has moved up to the deleted one's place.
    const isKept = this.selectedKey !== null;
    const step = direction > 0 ? (isKept ? 1 : this.place < 0 ? 1 : 0) : -1;
    const next = order[(Math.max(this.place, direction > 0 ? -1 : 0) + step + order.length) % order.length];
    this.select(next.key);
    if (!this.isFitted) {
      const middle = { x: next.left + next.width / 2, y: next.top + next.height / 2 };
      this.#setView(views.centred(this.view.zoom, middle, this.size), false);
    }
  }

  // Edits

  /**
   * @param {EditedBox[]} next
   * @param {string | null} series
   * @param {number | null} floor
   */
  edit(next, series = null, floor = this.floor) {
    this.history.push({ boxes: next, floor }, series);
    this.#edited();
  }

  /**
   * Add a box that was drawn, or give its place to the selected box when that is being redrawn.
   * @param {Rect} rect
   */
  draw(rect) {
    if (this.isRedrawing && this.selectedKey !== null) {
      this.isRedrawing = false;
      this.edit(boxes.changed(this.boxes, this.selectedKey, rect));
      return;
    }
    const box = boxes.drawn(rect, this.currentClass);
    this.edit([...this.boxes, box]);
    this.select(box.key);
  }

  /**
   * Give the selected box another place.
   * @param {Rect} rect
   * @param {string | null} series
   */
  reshape(rect, series = null) {
    const box = this.selected;
    if (!box) return;
    const { left, top, width, height } = rect;
    if (box.left === left && box.top === top && box.width === width && box.height === height) return;
    this.edit(boxes.changed(this.boxes, box.key, { left, top, width, height }), series);
  }

  /**
   * Move the selected box, or its right and bottom edges.
   * @param {number} dx
   * @param {number} dy
   * @param {boolean} isStretch
   * @param {boolean} isRepeat whether the key is held down
   */
  nudge(dx, dy, isStretch, isRepeat) {
    if (!this.selected || !this.task) return;
    if (!isRepeat) this.history.endSeries();
    this.reshape((isStretch ? stretched : moved)(this.selected, dx, dy, this.task), `nudge ${this.selectedKey}`);
  }

  /**
   * Choose the class of the selected box and of the boxes drawn next.
   * @param {number} classId
   */
  setClass(classId) {
    this.currentClass = classId;
    const box = this.selected;
    if (box && box.classId !== classId) this.edit(boxes.changed(this.boxes, box.key, { classId }));
    else this.#edited();
  }

  /** Remove the selected box. */
  remove() {
    const key = this.selectedKey;
    if (key === null) return;
    const { place } = this;
    this.edit(boxes.without(this.boxes, key));
    this.select(null);
    this.place = place;
  }

  /** Remove all counted boxes, and offer no others. */
  clear() {
    if (this.boxes.length > 0) this.edit([]);
    this.select(null);
  }

  /** Count the selected box, which had too low a score. */
  take() {
    const box = this.selected;
    if (box && !box.counted) this.edit(boxes.changed(this.boxes, box.key, {}));
  }

  /** Let the next drag give the selected box another place. */
  redrawSelected() {
    this.isRedrawing = this.selectedKey !== null;
    this.redraw();
  }

  /**
   * Add the boxes of the previous image.
   * @param {AnswerBox[]} previous
   */
  copy(previous) {
    if (!this.task) return;
    const next = boxes.withCopies(this.boxes, previous, this.task);
    if (next.length > this.boxes.length) this.edit(next);
  }

  /**
   * Count one box fewer or one more, by score.
   * @param {1 | -1} direction
   */
  stepFloor(direction) {
    const floor = boxes.nextFloor(this.boxes, direction);
    if (floor === null) return;
    // Where every score is 1, a floor of 1 would drop none of them.
    this.edit(boxes.countedFrom(this.boxes, floor), null, floor);
  }

  /**
   * Count the boxes whose score reaches a floor.
   * @param {number} floor
   */
  setFloor(floor) {
    this.edit(boxes.countedFrom(this.boxes, floor), "floor", floor);
  }

  undo() {
    if (this.history.undo()) this.#edited();
  }

  redo() {
    if (this.history.redo()) this.#edited();
  }

  #edited() {
    if (this.selectedKey !== null && !this.selected) {
      this.selectedKey = null;
      this.dispatchEvent(new Event("select"));
    }
    this.redraw();
    this.dispatchEvent(new Event("edit"));
  }

  // View

  /**
   * @param {import("./types.js").View} view
   * @param {boolean} isFitted
   */
  #setView(view, isFitted) {
    this.view = view;
    this.isFitted = isFitted;
    this.redraw();
    this.dispatchEvent(new Event("view"));
  }

  /** Show the whole image. */
  fit() {
    if (this.task) this.#setView(views.fitted(this.task, this.size), true);
  }

  /**
   * @param {number} zoom
   * @param {Point | null} at a point of the stage that stays; without one the selected box, or the middle
   */
  zoomTo(zoom, at = null) {
    if (!this.task) return;
    const least = views.fitted(this.task, this.size).zoom;
    this.#setView(views.zoomed(this.view, zoom, at ?? this.#focus(), least), false);
  }

  /** @param {1 | -1} direction */
  stepZoom(direction) {
    this.zoomTo(views.nextZoom(this.view.zoom, direction));
  }

  #focus() {
    const { width, height } = this.size;
    if (!this.selected) return { x: width / 2, y: height / 2 };
    const rect = views.toStage(this.view, this.selected);
    return { x: rect.left + rect.width / 2, y: rect.top + rect.height / 2 };
  }

  /** Enlarge the selected box; once more, or without one, show the whole image. */
  zoomToBox() {
    const box = this.selected;
    if (!box || !this.task) return this.fit();
    const view = views.zoomedTo(box, this.size);
    const isThere = view.zoom === this.view.zoom && view.x === this.view.x && view.y === this.view.y;
    return isThere ? this.fit() : this.#setView(view, false);
  }

  /**
   * @param {number} dx
   * @param {number} dy
   * @param {import("./types.js").View} from
   */
  pan(dx, dy, from = this.view) {
    if (this.task) this.#setView(views.panned(from, dx, dy, this.task, this.size), false);
  }

  /** Draw before the next frame. */
  redraw() {
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.#drawNow());
  }

  #drawNow() {
    this.frame = 0;
    const { task, view } = this;
    const image = this.picture.firstElementChild;
    if (task && image instanceof HTMLElement) {
      image.style.setProperty("width", `${task.width}px`);
      image.style.setProperty("height", `${task.height}px`);
      image.style.setProperty("transform", `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`);
      image.classList.toggle("pixelated", view.zoom >= 6);
    }
    this.stage.classList.toggle("redrawing", this.isRedrawing);
    this.drawing.draw({
      boxes: this.boxes,
      view,
      image: task ?? { width: 0, height: 0 },
      stage: this.size,
      selected: this.selectedKey,
      hovered: this.hoveredKey,
      draft: this.draft && { ...clipped(this.draft, task ?? { width: 1, height: 1 }), classId: this.currentClass },
      pointer: this.pointer,
      labelOf: this.labelOf,
    });
  }
}
