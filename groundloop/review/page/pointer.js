/** What the mouse or pen does in the stage: draw, select, move, resize, pan and zoom. */

import { handleGap } from "./drawing.js";
import { handleAt, handlePoints, moved, rectBetween, rectsAt, resized } from "./geometry.js";
import { toImage, toStage } from "./view.js";

/** @import {EditedBox, Point, View} from "./types.js" */
/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {{kind: "pan" | "draw" | "move" | "resize", start: Point, view: View, box: EditedBox | null,
 *   handle: string, isDrag: boolean}} Gesture `view` and `box` are those of the start */

// A hand on a mouse button shakes; a 6 x 6 box at half size is 3 x 3 on the screen.
const MIN_DRAG = 3;
const HANDLE_REACH = 8;
const CLICK_MARGIN = 3;

export class PointerGestures {
  /**
   * @param {Editor} editor
   * @param {SVGSVGElement} overlay
   */
  constructor(editor, overlay) {
    this.editor = editor;
    this.overlay = overlay;
    /** @type {Gesture | null} */
    this.gesture = null;
    /** Whether a drag moves the view: the space bar is held. */
    this.isPanning = false;
    overlay.addEventListener("pointerdown", (event) => this.#down(event));
    overlay.addEventListener("pointermove", (event) => this.#move(event));
    overlay.addEventListener("pointerup", (event) => this.#up(event));
    overlay.addEventListener("pointercancel", () => this.cancel());
    overlay.addEventListener("pointerleave", () => this.#leave());
    overlay.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    overlay.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /** Stop what the pointer is doing; the boxes become what they were. */
  cancel() {
    const { gesture, editor } = this;
    this.gesture = null;
    editor.draft = null;
    if (gesture?.isDrag && gesture.box) editor.undo();
    editor.redraw();
  }

  /** @param {PointerEvent | WheelEvent} event */
  #at(event) {
    const area = this.overlay.getBoundingClientRect();
    return { x: event.clientX - area.left, y: event.clientY - area.top };
  }

  /** @param {PointerEvent} event */
  #down(event) {
    const { editor } = this;
    if (!editor.task || this.gesture || event.button > 1) return;
    const start = this.#at(event);
    const box = editor.selected;
    const part = event.button === 1 || event.altKey || this.isPanning ? "pan" : this.#partAt(start, event.shiftKey);
    const kind = part === "pan" || part === "draw" || part === "move" ? part : "resize";
    this.gesture = {
      kind, start, view: editor.view, box: kind === "move" || kind === "resize" ? box : null, handle: part,
      isDrag: false,
    };
    try {
      this.overlay.setPointerCapture(event.pointerId);
    } catch {
      // The pointer is gone already: what follows arrives without capture, if at all.
    }
    event.preventDefault();
    editor.stage.focus({ preventScroll: true });
  }

  /**
   * Return what a drag from a point would do: a handle's name, or "move" or "draw".
   * @param {Point} at
   * @param {boolean} isDrawing whether to draw even inside the selected box
   */
  #partAt(at, isDrawing) {
    const { editor } = this;
    const box = editor.selected;
    if (!box || isDrawing || editor.isRedrawing) return "draw";
    const rect = toStage(editor.view, box);
    const handle = handleAt(handlePoints(rect, handleGap(rect)), at, HANDLE_REACH);
    return handle ?? (rectsAt([rect], at).length > 0 ? "move" : "draw");
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { editor, gesture } = this;
    const at = this.#at(event);
    editor.pointer = at;
    if (!gesture) {
      this.#hover(at, event.shiftKey);
    } else if (gesture.isDrag || this.#isFar(gesture.start, at)) {
      this.#drag(gesture, at);
    }
    editor.redraw();
  }

  /**
   * @param {Point} a
   * @param {Point} b
   */
  #isFar(a, b) {
    return Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y)) >= MIN_DRAG;
  }

  /**
   * @param {Point} at
   * @param {boolean} isDrawing
   */
  #hover(at, isDrawing) {
    const { editor } = this;
    const point = toImage(editor.view, at);
    editor.hoveredKey = rectsAt(editor.boxes, point, CLICK_MARGIN / editor.view.zoom).at(0)?.key ?? null;
    const part = editor.task ? this.#partAt(at, isDrawing) : "none";
    if (this.overlay.dataset.part !== part) this.overlay.dataset.part = part;
  }

  /**
   * @param {Gesture} gesture
   * @param {Point} at
   */
  #drag(gesture, at) {
    const { editor } = this;
    const { kind, start, box } = gesture;
    const image = editor.task;
    if (!image) return;
    const [dx, dy] = [(at.x - start.x) / editor.view.zoom, (at.y - start.y) / editor.view.zoom];
    if (kind === "pan") {
      editor.pan(at.x - start.x, at.y - start.y, gesture.view);
    } else if (kind === "draw") {
      editor.draft = rectBetween(toImage(editor.view, start), toImage(editor.view, at), image);
    } else if (box) {
      // The whole drag is one step to undo.
      if (!gesture.isDrag) editor.history.endSeries();
      const rect = kind === "move" ? moved(box, dx, dy, image) : resized(box, gesture.handle, dx, dy, image);
      editor.reshape(rect, `drag ${box.key}`);
    }
    gesture.isDrag = true;
  }

  /** @param {PointerEvent} event */
  #up(event) {
    const { editor, gesture } = this;
    if (!gesture) return;
    const at = this.#at(event);
    if (gesture.isDrag || this.#isFar(gesture.start, at)) this.#drag(gesture, at);
    this.gesture = null;
    const { draft } = editor;
    editor.draft = null;
    if (gesture.kind === "draw" && gesture.isDrag && draft) editor.draw(draft);
    else if (!gesture.isDrag && gesture.kind !== "pan") this.#click(at);
    editor.history.endSeries();
    this.#hover(at, event.shiftKey);
    editor.redraw();
  }

  /**
   * Select the smallest box here; where it is selected already, the next larger one.
   * @param {Point} at
   */
  #click(at) {
    const { editor } = this;
    const here = rectsAt(editor.boxes, toImage(editor.view, at), CLICK_MARGIN / editor.view.zoom);
    const index = here.findIndex((box) => box.key === editor.selectedKey);
    editor.select(here.length === 0 ? null : here[(index + 1) % here.length].key);
  }

  #leave() {
    if (this.gesture) return;
    this.editor.pointer = null;
    this.editor.hoveredKey = null;
    this.editor.redraw();
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const { editor } = this;
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const change = Math.max(-200, Math.min(200, event.deltaY * lines));
    editor.zoomTo(editor.view.zoom * Math.exp(-change * 0.002), this.#at(event));
  }
}
