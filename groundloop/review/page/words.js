/** The page's words in the reader's language. */

export const LANGUAGES = Object.freeze(["en", "ja"]);

export class Words {
  /**
   * @param {string} language
   * @param {Record<string, string>} texts
   */
  constructor(language, texts) {
    this.language = language;
    this.texts = texts;
    this.plural = new Intl.PluralRules(language);
  }

  /**
   * Read the words of a language.
   * @param {string} language
   * @returns {Promise<Words>}
   */
  static async load(language) {
    const response = await fetch(`page/words.${language}.json`);
    if (!response.ok) throw new Error(`page/words.${language}.json: HTTP ${response.status}`);
    return new Words(language, await response.json());
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
    return value.toLocaleString(this.language, { maximumFractionDigits: digits });
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
