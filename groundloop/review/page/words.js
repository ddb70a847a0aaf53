/** The page's words in the reader's language. */

/** @import {Problem} from "./types.js" */

export const LANGUAGES = Object.freeze(["en", "ja"]);

export class Words {
  /**
   * @param {string} language
   * @param {Record<string, string>} texts
   * @param {Record<string, string>} reasons what queues say in English, with `{names}` for what varies, in this language
   * @param {Record<string, string>} problems what the server finds wrong, by its codes, in this language
   */
  constructor(language, texts, reasons, problems = {}) {
    this.language = language;
    this.texts = texts;
    this.problems = problems;
    this.reasons = Object.entries(reasons).map(([english, text]) => ({ pattern: patternOf(english), text }));
    this.plural = new Intl.PluralRules(language);
    // Made once: a format takes a thousand times as long to make as to use.
    this.numbers = [0, 1].map((digits) => new Intl.NumberFormat(language, { maximumFractionDigits: digits }));
  }

  /**
   * Read the words of a language.
   * @param {string} language
   * @returns {Promise<Words>}
   */
  static async load(language) {
    const texts = await readTexts(`page/words.${language}.json`);
    if (language === "en") return new Words(language, texts, {});
    const reasons = await readTexts(`page/reasons.${language}.json`);
    return new Words(language, texts, reasons, await readTexts(`page/errors.${language}.json`));
  }

  /**
   * Return the reason for which an image was chosen in this language; as it is where the page doesn't know it.
   * @param {string} english
   * @returns {string}
   */
  reason(english) {
    for (const { pattern, text } of this.reasons) {
      const values = pattern.exec(english)?.groups;
      if (values) return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
    }
    return english;
  }

  /**
   * Return what is wrong with a request in this language; in English where the page doesn't know it.
   * @param {Problem} problem
   * @returns {string}
   */
  problem({ message, code, values }) {
    return this.problems[code]?.replace(/\{(\w+)\}/g, (_, name) => String(values[name])) ?? message;
  }

  /**
   * Return a text with its `{names}` filled in; `count` chooses between singular and plural.
   * @param {string} name
   * @param {Record<string, string | number>} values
   * @returns {string}
   */
  text(name, values = {}) {
    const form = typeof values.count === "number" ? `${name}.${this.plural.select(values.count)}` : name;
    const text = this.texts[form] ?? this.texts[name];
    if (text === undefined) throw new Error(`no text named ${name} in ${this.language}`);
    return text.replace(/\{(\w+)\}/g, (_, key) => {
      const value = values[key];
      return typeof value === "number" ? this.number(value) : String(value);
    });
  }

  /**
   * Return a number as this language writes it.
   * @param {number} value
   * @param {number} digits most digits after the point
   * @returns {string}
   */
  number(value, digits = 1) {
    return this.numbers[digits].format(value);
  }

  /**
   * Write the texts of all elements that name one in `data-text`, `data-label` or `data-title`.
   * @param {ParentNode} root
   */
  apply(root) {
    for (const element of root.querySelectorAll("[data-text]")) {
      element.textContent = this.text(element.getAttribute("data-text") ?? "");
    }
    for (const element of root.querySelectorAll("[data-label]")) {
      element.setAttribute("aria-label", this.text(element.getAttribute("data-label") ?? ""));
    }
    for (const element of root.querySelectorAll("[data-title]")) {
      element.setAttribute("title", this.text(element.getAttribute("data-title") ?? ""));
    }
  }
}

/**
 * Read a file of texts.
 * @param {string} path
 * @returns {Promise<Record<string, string>>}
 */
async function readTexts(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return response.json();
}

/**
 * Return an expression for all that a text with `{names}` can be, whose groups are the names.
 * @param {string} text
 * @returns {RegExp}
 */
function patternOf(text) {
  // The empty group is there for texts without names, which match without any.
  const literal = text.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  return new RegExp(`^${literal.replace(/\{(\w+)\}/g, "(?<$1>.+?)")}(?<end>)$`);
}

/**
 * Return the first of the wanted languages that the page speaks, else English.
 * @param {readonly string[]} wanted such as `["ja-JP", "en"]`
 * @returns {string}
 */
export function chooseLanguage(wanted) {
  for (const language of wanted) {
    const short = language.toLowerCase().split("-")[0];
    if (LANGUAGES.includes(short)) return short;
  }
  return "en";
}
