// The line of time: its marks, seconds and intervals, and playing.

const THUMB = 16; // as in viewer.css

export class Timeline {
  constructor(about, canvas, input) {
    Object.assign(this, { about, canvas, input, cuts: [], doubtful: [], part: null });
    this.last = about.frames - 1;
    input.max = this.last;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.draw();
  }

  // Frames may lie at uneven times.
  seconds(t) {
    const { times } = this.about, k = Math.min(Math.floor(t), this.last - 1);
    return this.last ? times[k] + (t - k) * (times[k + 1] - times[k]) : 0;
  }

  intervals(seconds) {
    const { times } = this.about;
    let low = 0, high = this.last;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle] <= seconds) low = middle;
      else high = middle;
    }
    return this.last ? low + Math.min(1, Math.max(0, (seconds - times[low]) / (times[high] - times[low]))) : 0;
  }

  get bounds() {
    return this.part ?? [0, this.last];
  }

  draw() {
    const { canvas, last } = this, dpr = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
    canvas.width = Math.round(box.width * dpr);
    canvas.height = Math.round(box.height * dpr);
    const c = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(`--${name}`).trim();
    c.scale(dpr, dpr);
    const { width, height } = box, middle = height / 2 + 4;
    const at = (t) => THUMB / 2 + ((width - THUMB) * t) / Math.max(last, 1);
    c.fillStyle = color("edge");
    c.fillRect(at(0), middle - 1, width - THUMB, 2);
    if (this.part) {
      c.fillStyle = color("part");
      c.fillRect(at(this.part[0]), middle - 5, Math.max(2, at(this.part[1]) - at(this.part[0])), 10);
    }
    c.fillStyle = color("observed");
    // Of more frames than there is room for, every 2nd, 5th, 10th ...
    const room = (width - THUMB) / Math.max(last, 1);
    const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 20000].find((n) => n * room >= 5) ?? last;
    for (let k = 0; k <= last; k += every) c.fillRect(at(k) - 1, middle - 9, 2, 18);
    // Each stands for what lies around it, so that a run of doubtful frames is one bar.
    c.fillStyle = color("doubtful");
    for (const t of this.doubtful) c.fillRect(at(Math.max(0, t - 0.5)), height - 6, Math.max(2, at(1) - at(0)), 5);
    c.fillStyle = color("cut");
    for (const cut of this.cuts) {
      const x = at(cut);
      c.beginPath();
      c.moveTo(x - 5, 2);
      c.lineTo(x + 5, 2);
      c.lineTo(x, 11);
      c.fill();
      c.fillRect(x - 1, 8, 2, height - 8);
    }
  }
}

export class Player {
  // `advance` is called with each new time; `quantum` is how fine these are.
  constructor(timeline, advance) {
    Object.assign(this, { timeline, advance, speed: 1, playing: false, position: 0, before: 0 });
    this.tick = this.tick.bind(this);
  }

  get quantum() {
    // No finer than the screen shows, so that a loop finds again what it drew; a power of two.
    const perScreen = (this.timeline.about.rate * this.speed) / 60;
    return 2 ** Math.min(-2, Math.max(-5, Math.round(Math.log2(perScreen))));
  }

  toggle(t) {
    this.playing = !this.playing;
    if (!this.playing) return;
    const [begin, end] = this.timeline.bounds;
    this.position = this.timeline.seconds(t >= end || t < begin ? begin : t);
    this.before = performance.now();
    requestAnimationFrame(this.tick);
  }

  tick(now) {
    if (!this.playing) return;
    const { timeline } = this, [begin, end] = timeline.bounds.map((t) => timeline.seconds(t));
    this.position += (Math.max(0, now - this.before) / 1000) * this.speed;
    this.before = now;
    if (this.position > end) this.position = end > begin ? begin + ((this.position - begin) % (end - begin)) : begin;
    this.advance(this.rounded(this.position));
    requestAnimationFrame(this.tick);
  }

  rounded(seconds) {
    const { quantum } = this, t = Math.round(this.timeline.intervals(seconds) / quantum) * quantum;
    const [begin, end] = this.timeline.bounds;
    return Math.min(end, Math.max(begin, t));
  }

  // The times of the next moments, to be drawn ahead.
  *coming(seconds) {
    const { timeline } = this, [begin, end] = timeline.bounds;
    let t = this.rounded(this.position);
    for (let passed = 0; passed < seconds * timeline.about.rate * this.speed; passed += this.quantum) {
      t = t + this.quantum > end ? begin : t + this.quantum;
      yield t;
    }
  }
}
