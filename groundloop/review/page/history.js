/** Undo and redo over states that are never changed in place. */

const MAX_STEPS = 500;

/** @template S */
export class History {
  /** @param {S} state */
  constructor(state) {
    this.state = state;
    /** @type {S[]} */
    this.past = [];
    /** @type {S[]} */
    this.future = [];
    /** @type {string | null} */
    this.series = null;
  }

  /**
   * Make a state the present one.
   * @param {S} state
   * @param {string | null} series consecutive steps of one series are undone together
   */
  push(state, series = null) {
    if (series === null || series !== this.series) this.past.push(this.state);
    if (this.past.length > MAX_STEPS) this.past.shift();
    this.state = state;
    this.future = [];
    this.series = series;
  }

  /** End the series, so that the next step is undone by itself. */
  endSeries() {
    this.series = null;
  }

  /**
   * Go one step back.
   * @returns {boolean} whether there was one
   */
  undo() {
    return this.#step(this.past, this.future);
  }

  /**
   * Go one undone step forward.
   * @returns {boolean} whether there was one
   */
  redo() {
    return this.#step(this.future, this.past);
  }

  /**
   * @param {S[]} from
   * @param {S[]} to
   */
  #step(from, to) {
    const state = from.pop();
    this.series = null;
    if (state === undefined) return false;
    to.push(this.state);
    this.state = state;
    return true;
  }
}
