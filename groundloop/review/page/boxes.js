/** The boxes of one image while a person edits them: pure functions, no list is changed in place. */

import { clipped, iou } from "./geometry.js";

/** @import {Answer, AnswerBox, EditedBox, Rect, ShownBox, Size, Task} from "./types.js" */

// Copied boxes that lie on one that is there already would be counted twice.
const SAME_OBJECT_IOU = 0.5;

let lastKey = 0;

/**
 * Return a box that a person drew.
 * @param {Rect} rect
 * @param {number} classId
 * @returns {EditedBox}
 */
export function drawn(rect, classId) {
  const { left, top, width, height } = rect;
  lastKey += 1;
  return {
    key: lastKey, classId, left, top, width, height,
    score: null, counted: true, from: null, doubt: -1, touched: true, person: null,
  };
}

/**
 * Return the boxes that a task shows.
 * @param {Task} task
 * @returns {EditedBox[]}
 */
export function shownBoxes(task) {
  return task.boxes.map((box, index) => shown(box, index));
}

/**
 * @param {ShownBox} box
 * @param {number} index
 * @returns {EditedBox}
 */
function shown(box, index) {
  const { left, top, width, height, score, counted, person = null } = box;
  // Without a calibrated one, the doubt is that of the score taken as a probability.
  const guessed = score === null ? 0 : counted ? 1 - score : score;
  const doubt = box.doubt ?? (person === null ? guessed : 1);
  lastKey += 1;
  return {
    key: lastKey, classId: box.class_id, left, top, width, height,
    score, counted, from: index, doubt, touched: false, person,
  };
}

/**
 * Return a task's boxes as the reviewer left them: those of the answer, and the uncounted ones still on offer.
 * @param {Task} task
 * @param {Answer} answer
 * @returns {EditedBox[]}
 */
export function answeredBoxes(task, answer) {
  const offered = shownBoxes(task);
  const used = new Set(answer.boxes.map((box) => box.from));
  const kept = answer.boxes.map((box) => {
    const origin = box.from === null ? null : offered[box.from];
    const { left, top, width, height } = box;
    if (!origin) return drawn(box, box.class_id);
    return { ...origin, left, top, width, height, classId: box.class_id, counted: true, touched: true };
  });
  return [...kept, ...offered.filter((box) => !box.counted && !used.has(box.from))];
}

/**
 * Return boxes kept by an earlier visit of the page, with keys that are new in this one.
 * @param {EditedBox[]} boxes
 * @returns {EditedBox[]}
 */
export function rekeyed(boxes) {
  return boxes.map((box) => ({ ...box, key: (lastKey += 1) }));
}

/**
 * Return the boxes that an answer holds: the counted ones.
 * @param {EditedBox[]} boxes
 * @returns {AnswerBox[]}
 */
export function answerBoxes(boxes) {
  return boxes
    .filter((box) => box.counted)
    .map(({ classId, left, top, width, height, from }) => ({ class_id: classId, left, top, width, height, from }));
}

/**
 * Return the boxes with the most doubtful first; among equals in reading order.
 * @param {EditedBox[]} boxes
 * @returns {EditedBox[]}
 */
export function byDoubt(boxes) {
  return [...boxes].sort((a, b) => b.doubt - a.doubt || a.top - b.top || a.left - b.left || a.key - b.key);
}

/**
 * Return the boxes with one changed; a changed box counts.
 * @param {EditedBox[]} boxes
 * @param {number} key
 * @param {Partial<EditedBox>} change
 * @returns {EditedBox[]}
 */
export function changed(boxes, key, change) {
  return boxes.map((box) => (box.key === key ? { ...box, ...change, counted: true, touched: true } : box));
}

/**
 * Return the boxes without one.
 * @param {EditedBox[]} boxes
 * @param {number} key
 * @returns {EditedBox[]}
 */
export function without(boxes, key) {
  return boxes.filter((box) => box.key !== key);
}

/**
 * Return the boxes with those counted whose score reaches a floor; what a person touched stays.
 * @param {EditedBox[]} boxes
 * @param {number} floor
 * @returns {EditedBox[]}
 */
export function countedFrom(boxes, floor) {
  return boxes.map((box) => (box.touched || box.score === null ? box : { ...box, counted: box.score >= floor }));
}

/**
 * Return the lowest score that counts among the untouched boxes; 1 where none counts, null where no box has a score.
 * @param {EditedBox[]} boxes
 * @returns {number | null}
 */
export function scoreFloor(boxes) {
  const scored = boxes.filter((box) => !box.touched && box.score !== null);
  if (scored.length === 0) return null;
  return Math.min(1, ...scored.filter((box) => box.counted).map((box) => Number(box.score)));
}

/**
 * Return the score floor that counts one box fewer (up) or one more (down).
 * @param {EditedBox[]} boxes
 * @param {1 | -1} direction
 * @returns {number | null} null where nothing would change
 */
export function nextFloor(boxes, direction) {
  const floor = scoreFloor(boxes);
  if (floor === null) return null;
  const scored = boxes.filter((box) => !box.touched && box.score !== null);
  if (direction > 0) {
    if (!scored.some((box) => box.counted)) return null;
    return Math.min(1, ...scored.map((box) => Number(box.score)).filter((score) => score > floor));
  }
  const offered = scored.filter((box) => !box.counted).map((box) => Number(box.score));
  return offered.length === 0 ? null : Math.max(...offered);
}

/**
 * Return the boxes together with those of the previous image, except where a box is already.
 * @param {EditedBox[]} boxes
 * @param {AnswerBox[]} previous
 * @param {Size} image
 * @returns {EditedBox[]}
 */
export function withCopies(boxes, previous, image) {
  const counted = boxes.filter((box) => box.counted);
  const copies = previous
    .filter((box) => box.left < image.width && box.top < image.height)
    .map((box) => drawn(clipped(box, image), box.class_id))
    .filter((copy) => counted.every((box) => iou(box, copy) < SAME_OBJECT_IOU));
  return [...boxes, ...copies];
}
