// The picture, or two, on one canvas: zoom, pan, divider; colours and arrows over it.

const MOST = 64; // screen pixels for one of the picture
const PIXELATED = 2; // from this zoom on pixels are squares

export class Stage {
  constructor(element, canvas, about, changed) {
    Object.assign(this, { element, canvas, about, changed });
    this.context = canvas.getContext("2d");
    this.left = this.right = this.arrows = this.cursor = null;
    this.over = { left: null, right: null }; // colours over either side: an entry and its opacity
    this.layout = "single"; // or divider, side
    this.split = 0.5;
    this.zoom = null; // null: the whole picture
    this.center = [about.width / 2, about.height / 2];
    new ResizeObserver(() => this.resize()).observe(element);
    this.resize();
    this.listen();
  }

  resize() {
    const { width, height } = this.element.getBoundingClientRect();
    this.dpr = window.devicePixelRatio || 1;
    this.width = width;
    this.height = height;
    this.canvas.width = Math.round(width * this.dpr);
    this.canvas.height = Math.round(height * this.dpr);
    this.draw();
    this.changed();
  }

  get regions() {
    const { width: w, height: h } = this;
    if (this.layout !== "side") return [{ x: 0, y: 0, w, h }];
    return [{ x: 0, y: 0, w: w / 2 - 1, h }, { x: w / 2 + 1, y: 0, w: w / 2 - 1, h }];
  }

  get fitted() {
    const { w, h } = this.regions[0];
    return Math.max(1e-3, Math.min(w / (this.about.width * this.about.aspect), h / this.about.height));
  }

  get scale() {
    return this.zoom ?? this.fitted;
  }

  // Where the picture lies in a region, in screen pixels.
  place(region) {
    const sy = this.scale, sx = sy * this.about.aspect;
    return { x: region.x + region.w / 2 - this.center[0] * sx, y: region.y + region.h / 2 - this.center[1] * sy, sx, sy };
  }

  // The pixel under a place on the screen, and which picture it belongs to.
  pixel(x, y) {
    const which = this.layout === "side" && x > this.width / 2 ? 1 : 0;
    const p = this.place(this.regions[which]);
    const column = Math.floor((x - p.x) / p.sx), row = Math.floor((y - p.y) / p.sy);
    const inside = column >= 0 && row >= 0 && column < this.about.width && row < this.about.height;
    return inside ? { column, row, which } : null;
  }

  zoomTo(scale, x = this.width / 2, y = this.height / 2) {
    const region = this.regions[this.layout === "side" && x > this.width / 2 ? 1 : 0];
    const before = this.place(region);
    const at = [(x - before.x) / before.sx, (y - before.y) / before.sy];
    this.zoom = Math.min(MOST, Math.max(this.fitted, scale));
    if (scale <= this.fitted) return this.fit();
    const sy = this.zoom, sx = sy * this.about.aspect;
    this.center = [at[0] - (x - region.x - region.w / 2) / sx, at[1] - (y - region.y - region.h / 2) / sy];
    this.moved();
  }

  fit() {
    this.zoom = null;
    this.center = [this.about.width / 2, this.about.height / 2];
    this.moved();
  }

  pan(dx, dy) {
    if (this.zoom === null) return;
    const sy = this.scale;
    this.center = [this.center[0] - dx / (sy * this.about.aspect), this.center[1] - dy / sy];
    this.moved();
  }

  moved() {
    // No empty border beside a picture that is larger than its part of the screen.
    const clamp = (v, side, seen) => (seen >= side ? side / 2 : Math.min(side - seen / 2, Math.max(seen / 2, v)));
    const { w, h } = this.regions[0], sy = this.scale, sx = sy * this.about.aspect;
    this.center = [clamp(this.center[0], this.about.width, w / sx), clamp(this.center[1], this.about.height, h / sy)];
    this.draw();
    this.changed();
  }

