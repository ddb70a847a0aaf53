/** The bar of commands with their keys, and the list of all keys. */

import { byId, element } from "./dom.js";
import { KEY_GROUPS } from "./keys.js";

/** @typedef {import("./words.js").Words} Words */

/** What the bar offers: the command, its key as shown, its text; `accept` changes with the boxes. */
const REVIEW_HINTS = Object.freeze([
  ["accept", "Enter", "accept.boxes"],
  ["delete", "X", "hint.delete"],
  ["next-box", "Tab", "hint.next-box"],
  ["take", "Y", "hint.take"],
  ["undo", "Ctrl Z", "hint.undo"],
  ["copy", "C", "hint.copy"],
  ["nothing", "N", "hint.nothing"],
  ["skip", "S", "hint.skip"],
  ["unsure", "U", "hint.unsure"],
  ["bad-image", "!", "hint.bad-image"],
  ["back", "B", "hint.back"],
  ["grid", "G", "hint.grid"],
]);
const GRID_HINTS = Object.freeze([
  ["accept", "Enter", "accept.boxes"],
  ["mark", "Space", "hint.mark"],
  ["grid", "G", "hint.one-by-one"],
]);

/** @type {Record<string, string>} */
const SHORT_NAMES = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", Delete: "Del" };

/** @type {Record<string, string[]>} */
const SHORT_KEYS = {
  "class": ["1–9", "0"], "nudge": ["← ↑ → ↓"], "nudge-far": ["Shift ← ↑ → ↓"], "stretch": ["Alt ← ↑ → ↓"],
  "zoom-in": ["+"], "zoom-out": ["−"],
};

/**
 * Return a key as people write it, such as `Ctrl Shift Z`.
 * @param {string} combo as in the table of keys
 * @returns {string}
 */
export function keyText(combo) {
  const parts = combo.split("+").filter((part) => part !== "");
  const names = parts.map((part) => SHORT_NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part));
  return names.length > 0 ? names.join(" ") : "+";
}

export class Hints {
  /** @param {Words} words */
  constructor(words) {
    this.words = words;
    this.#fillHelp();
    this.show(false);
  }

  /**
   * Show the commands of the grid or of a single image.
   * @param {boolean} isGrid
   */
  show(isGrid) {
    const hints = isGrid ? GRID_HINTS : REVIEW_HINTS;
    byId("hints").replaceChildren(
      ...hints.map(([command, key, text]) => {
        const button = element("button", "hint", element("kbd", "", key), element("span", "", this.words.text(text)));
        button.setAttribute("type", "button");
        button.dataset.command = command;
        if (command !== "mark") button.title = this.words.text(`key.${command}`);
        return button;
      }),
    );
  }

  /**
   * Say what Enter will do.
   * @param {string} text
   */
  showAccept(text) {
    const label = byId("hints").querySelector('[data-command="accept"] span');
    if (label && label.textContent !== text) label.textContent = text;
  }

  #fillHelp() {
    byId("help-keys").replaceChildren(
      ...KEY_GROUPS.map(({ group, bindings }) => {
        const list = element("dl", "");
        for (const { command, keys } of bindings) {
          const shown = SHORT_KEYS[command] ?? keys.map(keyText);
          const names = shown.map((key) => element("kbd", "", key));
          list.append(element("dt", "", ...names), element("dd", "", this.words.text(`key.${command}`)));
        }
        return element("section", "", element("h3", "", this.words.text(`group.${group}`)), list);
      }),
    );
  }
}
