// How good the field is at each time: what to expect, and what is true where that is known. Asked for while nothing
// else is, around the time that is looked at, so that of a long clip only that part is computed.
import { ask, CLIENT } from "./frames.js";
import { Plot } from "./plot.js";

export const LIMIT = 30; // dB, below which the server calls a frame doubtful
const AROUND = 120; // intervals

export class Accuracy {
  constructor(about, timeline, svg) {
    Object.assign(this, { about, timeline, known: new Map(), version: null, busy: false, nothing: false });
    const middles = Array.from({ length: timeline.last }, (_, k) => k + 0.5);
    this.times = about.held_out.length ? about.held_out : middles;
    // Two neighbours that are both known are joined.
    this.gap = 1.5;
    this.plot = new Plot(svg, { to: timeline.last, limit: LIMIT, inset: 8 });
  }

  reset(version) {
    Object.assign(this, { version, nothing: false, known: new Map() });
    this.show();
  }

  // The nearest time that isn't known yet.
  next(t) {
    if (this.nothing || this.busy) return undefined;
    const near = (at) => Math.abs(at - t);
    const wanted = this.times.filter((at) => !this.known.has(at) && near(at) <= AROUND);
    return wanted.length ? wanted.reduce((a, b) => (near(b) < near(a) ? b : a)) : undefined;
  }

  async fetch(t) {
    const { version } = this;
    this.busy = true;
    try {
      const told = await (await ask("told", { t, client: CLIENT, pane: "plot" })).json();
      if (version !== this.version) return;
      if (told.expected === null && told.true === null) this.nothing = true;
      this.known.set(t, told);
      this.show();
    } finally {
      this.busy = false;
    }
  }

  show() {
    const known = [...this.known].sort(([a], [b]) => a - b);
    const series = [["expected", "to expect"], ["true", "true"]].map(([kind, words]) => ({
      style: kind,
      points: known.filter(([, told]) => told[kind] !== null).map(([x, told]) => {
        const why = kind === "expected" && told.reason ? `, doubtful: ${told.reason}` : "";
        return { x, psnr: told[kind], said: `${Number(x.toFixed(3))}: ${told[kind].toFixed(1)} dB ${words}${why}` };
      }),
    }));
    const some = series.map(({ points }) => points.length > 0);
    this.plot.svg.toggleAttribute("hidden", !some.includes(true));
    for (const [k, id] of ["key-expected", "key-true"].entries()) document.getElementById(id).hidden = !some[k];
    this.timeline.doubtful = known.filter(([, told]) => told.reason).map(([t]) => t);
    document.getElementById("key-doubtful").hidden = !this.timeline.doubtful.length;
    this.plot.show(series, this.gap);
    this.timeline.draw();
  }

  // What is known nearest to a time, no further away than half an interval, in words.
  words(t) {
    const near = [...this.known].filter(([at]) => Math.abs(at - t) <= 0.5).sort(([a], [b]) => Math.abs(a - t) - Math.abs(b - t))[0];
    if (!near || Number.isInteger(t)) return "";
    const [at, told] = near, parts = [];
    if (told.expected !== null) parts.push(`${told.expected.toFixed(1)} dB to expect`);
    if (told.true !== null) parts.push(`true ${told.true.toFixed(1)} dB`);
    if (told.reason) parts.push(`doubtful: ${told.reason}`);
    return parts.length ? `at ${Number(at.toFixed(3))}: ${parts.join(", ")}` : "";
  }

  // The held-out frame before or after a time; without any, the doubtful one.
  stop(t, direction) {
    const stops = this.about.held_out.length ? this.times : this.timeline.doubtful;
    const further = stops.filter((at) => direction * (at - t) > 1e-3);
    return further.length ? further.reduce((a, b) => (direction * (b - a) < 0 ? b : a)) : undefined;
  }
}
