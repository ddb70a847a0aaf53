/** The boxes, handles and guide lines as SVG elements over the image, in the stage's pixels. */

import { HANDLES, handlePoints } from "./geometry.js";
import { toStage } from "./view.js";

/** @import {BoxClass, EditedBox, Point, Rect, Size, View} from "./types.js" */

const SVG = "http://www.w3.org/2000/svg";
const HANDLE_SIDE = 9;
const TAG_HEIGHT = 16;
// With more boxes than this, a box narrower than its tag shows the class's number only.
const MAX_FULL_TAGS = 8;
const MAX_TAG_CHARACTERS = 24;
const TAG_END_CHARACTERS = 5;

/** Colours of people's boxes between which somebody decides; app.css has their line styles. */
const PERSON_COLORS = Object.freeze(["#ff6fb1", "#41d6ff", "#ffe14d", "#b79bff", "#7dff8a"]);

const measure = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
measure.font = "600 11px system-ui, sans-serif";

/**
 * Return how far a box's handles stand off its edges: a small box would disappear behind them.
 * @param {Rect} rect in the stage
 * @returns {number}
 */
export function handleGap(rect) {
  return Math.min(rect.width, rect.height) < 32 ? 7 : 0;
}

/**
 * Return black or white, whichever reads better on a colour (relative luminance as in WCAG 2).
 * @param {string} color such as `#e69f00`
 * @returns {string}
 */
