/** Rectangles in pixels of the image: pure functions, every result is whole pixels inside the image. */

/** @import {Point, Rect, Size} from "./types.js" */

/** The eight handles of a box, by the edges that they move. */
export const HANDLES = Object.freeze(["nw", "n", "ne", "e", "se", "s", "sw", "w"]);

/**
 * Return a number limited to a range.
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @returns {number}
 */
export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/**
 * Return the two ends of a side as whole pixels inside the image, at least one pixel apart.
 * @param {number} a
 * @param {number} b
 * @param {number} limit
 * @returns {[number, number]}
 */
function side(a, b, limit) {
  const low = clamp(Math.round(Math.min(a, b)), 0, limit);
  const high = clamp(Math.round(Math.max(a, b)), 0, limit);
  if (high > low) return [low, high];
  return low < limit ? [low, low + 1] : [limit - 1, limit];
}

/**
 * Return the rectangle between two corners.
 * @param {Point} a
 * @param {Point} b
 * @param {Size} image
 * @returns {Rect}
 */
export function rectBetween(a, b, image) {
  const [left, right] = side(a.x, b.x, image.width);
  const [top, bottom] = side(a.y, b.y, image.height);
  return { left, top, width: right - left, height: bottom - top };
}

/**
 * Return a rectangle cut to the image.
 * @param {Rect} rect
 * @param {Size} image
 * @returns {Rect}
 */
export function clipped(rect, image) {
  const end = { x: rect.left + rect.width, y: rect.top + rect.height };
  return rectBetween({ x: rect.left, y: rect.top }, end, image);
}

/**
 * Return a rectangle moved by a distance; at the image's edge it stops and keeps its size.
 * @param {Rect} rect
 * @param {number} dx
 * @param {number} dy
 * @param {Size} image
 * @returns {Rect}
 */
export function moved(rect, dx, dy, image) {
  return {
    ...rect,
    left: clamp(Math.round(rect.left + dx), 0, image.width - rect.width),
    top: clamp(Math.round(rect.top + dy), 0, image.height - rect.height),
  };
}

/**
 * Return a rectangle whose edges under a handle moved by a distance, also past the opposite edge.
 * @param {Rect} rect
 * @param {string} handle one of `HANDLES`
 * @param {number} dx
 * @param {number} dy
 * @param {Size} image
 * @returns {Rect}
 */
export function resized(rect, handle, dx, dy, image) {
  const west = rect.left + (handle.includes("w") ? dx : 0);
  const east = rect.left + rect.width + (handle.includes("e") ? dx : 0);
  const north = rect.top + (handle.includes("n") ? dy : 0);
  const south = rect.top + rect.height + (handle.includes("s") ? dy : 0);
  return rectBetween({ x: west, y: north }, { x: east, y: south }, image);
}

/**
 * Return a rectangle with its right and bottom edges moved, never past the left and top ones.
 * @param {Rect} rect
 * @param {number} dx
 * @param {number} dy
 * @param {Size} image
 * @returns {Rect}
 */
export function stretched(rect, dx, dy, image) {
  return {
    ...rect,
    width: clamp(rect.width + dx, 1, image.width - rect.left),
    height: clamp(rect.height + dy, 1, image.height - rect.top),
  };
}

/**
 * Return the rectangles that contain a point, the smallest first.
 * @template {Rect} R
 * @param {R[]} rects
 * @param {Point} point
 * @param {number} margin how far outside of a rectangle still counts
 * @returns {R[]}
 */
export function rectsAt(rects, point, margin = 0) {
  const inside = rects.filter(
    (rect) =>
      point.x >= rect.left - margin &&
      point.x <= rect.left + rect.width + margin &&
      point.y >= rect.top - margin &&
      point.y <= rect.top + rect.height + margin,
  );
  return inside.sort((a, b) => a.width * a.height - b.width * b.height);
}

/**
 * Return the centre of each handle of a rectangle, pushed outwards by a gap.
 * @param {Rect} rect
 * @param {number} gap
 * @returns {Record<string, Point>}
 */
export function handlePoints(rect, gap) {
  /** @type {Record<string, Point>} */
  const points = {};
  for (const handle of HANDLES) {
    const x = handle.includes("w") ? 0 : handle.includes("e") ? 1 : 0.5;
    const y = handle.includes("n") ? 0 : handle.includes("s") ? 1 : 0.5;
    points[handle] = {
      x: rect.left + x * rect.width + (2 * x - 1) * gap,
      y: rect.top + y * rect.height + (2 * y - 1) * gap,
    };
  }
  return points;
}

/**
 * Return the handle nearest to a point, where one is within reach.
 * @param {Record<string, Point>} points
 * @param {Point} point
 * @param {number} reach
 * @returns {string | null}
 */
export function handleAt(points, point, reach) {
  let nearest = null;
  let least = Infinity;
  for (const handle of HANDLES) {
    const dx = Math.abs(points[handle].x - point.x);
    const dy = Math.abs(points[handle].y - point.y);
    if (dx <= reach && dy <= reach && dx + dy < least) {
      nearest = handle;
      least = dx + dy;
    }
  }
  return nearest;
}

/**
 * Return the intersection over union of two rectangles.
 * @param {Rect} a
 * @param {Rect} b
 * @returns {number}
 */
export function iou(a, b) {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  const common = Math.max(0, width) * Math.max(0, height);
  return common / (a.width * a.height + b.width * b.height - common);
}
