/**
 * Answers in the browser's IndexedDB. Its transactions are on the disk within milliseconds; localStorage, measured with
 * Chromium, lost the last five seconds when the browser was killed.
 */

/** @import {Answer, Problem} from "./types.js" */
/** @typedef {{answer: Answer, error: Problem | null}} Kept `error` is set where the server rejected the answer */

const STORE = "answers";

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export class AnswerStore {
  /** @param {string} prefix of the keys: one queue and one reviewer */
  constructor(prefix) {
    this.prefix = prefix;
    /** @type {Promise<IDBDatabase> | null} */
    this.opened = null;
  }

  #open() {
    this.opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open("groundloop", 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      result(request).then(resolve, reject);
    });
    return this.opened;
  }

  /**
   * Return all answers kept, in no order.
   * @returns {Promise<Kept[]>}
   */
  async all() {
    const range = IDBKeyRange.bound(this.prefix, `${this.prefix}\uffff`);
    return result((await this.#open()).transaction(STORE).objectStore(STORE).getAll(range));
  }

  /**
   * Keep an answer.
   * @param {Kept} kept
   * @returns {Promise<void>} once it is on the disk
   */
  put(kept) {
    return this.#change((store) => store.put(kept, this.prefix + kept.answer.client_id));
  }

  /**
   * Forget an answer.
   * @param {string} clientId
   * @returns {Promise<void>}
   */
  remove(clientId) {
    return this.#change((store) => store.delete(this.prefix + clientId));
  }

  /** @param {(store: IDBObjectStore) => void} change */
  async #change(change) {
    const transaction = (await this.#open()).transaction(STORE, "readwrite", { durability: "strict" });
    change(transaction.objectStore(STORE));
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(undefined);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
    // A page that closes now would abort it otherwise.
    transaction.commit();
    await done;
  }
}
