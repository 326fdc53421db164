// PSNR over time: a line for each series, in the colours of style.css, and the limit below which frames are doubtful.

const SVG = "http://www.w3.org/2000/svg";
const EXACT = 100; // dB: an exact frame, which isn't drawn
const ROOM = 4; // pixels above and below

function made(name, values, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

export class Plot {
  // `to` is the largest x; `inset` is how far the line ends from either side; `axis` names what is below, if anything.
  constructor(svg, { to, limit, inset = 0, axis = null }) {
    Object.assign(this, { svg, to, limit, inset, axis, series: [] });
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  // Each series has a name, a class and points {x, psnr, said}; where `gap` lies between two, the line is broken.
  show(series, gap = Infinity) {
    Object.assign(this, { series, gap });
    this.draw();
  }

  get range() {
    const all = this.series.flatMap(({ points }) => points.map(({ psnr }) => psnr)).filter((psnr) => psnr < EXACT);
    if (!all.length) return null;
    const least = Math.min(...all), most = Math.max(...all), near = least < this.limit + 5;
    const low = 5 * Math.floor(Math.min(least, near ? this.limit : least) / 5);
    return [low, Math.max(low + 5, 5 * Math.ceil(Math.max(most, near ? this.limit : most) / 5))];
  }

  draw() {
    const { svg, range, inset } = this, { width, height } = svg.getBoundingClientRect();
    svg.replaceChildren();
    if (!range || !width) return;
    const below = this.axis ? 34 : 0, [low, high] = range;
    const x = (at) => inset + ((width - 2 * inset) * at) / Math.max(this.to, 1e-9);
    const y = (psnr) => ROOM + (height - below - 2 * ROOM) * (1 - (psnr - low) / (high - low));
    const every = [5, 10, 20, 50].find((n) => ((height - below) * n) / (high - low) >= 16) ?? high - low;
    for (let psnr = Math.ceil(low / every) * every; psnr <= high; psnr += every) {
      svg.append(made("line", { class: "grid", x1: 0, x2: width, y1: y(psnr), y2: y(psnr) }));
      svg.append(made("text", { x: 2, y: Math.max(y(psnr) - 2, 10) }, `${psnr} dB`));
    }
    if (this.limit > low && this.limit < high) {
      svg.append(made("line", { class: "limit", x1: 0, x2: width, y1: y(this.limit), y2: y(this.limit) }));
    }
    if (this.axis) this.drawAxis(x, height - below, height);
    for (const { style, points } of this.series) {
      const seen = points.filter(({ psnr }) => psnr < EXACT);
      const path = seen.map((p, k) => `${k && p.x - seen[k - 1].x <= this.gap ? "L" : "M"}${x(p.x)} ${y(p.psnr)}`);
      if (path.length) svg.append(made("path", { class: `series ${style}`, d: path.join("") }));
      for (const p of seen) {
        const dot = made("circle", { class: `series ${style}`, cx: x(p.x), cy: y(p.psnr), r: p.psnr < this.limit ? 3.5 : 2 });
        dot.append(made("title", {}, p.said));
        svg.append(dot);
      }
    }
  }

  drawAxis(x, top, bottom) {
    const every = [1, 2, 5].flatMap((n) => [-3, -2, -1, 0, 1, 2, 3, 4, 5].map((e) => n * 10 ** e)).sort((a, b) => a - b);
    const step = every.find((n) => x(n) - x(0) >= 56) ?? this.to;
    for (let k = 0; k * step <= this.to; k += 1) {
      this.svg.append(made("line", { class: "grid", x1: x(k * step), x2: x(k * step), y1: top, y2: top + 4 }));
      this.svg.append(made("text", { x: x(k * step), y: top + 16, "text-anchor": "middle" }, Number((k * step).toFixed(6))));
    }
    this.svg.append(made("text", { x: (x(0) + x(this.to)) / 2, y: bottom - 2, "text-anchor": "middle" }, this.axis));
  }
}
