/** What a person chose for this browser: theme and language. */

import { chooseLanguage, LANGUAGES } from "./words.js";

export const THEMES = Object.freeze(["auto", "light", "dark"]);
const PREFIX = "groundloop:preference:";

/**
 * Return a stored choice, or null without one or without a storage.
 * @param {string} name
 * @returns {string | null}
 */
function stored(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
function store(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // The choice then lasts as long as the page.
  }
}

/** Return the chosen theme, `auto` at first. @returns {string} */
export function theme() {
  const found = stored("theme") ?? "auto";
  return THEMES.includes(found) ? found : "auto";
}

/** Show the page in a theme and remember it. @param {string} name */
export function setTheme(name) {
  store("theme", name);
  document.documentElement.dataset.theme = name;
}

/** Return the chosen language, at first the browser's. @returns {string} */
export function language() {
  const found = stored("language");
  return found !== null && LANGUAGES.includes(found) ? found : chooseLanguage(navigator.languages);
}

/** Remember a language. @param {string} name */
export function setLanguage(name) {
  store("language", name);
}
