/** The pictures of the tasks at hand, fetched and decoded before they are shown. */

/** @import {Task} from "./types.js" */

// The server's previews have at most so many pixels on the longer side.
const PREVIEW_SIDE = 2048;
const MAX_DELAY_MS = 10_000;

// Another queue may have been served at this address: its pictures have the same names, and may be in the cache still.
const VISIT = Date.now().toString(36);

/**
 * Return the address of a task's picture.
 * @param {number} id
 * @param {"" | "/preview" | "/thumbnail"} rendition
 * @returns {string}
 */
export function imageUrl(id, rendition = "") {
  return `images/${id}${rendition}?visit=${VISIT}`;
}

/** @typedef {{element: HTMLImageElement, state: "loading" | "ready" | "failed", full: boolean}} Picture */

/** Fires `change` with the task's id as `detail` when a picture is ready, has failed, or came in full resolution. */
export class Images extends EventTarget {
  constructor() {
    super();
    /** @type {Map<number, Picture>} */
    this.pictures = new Map();
  }

  /**
   * Return the picture of a task, which may still be loading.
   * @param {Task} task
   * @returns {Picture}
   */
  get(task) {
    const known = this.pictures.get(task.id);
    if (known) return known;
    const full = Math.max(task.width, task.height) <= PREVIEW_SIDE;
    /** @type {Picture} */
    const picture = { element: new Image(), state: "loading", full };
    this.pictures.set(task.id, picture);
    void this.#load(task.id, picture, imageUrl(task.id, full ? "" : "/preview"), 1);
    return picture;
  }

  /**
   * Fetch a picture's full resolution where the preview no longer suffices.
   * @param {Task} task
   * @param {number} zoom device pixels per pixel of the image
   */
  async sharpen(task, zoom) {
    const picture = this.pictures.get(task.id);
    if (!picture || picture.full || picture.state !== "ready") return;
    if (zoom * Math.max(task.width, task.height) <= PREVIEW_SIDE * 1.25) return;
    picture.full = true;
    const element = pictureElement(imageUrl(task.id));
    try {
      await element.decode();
    } catch {
      // The preview stays; the next zoom asks again.
      picture.full = false;
      return;
    }
    picture.element = element;
    this.#changed(task.id);
  }

  /**
   * Forget all pictures but those of some tasks.
   * @param {Task[]} tasks
   */
  keepOnly(tasks) {
    const ids = new Set(tasks.map((task) => task.id));
    for (const id of this.pictures.keys()) {
      if (!ids.has(id)) this.pictures.delete(id);
    }
  }

  /**
   * @param {number} id
   * @param {Picture} picture
   * @param {string} source
   * @param {number} attempt
   */
  async #load(id, picture, source, attempt) {
    const element = pictureElement(source);
    try {
      await element.decode();
    } catch {
      if (this.pictures.get(id) !== picture) return;
      picture.state = "failed";
      this.#changed(id);
      const delay = Math.min(500 * 2 ** attempt, MAX_DELAY_MS);
      setTimeout(() => {
        if (this.pictures.get(id) === picture) void this.#load(id, picture, source, attempt + 1);
      }, delay);
      return;
    }
    picture.element = element;
    picture.state = "ready";
    this.#changed(id);
  }

  /** @param {number} id */
  #changed(id) {
    this.dispatchEvent(new CustomEvent("change", { detail: id }));
  }
}

/** @param {string} source */
function pictureElement(source) {
  const element = new Image();
  element.alt = "";
  element.draggable = false;
  element.src = source;
  return element;
}
