// Pictures from the server: the newest that is wanted, one at a time, and those that came before.

// Pixels that are kept, at four bytes each.
const KEPT_PIXELS = 48e6;
export const CLIENT = Array.from(crypto.getRandomValues(new Uint32Array(3)), (n) => n.toString(36)).join("");

export class Failure extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

// A page's address with what is asked for; a failure has the server's sentence.
export async function ask(path, values = {}, options = {}) {
  const response = await fetch(`${path}?${new URLSearchParams(values)}`, options);
  if (!response.ok) {
    const said = await response.json().catch(() => ({}));
    throw new Failure(response.status, said.detail || `the server answered ${response.status}`);
  }
  return response;
}

class Kept {
  constructor() {
    this.entries = new Map();
    this.pixels = 0;
  }

  get(key) {
    const entry = this.entries.get(key);
    if (entry) {
      this.entries.delete(key);
      this.entries.set(key, entry);
    }
    return entry;
  }

  put(key, entry) {
    this.entries.set(key, entry);
    this.pixels += entry.size;
    for (const [oldest, old] of this.entries) {
      if (this.pixels <= KEPT_PIXELS || oldest === key) break;
      this.entries.delete(oldest);
      this.pixels -= old.size; // what is still shown stays until then: memory goes with the last reference
    }
  }
}

const kept = new Kept();

// What one part of the page shows. While one request is under way, only the newest wish is remembered.
export class Loader {
  constructor(pane, path, read, arrived, failed) {
    Object.assign(this, { pane, path, read, arrived, failed, wish: null, busy: false });
  }

  key(values, version) {
    return JSON.stringify([this.path, values, version]);
  }

  has(values, version) {
    return kept.entries.has(this.key(values, version));
  }

  // Show this as soon as it is there; `quiet` only fetches it for later.
  want(values, version, quiet = false) {
    const key = this.key(values, version);
    const found = kept.get(key);
    if (found) {
      if (!quiet) {
        this.wish = null;
        this.arrived(found, values);
      }
      return;
    }
    if (this.busy && quiet) return;
    this.wish = { values, version, key, quiet };
    if (!this.busy) this.run();
  }

  async run() {
    this.busy = true;
    while (this.wish) {
      const { values, key, quiet } = this.wish;
      this.wish = null;
      try {
        const response = await ask(this.path, { ...values, client: CLIENT, pane: this.pane });
        const entry = await this.read(response);
        kept.put(key, entry);
        if (!quiet) this.arrived(entry, values);
      } catch (failure) {
        if (!(failure instanceof Failure) || failure.status !== 409) this.failed(failure, values, quiet);
      }
    }
    this.busy = false;
  }
}

export async function readPicture(response) {
  const label = decodeURIComponent(response.headers.get("x-shown") || "");
  const longest = Number(response.headers.get("x-longest"));
  // As the bytes say: values under the cursor are those of the file.
  const bitmap = await createImageBitmap(await response.blob(), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  return { bitmap, label, longest, size: bitmap.width * bitmap.height, values: null };
}

export async function readArrows(response) {
  const { step, longest, arrows } = await response.json();
  return { step, longest, arrows, size: arrows.length };
}

// Red, green and blue at a pixel of the whole picture's coordinates.
export function valueAt(entry, x, y, width, height) {
  if (!entry.values) {
    const { bitmap } = entry;
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    entry.values = context;
    entry.exact = bitmap.width === width && bitmap.height === height;
  }
  const column = Math.min(entry.bitmap.width - 1, Math.floor((x * entry.bitmap.width) / width));
  const row = Math.min(entry.bitmap.height - 1, Math.floor((y * entry.bitmap.height) / height));
  return [...entry.values.getImageData(column, row, 1, 1).data.slice(0, 3)];
}
