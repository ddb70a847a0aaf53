/** Start: words, session, queue, page. */

import * as api from "./api.js";
import { byId } from "./dom.js";
import { ReviewPage } from "./page.js";
import * as preferences from "./preferences.js";
import { Words } from "./words.js";

/** @import {Queue} from "./types.js" */

const RETRY_MS = 3000;

/**
 * Exchange the invitation in the address for a session; the token doesn't stay in the address or the history.
 * @returns {Promise<void>}
 */
async function signIn() {
  const token = location.hash.slice(1);
  if (token === "") return;
  await api.openSession(token);
  history.replaceState(null, "", location.pathname + location.search);
}

/**
 * @param {string} title
 * @param {string} text
 */
function notice(title, text) {
  byId("notice").hidden = false;
  byId("notice-title").textContent = title;
  byId("notice-text").textContent = text;
}

/**
 * Read the queue; wait for a server that is down.
 * @param {Words} words
 * @returns {Promise<Queue | null>} null where the reviewer has to open the invitation
 */
async function readQueue(words) {
  for (;;) {
    try {
      await signIn();
      return await api.getQueue();
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      if (!error.isPassing) {
        document.body.dataset.state = "session";
        const text = location.hash === "" ? "notice.session.text" : "notice.session.invalid";
        notice(words.text("notice.session"), error.status === 401 ? words.text(text) : words.problem(error.problem));
        return null;
      }
      notice(words.text("notice.server"), words.text("notice.server.text", { error: words.problem(error.problem) }));
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function start() {
  preferences.setTheme(preferences.theme());
  const words = await Words.load(preferences.language());
  document.documentElement.lang = words.language;
  words.apply(document);
  notice(words.text("notice.loading"), "");
  // Another invitation opened in this tab changes nothing but the fragment.
  addEventListener("hashchange", () => location.reload());
  const queue = await readQueue(words);
  if (queue) await new ReviewPage(queue, words).start();
}

start().catch((error) => {
  notice("groundloop", String(error));
  document.body.dataset.state = "error";
  throw error;
});
