/** Which key does what. The help and the hint bar show this table. */

/**
 * @typedef {{command: string, keys: string[], repeats?: boolean}} Binding `keys` as `comboOf` writes them;
 *   `repeats` where holding the key down repeats the command
 */

/** @type {{group: string, bindings: Binding[]}[]} */
export const KEY_GROUPS = [
  {
    group: "answer",
    bindings: [
      { command: "accept", keys: ["Enter", "a"] },
      { command: "nothing", keys: ["n"] },
      { command: "skip", keys: ["s"] },
      { command: "unsure", keys: ["u"] },
      { command: "bad-image", keys: ["!"] },
      { command: "back", keys: ["b"] },
      { command: "grid", keys: ["g"] },
    ],
  },
  {
    group: "boxes",
    bindings: [
      { command: "next-box", keys: ["Tab"], repeats: true },
      { command: "previous-box", keys: ["Shift+Tab"], repeats: true },
      { command: "delete", keys: ["x", "Delete", "Backspace"] },
      { command: "take", keys: ["y"] },
      { command: "redraw", keys: ["r"] },
      { command: "copy", keys: ["c"] },
      { command: "nudge", keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], repeats: true },
      {
        command: "nudge-far", repeats: true,
        keys: ["Shift+ArrowLeft", "Shift+ArrowRight", "Shift+ArrowUp", "Shift+ArrowDown"],
      },
      {
        command: "stretch", repeats: true,
        keys: ["Alt+ArrowLeft", "Alt+ArrowRight", "Alt+ArrowUp", "Alt+ArrowDown"],
      },
      { command: "undo", keys: ["Ctrl+z"], repeats: true },
      { command: "redo", keys: ["Ctrl+Shift+z", "Ctrl+y"], repeats: true },
      { command: "escape", keys: ["Escape"] },
    ],
  },
  {
    group: "classes",
    bindings: [
      { command: "class", keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"] },
      { command: "find-class", keys: ["/"] },
    ],
  },
  {
    group: "view",
    bindings: [
      { command: "lower-floor", keys: ["["], repeats: true },
      { command: "raise-floor", keys: ["]"], repeats: true },
      { command: "hide", keys: ["h"] },
      { command: "zoom-box", keys: ["z"] },
      { command: "zoom-in", keys: ["+", "="], repeats: true },
      { command: "zoom-out", keys: ["-", "_"], repeats: true },
      { command: "fit", keys: ["f"] },
      { command: "controls", keys: ["F6"] },
      { command: "help", keys: ["?"] },
    ],
  },
];

const BINDINGS = new Map(
  KEY_GROUPS.flatMap(({ bindings }) => bindings.flatMap((binding) => binding.keys.map((key) => [key, binding]))),
);

/**
 * Return a key press as the table writes it, such as `Ctrl+Shift+z`, `!` or `7`.
 * @param {Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">} event
 * @returns {string}
 */
export function comboOf(event) {
  let { key } = event;
  // The row of digits without Shift is that of the classes on every keyboard; letters in other scripts go by place.
  if (/^Digit\d$/.test(event.code) && !event.shiftKey) key = event.code.slice(5);
  else if (/^Key[A-Z]$/.test(event.code) && !/^[a-z]$/i.test(key)) key = event.code.slice(3);
  const isSymbol = key.length === 1 && !/[a-z]/i.test(key);
  if (key.length === 1) key = key.toLowerCase();
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey && !isSymbol) parts.push("Alt");
  if (event.shiftKey && !isSymbol) parts.push("Shift");
  return [...parts, key].join("+");
}

/**
 * Return the command of a key press, or null where it has none or is only being held down.
 * @param {KeyboardEvent} event
 * @returns {{command: string, key: string} | null}
 */
export function commandOf(event) {
  if (event.isComposing) return null;
  const binding = BINDINGS.get(comboOf(event));
  if (!binding || (event.repeat && !binding.repeats)) return null;
  return { command: binding.command, key: event.key };
}

/**
 * Return whether an element takes keys as text.
 * @param {EventTarget | null} target
 * @returns {boolean}
 */
export function takesText(target) {
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && target.type !== "range" && target.type !== "checkbox";
}