  listen() {
    const { canvas } = this;
    let held = null;
    canvas.addEventListener("wheel", (event) => {
      if (this.about.scrolls && !event.ctrlKey) return; // the page itself
      event.preventDefault();
      const { x, y } = this.at(event);
      this.zoomTo(this.scale * Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), x, y);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      held = this.at(event);
      canvas.setPointerCapture(event.pointerId);
      canvas.classList.add("held");
    });
    canvas.addEventListener("pointermove", (event) => {
      const now = this.at(event);
      if (held) {
        this.pan(now.x - held.x, now.y - held.y);
        held = now;
      }
      this.cursor = now;
      this.draw();
      this.changed();
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, () => {
        held = null;
        canvas.classList.remove("held");
      });
    }
    canvas.addEventListener("pointerleave", () => {
      this.cursor = null;
      this.draw();
      this.changed();
    });
    canvas.addEventListener("dblclick", () => this.fit());
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  draw() {
    const { context: c, dpr } = this;
    c.setTransform(dpr, 0, 0, dpr, 0, 0);
    c.clearRect(0, 0, this.width, this.height);
    const [first, second] = this.regions;
    if (this.layout === "divider") {
      const x = this.split * this.width;
      this.drawOne("right", { x, y: 0, w: this.width - x, h: this.height }, first);
      this.drawOne("left", { x: 0, y: 0, w: x, h: this.height }, first);
    } else {
      this.drawOne("left", first, first);
      if (second) this.drawOne("right", second, second);
    }
    this.drawCursor();
  }

  drawOne(side, clip, region) {
    const { context: c, about } = this, entry = this[side], over = this.over[side];
    c.save();
    c.beginPath();
    c.rect(clip.x, clip.y, clip.w, clip.h);
    c.clip();
    const p = this.place(region);
    if (entry) {
      c.imageSmoothingEnabled = p.sy * this.dpr < PIXELATED;
      c.imageSmoothingQuality = "high";
      c.drawImage(entry.bitmap, p.x, p.y, about.width * p.sx, about.height * p.sy);
    }
    if (over) {
      c.globalAlpha = over.opacity;
      c.drawImage(over.entry.bitmap, p.x, p.y, about.width * p.sx, about.height * p.sy);
      c.globalAlpha = 1;
    }
    if (side === "left" && this.arrows) this.drawArrows(p);
    c.restore();
  }

  // How many times their length arrows are drawn, so that the longest reach about one and a half steps.
  get stretch() {
    return this.arrows ? 2 ** Math.round(Math.log2((1.5 * this.arrows.step) / this.arrows.longest)) : 1;
  }

  drawArrows(p) {
    const { context: c, stretch } = this;
    const path = new Path2D();
    for (const [x, y, u, v] of this.arrows.arrows) {
      const x0 = p.x + (x + 0.5) * p.sx, y0 = p.y + (y + 0.5) * p.sy;
      const dx = u * stretch * p.sx, dy = v * stretch * p.sy, length = Math.hypot(dx, dy);
      if (length < 2) {
        path.moveTo(x0 + 1, y0);
        path.arc(x0, y0, 1, 0, 2 * Math.PI);
        continue;
      }
      const head = Math.min(5, length / 2), ux = dx / length, uy = dy / length;
      path.moveTo(x0, y0);
      path.lineTo(x0 + dx, y0 + dy);
      path.lineTo(x0 + dx - head * (ux + 0.6 * uy), y0 + dy - head * (uy - 0.6 * ux));
      path.moveTo(x0 + dx, y0 + dy);
      path.lineTo(x0 + dx - head * (ux - 0.6 * uy), y0 + dy - head * (uy + 0.6 * ux));
    }
    // Dark around light can be seen on every picture.
    for (const [color, width] of [["rgb(0 0 0 / .75)", 3], ["#fff", 1.25]]) {
      c.strokeStyle = color;
      c.lineWidth = width;
      c.stroke(path);
    }
  }

  drawCursor() {
    const { context: c, cursor } = this;
    const at = cursor && this.scale >= 6 ? this.pixel(cursor.x, cursor.y) : null;
    if (!at) return;
    for (const region of this.regions) {
      const p = this.place(region);
      for (const [color, grow] of [["#000", 1], ["#fff", 0]]) {
        c.strokeStyle = color;
        c.lineWidth = 1;
        c.strokeRect(p.x + at.column * p.sx - grow, p.y + at.row * p.sy - grow, p.sx + 2 * grow, p.sy + 2 * grow);
      }
    }
  }
}
