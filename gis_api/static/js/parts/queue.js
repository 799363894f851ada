// Edits that the service has not answered yet, kept by the browser so that neither a reload nor a crash loses one. Each
// is written before or while it is sent and goes when it was answered; the database is told to flush it to the disk.
import { config } from "../config.js";

const DATABASE = "wangge-planner";
const STORE = "edits";

// A key of an edit that no other edit has; randomUUID is only there over HTTPS, an intranet may have none.
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Queue {
  constructor(plan) {
    this.plan = String(plan);
    this.person = config.person.name;
    this.database = opened().catch(() => null);
  }

  // Whether what is kept here outlives the window.
  async durable() {
    return (await this.database) !== null;
  }

  // The kept edits of this person in this plan, in the order in which they were made.
  async list() {
    const all = (await this.ask("readonly", (store) => store.getAll())) ?? [];
    return all
      .filter(({ plan, person }) => plan === this.plan && person === this.person)
      .sort((a, b) => a.at - b.at || a.number - b.number);
  }

  keep(entry) {
    return this.ask("readwrite", (store) => store.put({ ...entry, plan: this.plan, person: this.person }));
  }

  drop(key) {
    return this.ask("readwrite", (store) => store.delete(key));
  }

  // One request in a transaction of its own, done when it is on the disk. Without a database, or with a full one,
  // nothing is kept beyond this window: `durable` tells so.
  async ask(mode, request) {
    const database = await this.database;
    if (!database) return null;
    try {
      return await inTransaction(database, mode, request);
    } catch (failure) {
      console.warn("an edit could not be kept by the browser", failure);
      this.database = Promise.resolve(null);
      return null;
    }
  }
}

function inTransaction(database, mode, request) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode, { durability: "strict" });
    const asked = request(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(asked.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error);
  });
}
