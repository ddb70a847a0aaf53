/** Requests to the page's server; every address is relative to the page, which may stand below a proxy's path. */

/** @import {Answer, Problem, Progress, Queue, Task} from "./types.js" */

const TIMEOUT_MS = 20_000;

/** A reply that is not a success: `status` is HTTP's, or 0 where no reply came. */
export class ApiError extends Error {
  /**
   * @param {string} message in English
   * @param {number} status
   * @param {string} code which problem it is; "" where the server doesn't say
   * @param {Record<string, string | number>} values what the message names
   */
  constructor(message, status, code = "", values = {}) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    /** @type {Problem} */
    this.problem = { message, code, values };
  }

  /** Whether the same request can succeed later without anyone changing it. */
  get isPassing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} options
 */
async function request(path, options) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT_MS), ...options });
  } catch (error) {
    throw new ApiError(String(error), 0, "unreachable");
  }
  let body;
  try {
    body = await response.json();
  } catch {
    // A proxy's error page is no JSON; and a reply cut off is no reply.
    throw new ApiError(`HTTP ${response.status}`, response.ok ? 0 : response.status);
  }
  const { status } = response;
  if (!response.ok) throw new ApiError(String(body.error ?? `HTTP ${status}`), status, body.code, body.values);
  return body;
}

/**
 * @param {string} path
 * @param {object} body
 * @param {boolean} keepalive whether the request outlives the page
 */
function post(path, body, keepalive = false) {
  return request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Groundloop": "1" },
    body: JSON.stringify(body),
    ...(keepalive ? { keepalive, signal: null } : {}),
  });
}

/** Exchange an invitation's token for a session. @param {string} token @returns {Promise<{reviewer: string}>} */
export const openSession = (token) => post("session", { token });

/** Read what the queue is about. @returns {Promise<Queue>} */
export const getQueue = () => request("queue", {});

/**
 * Lease tasks.
 * @param {number[]} have tasks that the page holds
 * @param {number} count
 * @param {boolean} grid
 * @returns {Promise<{tasks: Task[], progress: Progress}>}
 */
export const nextTasks = (have, count, grid = false) => post("next", { have, count, grid });

/** Lease one task again, with the reviewer's own last answer. @param {number} id @returns {Promise<Task>} */
export const getTask = (id) => request(`tasks/${id}`, {});

/** Store an answer. @param {Answer} answer @returns {Promise<{stored: boolean, late: boolean, progress: Progress}>} */
export const sendAnswer = (answer) => post("answers", answer);

/** Keep leases. @param {number[]} tasks */
export const renewLeases = (tasks) => post("leases/renew", { tasks });

/** Give leases back, also while the page closes. @param {number[]} tasks */
export const releaseLeases = (tasks) => post("leases/release", { tasks }, true);