export function textColor(color) {
  const [red, green, blue] = [1, 3, 5].map((start) => {
    const part = Number.parseInt(color.slice(start, start + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

/**
 * Return the colour of a person's boxes.
 * @param {number} person from 0
 * @returns {string}
 */
export function personColor(person) {
  return PERSON_COLORS[person % PERSON_COLORS.length];
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {Element | null} parent
 */
function svg(name, attributes = {}, parent = null) {
  const element = document.createElementNS(SVG, name);
  set(element, attributes);
  parent?.append(element);
  return element;
}

/**
 * @param {Element} element
 * @param {Record<string, string | number>} attributes
 */
function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/**
 * Return a label that is no longer than a tag may be, with its end, where the score stands.
 * @param {string} label
 * @returns {string}
 */
export function shortened(label) {
  const characters = [...label];
  if (characters.length <= MAX_TAG_CHARACTERS) return label;
  const start = characters.slice(0, MAX_TAG_CHARACTERS - TAG_END_CHARACTERS - 1);
  return `${start.join("")}…${characters.slice(-TAG_END_CHARACTERS).join("")}`;
}

/** @param {Rect} rect @param {Size} stage @returns {boolean} whether any of a rectangle is on the stage */
function isOnStage(rect, stage) {
  const { left, top, width, height } = rect;
  return left < stage.width && top < stage.height && left + width > 0 && top + height > 0;
}

/** @param {Rect} rect */
const frame = (rect) => ({ x: rect.left, y: rect.top, width: rect.width, height: rect.height });

/**
 * @typedef {{
 *   boxes: EditedBox[], view: View, image: Size, stage: Size, selected: number | null, hovered: number | null,
 *   draft: (Rect & {classId: number}) | null, pointer: Point | null, labelOf: (box: EditedBox) => string
 * }} Scene
 */

export class Drawing {
  /**
   * @param {SVGSVGElement} root
   * @param {BoxClass[]} classes
   * @param {number[]} unsureEdges classes whose boxes often have wrong edges
   */
  constructor(root, classes, unsureEdges) {
    this.classes = new Map(classes.map((one, index) => [one.id, { ...one, number: index + 1 }]));
    this.unsureEdges = new Set(unsureEdges);
    root.replaceChildren();
    this.guides = svg("g", { class: "guides" }, root);
    this.guideX = svg("line", {}, this.guides);
    this.guideY = svg("line", {}, this.guides);
    this.layer = svg("g", { class: "boxes" }, root);
    // Above all edges, so that no line crosses a text.
    this.tags = svg("g", { class: "tags", "aria-hidden": "true" }, root);
    this.draft = svg("rect", { class: "draft" }, root);
    this.handles = svg("g", { class: "handles" }, root);
    for (const handle of HANDLES) {
      svg("rect", { "data-handle": handle, width: HANDLE_SIDE, height: HANDLE_SIDE }, this.handles);
    }
    /** @type {Map<number, {group: Element, tags: Element, parts: Record<string, Element>}>} */
    this.groups = new Map();
  }

  /** @param {Scene} scene */
  draw(scene) {
    const present = new Set(scene.boxes.map((box) => box.key));
    for (const [key, { group, tags }] of this.groups) {
      if (!present.has(key)) {
        group.remove();
        tags.remove();
        this.groups.delete(key);
      }
    }
    for (const box of scene.boxes) this.#drawBox(box, scene);
    this.#drawHandles(scene);
    this.#drawDraft(scene);
    this.#drawGuides(scene);
  }

  /** @param {number} key */
  #group(key) {
    const known = this.groups.get(key);
    if (known) return known;
    const group = svg("g", { role: "img", "data-key": key }, this.layer);
    const tags = svg("g", {}, this.tags);
    const parts = {
      halo: svg("rect", { class: "halo" }, group),
      edge: svg("rect", { class: "edge" }, group),
      tag: svg("rect", { class: "tag", height: TAG_HEIGHT, rx: 2 }, tags),
      text: svg("text", { class: "tag-text" }, tags),
    };
    const made = { group, tags, parts };
    this.groups.set(key, made);
    return made;
  }

  /**
   * @param {EditedBox} box
   * @param {Scene} scene
   */
  #drawBox(box, scene) {
    const { group, tags, parts } = this.#group(box.key);
    const rect = toStage(scene.view, box);
    const color = box.person !== null && !box.counted ? personColor(box.person) : this.#color(box.classId);
    const isSelected = box.key === scene.selected;
    const states = ["box"];
    if (isSelected) states.push("selected");
    if (box.key === scene.hovered) states.push("hovered");
    if (!box.counted) states.push("uncounted", ...(box.person === null ? [] : [`person-${box.person % 3}`]));
    else if (this.unsureEdges.has(box.classId) && !box.touched) states.push("unsure-edges");
    const label = scene.labelOf(box);
    set(group, {
      class: states.join(" "), "aria-label": label, "data-class": box.classId, "data-counted": String(box.counted),
      "data-rect": `${box.left},${box.top},${box.width},${box.height}`,
    });
    // A dark line stands out against white only, a light one against black.
    set(parts.halo, { ...frame(rect), class: `halo on-${textColor(color) === "#ffffff" ? "white" : "black"}` });
    set(parts.edge, { ...frame(rect), stroke: color, fill: color });
    set(tags, {
      class: states.slice(1).join(" "), visibility: isOnStage(rect, scene.stage) ? "inherit" : "hidden",
    });
    if (isSelected && this.layer.lastElementChild !== group) {
      this.layer.append(group);
      this.tags.append(tags);
    }
    const isFull = isSelected || box.key === scene.hovered || scene.boxes.length <= MAX_FULL_TAGS;
    const short = shortened(label);
    this.#drawTag(parts, rect, color, isFull ? short : this.#fittingLabel(box, short, rect), scene);
  }

  /**
   * @param {EditedBox} box
   * @param {string} label
   * @param {Rect} rect
   */
  #fittingLabel(box, label, rect) {
    if (measure.measureText(label).width + 8 <= rect.width) return label;
    return String(this.classes.get(box.classId)?.number ?? box.classId);
  }

  /**
   * @param {Record<string, Element>} parts
   * @param {Rect} rect
   * @param {string} color
   * @param {string} label
   * @param {Scene} scene
   */
  #drawTag(parts, rect, color, label, scene) {
    const width = Math.ceil(measure.measureText(label).width) + 8;
    const left = Math.max(0, Math.min(rect.left - 1, scene.stage.width - width));
    const above = rect.top - TAG_HEIGHT;
    const top = above >= 0 ? above : Math.max(0, Math.min(rect.top, scene.stage.height - TAG_HEIGHT));
    set(parts.tag, { x: left, y: top, width, fill: color });
    set(parts.text, { x: left + 4, y: top + 12, fill: textColor(color) });
    if (parts.text.textContent !== label) parts.text.textContent = label;
  }

  /** @param {Scene} scene */
  #drawHandles(scene) {
    const box = scene.boxes.find((one) => one.key === scene.selected);
    set(this.handles, { visibility: box ? "visible" : "hidden" });
    if (!box) return;
    const rect = toStage(scene.view, box);
    const points = handlePoints(rect, handleGap(rect));
    for (const element of this.handles.children) {
      const point = points[element.getAttribute("data-handle") ?? ""];
      set(element, { x: point.x - HANDLE_SIDE / 2, y: point.y - HANDLE_SIDE / 2 });
    }
  }

  /** @param {Scene} scene */
  #drawDraft(scene) {
    set(this.draft, { visibility: scene.draft ? "visible" : "hidden" });
    if (!scene.draft) return;
    const color = this.#color(scene.draft.classId);
    set(this.draft, { ...frame(toStage(scene.view, scene.draft)), stroke: color, fill: color });
  }

  /** @param {Scene} scene */
  #drawGuides(scene) {
    const { pointer, view, image } = scene;
    const area = toStage(view, { left: 0, top: 0, ...image });
    const isInside =
      pointer !== null && pointer.x >= area.left && pointer.x <= area.left + area.width &&
      pointer.y >= area.top && pointer.y <= area.top + area.height;
    set(this.guides, { visibility: isInside ? "visible" : "hidden" });
    if (!isInside) return;
    set(this.guideX, { x1: pointer.x, x2: pointer.x, y1: area.top, y2: area.top + area.height });
    set(this.guideY, { x1: area.left, x2: area.left + area.width, y1: pointer.y, y2: pointer.y });
  }

  /** @param {number} classId */
  #color(classId) {
    return this.classes.get(classId)?.color ?? "#ffffff";
  }
}
