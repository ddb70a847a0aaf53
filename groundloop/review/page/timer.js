/** The time that a person spent on an image: pauses without any input are cut off. */

const MAX_PAUSE_SECONDS = 30;

export class ActiveTimer {
  /** @param {() => number} now milliseconds, monotonic */
  constructor(now = () => performance.now()) {
    this.now = now;
    this.last = now();
    this.total = 0;
  }

  /** Begin a new image. */
  restart() {
    this.last = this.now();
    this.total = 0;
  }

  /** Note that the person did something. */
  touch() {
    const moment = this.now();
    this.total += Math.min((moment - this.last) / 1000, MAX_PAUSE_SECONDS);
    this.last = moment;
  }

  /**
   * Return the active seconds so far, to a hundredth.
   * @returns {number}
   */
  seconds() {
    this.touch();
    return Math.round(this.total * 100) / 100;
  }
}
