/** How the image lies in the stage: pure functions over a `View`. Stage coordinates are CSS pixels. */

import { clamp } from "./geometry.js";

/** @import {Point, Rect, Size, View} from "./types.js" */

/** Zooms that the keys and buttons step through: screen pixels per image pixel. */
export const ZOOM_STEPS = Object.freeze([
  0.02, 0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32,
]);
const MAX_ZOOM = 32;
const FIT_MARGIN = 12;
// So much of the image stays in sight, however far it is dragged away.
const KEPT_IN_SIGHT = 40;

/**
 * Return the view that shows the whole image.
 * @param {Size} image
 * @param {Size} stage
 * @returns {View}
 */
export function fitted(image, stage) {
  const width = Math.max(1, stage.width - 2 * FIT_MARGIN);
  const height = Math.max(1, stage.height - 2 * FIT_MARGIN);
  const zoom = Math.min(width / image.width, height / image.height, MAX_ZOOM);
  return centred(zoom, { x: image.width / 2, y: image.height / 2 }, stage);
}

/**
 * Return the view at a zoom with a point of the image in the middle of the stage.
 * @param {number} zoom
 * @param {Point} point
 * @param {Size} stage
 * @returns {View}
 */
export function centred(zoom, point, stage) {
  return {
    zoom,
    x: Math.round(stage.width / 2 - point.x * zoom),
    y: Math.round(stage.height / 2 - point.y * zoom),
  };
}

/**
 * Return the view on a box, large enough to see its edges.
 * @param {Rect} rect
 * @param {Size} stage
 * @returns {View}
 */
export function zoomedTo(rect, stage) {
  const zoom = 0.6 * Math.min(stage.width / rect.width, stage.height / rect.height);
  const middle = { x: rect.left + rect.width / 2, y: rect.top + rect.height / 2 };
  return centred(clamp(zoom, ZOOM_STEPS[0], 16), middle, stage);
}

/**
 * Return the view at another zoom, with the image's point under a stage point left where it is.
 * @param {View} view
 * @param {number} zoom
 * @param {Point} at
 * @param {number} least the smallest zoom allowed
 * @returns {View}
 */
export function zoomed(view, zoom, at, least) {
  const next = clamp(zoom, Math.min(least, ZOOM_STEPS[0]), MAX_ZOOM);
  const point = toImage(view, at);
  return { zoom: next, x: Math.round(at.x - point.x * next), y: Math.round(at.y - point.y * next) };
}

/**
 * Return the next zoom of the steps, up or down.
 * @param {number} zoom
 * @param {1 | -1} direction
 * @returns {number}
 */
export function nextZoom(zoom, direction) {
  const beyond = ZOOM_STEPS.filter((step) => direction * (step - zoom) > zoom * 0.001);
  return beyond.length === 0 ? zoom : direction > 0 ? Math.min(...beyond) : Math.max(...beyond);
}

/**
 * Return the view moved by a distance on the screen.
 * @param {View} view
 * @param {number} dx
 * @param {number} dy
 * @param {Size} image
 * @param {Size} stage
 * @returns {View}
 */
export function panned(view, dx, dy, image, stage) {
  const { zoom } = view;
  return {
    zoom,
    x: Math.round(clamp(view.x + dx, KEPT_IN_SIGHT - image.width * zoom, stage.width - KEPT_IN_SIGHT)),
    y: Math.round(clamp(view.y + dy, KEPT_IN_SIGHT - image.height * zoom, stage.height - KEPT_IN_SIGHT)),
  };
}

/**
 * Return the image's point under a stage point.
 * @param {View} view
 * @param {Point} at
 * @returns {Point}
 */
export function toImage(view, at) {
  return { x: (at.x - view.x) / view.zoom, y: (at.y - view.y) / view.zoom };
}

/**
 * Return where a rectangle of the image lies in the stage.
 * @param {View} view
 * @param {Rect} rect
 * @returns {Rect}
 */
export function toStage(view, rect) {
  return {
    left: view.x + rect.left * view.zoom,
    top: view.y + rect.top * view.zoom,
    width: rect.width * view.zoom,
    height: rect.height * view.zoom,
  };
}
