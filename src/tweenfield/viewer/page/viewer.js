// The page: what is shown, its controls and keys.
import { Accuracy } from "./accuracy.js";
import { Divider } from "./divider.js";
import { ask, Failure, Loader, readArrows, readPicture, valueAt } from "./frames.js";
import { Stage } from "./stage.js";
import { Player, Timeline } from "./timeline.js";

const STEP = 1 / 16;
const FINEST = 1 / 256; // of an interval, while dragging
const COARSE = 1 / 4; // where a field that has never drawn this interval is fastest
const REST = 180; // ms after which a large picture is fetched without loss
const LARGE = 5e5; // pixels: above, JPEG while it moves
const POLL = { busy: 400, idle: 2000 };
const $ = (id) => document.getElementById(id);

// The token was for this page; the cookie that came with it is for the rest.
history.replaceState(null, "", "/");

// Colours over the picture, of which one is shown at a time, and how they cover it.
const OVERLAYS = { flow: 0.6, expected: 0.75, true: 0.75 };

let about, stage, timeline, player, accuracy;
const now = { t: 0, compare: "", layout: "divider", over: "", arrows: false, moving: false, height: 0 };
const shown = { left: null, right: null };
let state = { version: 0, fit: null, cuts: null };
let restTimer = 0, alive = true;
const arrivals = [];

// ---- asking for pictures

const loaders = {};
const failedOn = (side) => (failure, values, quiet) => {
  if (!(failure instanceof Failure)) return gone();
  if (quiet) return;
  if (side === "right" && player.playing) play(); // one side can't go on without the other
  chip(side, failure.message, true);
  if (side === "right") stage.right = null;
  else stage.left = null;
  stage.draw();
};
loaders.left = new Loader("left", "frame", readPicture, (entry, values) => arrived("left", entry, values), failedOn("left"));
loaders.right = new Loader("right", "frame", readPicture, (entry, values) => arrived("right", entry, values), failedOn("right"));
loaders.flow = new Loader("flow", "flow", readPicture, (entry) => overlaid("flow", "left", entry), overlayFailed("flow", "left"));
loaders.arrows = new Loader("arrows", "arrows", readArrows, arrowsArrived, overlayFailed("arrows"));
loaders.expected = new Loader("over", "error", readPicture, (entry) => overlaid("expected", "left", entry), overlayFailed("expected", "left"));
loaders.true = new Loader("over", "error", readPicture, (entry) => overlaid("true", "left", entry), overlayFailed("true", "left"));
loaders.trueRight = new Loader("overright", "error", readPicture, (entry, { what }) => {
  if (what === now.compare) overlaid("true", "right", entry);
}, overlayFailed("true", "right"));

// As high as the screen shows, in halves of the picture's height.
function height() {
  const needed = about.height * stage.scale * stage.dpr;
  let high = about.height;
  while (high / 2 >= needed && high / 2 >= 64) high = Math.ceil(high / 2);
  return high;
}

function values(what, t) {
  const high = height(), large = high * about.width * (high / about.height) > LARGE;
  return { what, t, height: high, format: now.moving && large ? "jpeg" : "png" };
}

function fetchShown() {
  // Of frames that are new it stops at few times, which are ready sooner, for a first look where flow is still to be
  // estimated; the exact picture follows at rest.
  const t = now.fast ? Math.round(now.t / COARSE) * COARSE : now.t;
  // While it plays, both sides show the same time: the next is asked for when both are there.
  if (paired() && busy() && !sides().every(([side, what, version]) => loaders[side].has(values(what, t), version))) return;
  loaders.left.want({ ...values("field", t), ...(now.fast ? { first: true } : {}) }, state.version);
  if (now.compare) loaders.right.want(values(now.compare, t), 0);
  if (now.over === "flow") loaders.flow.want({ t, height: height() }, 0);
  const error = { kind: now.over, t, height: height() };
  if (now.over === "expected") loaders.expected.want({ ...error, what: "field" }, state.version);
  if (now.over === "true") {
    loaders.true.want({ ...error, what: "field" }, state.version);
    if (now.compare && now.compare !== "truth") loaders.trueRight.want({ ...error, what: now.compare }, 0);
  }
  if (now.arrows) loaders.arrows.want({ t }, 0);
}

function sides() {
  return [["left", "field", state.version], ...(now.compare ? [["right", now.compare, 0]] : [])];
}

function busy() {
  return loaders.left.busy || loaders.right.busy;
}

function fetchAhead() {
  if (busy()) return;
  for (const [side, what, version] of sides()) {
    for (const t of player.coming(1.5)) {
      if (loaders[side].has(values(what, t), version)) continue;
      loaders[side].want(values(what, t), version, true);
      break;
    }
  }
}

function paired() {
  return player.playing && now.compare !== "";
}

const waiting = { left: null, right: null };
function arrived(side, entry, wanted) {
  if (side === "right" && wanted.what !== now.compare) return;
  waiting[side] = { entry, wanted };
  if (paired() && waiting.left?.wanted.t !== waiting.right?.wanted.t) return;
  for (const each of paired() ? ["left", "right"] : [side]) show(each, waiting[each].entry, waiting[each].wanted);
}

function show(side, entry, { t }) {
  stage[side] = shown[side] = entry;
  stage.canvas.dataset[side] = t;
  chip(side, entry.label, false);
  if (side === "left") {
    arrivals.push(performance.now());
    stage.canvas.setAttribute("aria-label", now.compare ? `${entry.label}; beside it ${$("right").textContent}` : entry.label);
  }
  stage.draw();
  showValues();
}

// ---- what lies over the picture

function overlaid(kind, side, entry) {
  if (now.over !== kind) return;
  stage.over[side] = { entry, opacity: OVERLAYS[kind] };
  stage.draw();
  showLegend();
  showValues();
}

function arrowsArrived(entry) {
  if (!now.arrows) return;
  stage.arrows = entry;
  stage.draw();
  showLegend();
}

function overlayFailed(kind, side) {
  return (failure) => {
    if (!(failure instanceof Failure)) return gone();
    if (kind !== "arrows" && now.over !== kind) return;
    if (side) stage.over[side] = null;
    stage.draw();
    showLegend();
    if (side === "left" || !side) say(failure.message);
  };
}

function showLegend() {
  const { left, right } = stage.over, parts = [];
  if (now.over === "flow" && left) parts.push(`full colour: ${left.entry.longest} px an interval`);
  else for (const over of [left, right]) if (over) parts.push(over.entry.label);
  const times = stage.stretch === 1 ? "at" : `${stage.stretch} times`;
  if (now.arrows && stage.arrows) parts.push(`arrows ${times} their length in an interval`);
  $("scale").textContent = parts.join("\n");
  $("wheel").hidden = now.over !== "flow" || !left;
  $("levels").hidden = now.over === "flow" || !(left || right);
  $("legend").hidden = !parts.length;
}

function toggleOver(kind) {
  now.over = now.over === kind ? "" : kind;
  for (const each of Object.keys(OVERLAYS)) $(each).setAttribute("aria-pressed", now.over === each);
  stage.over = { left: null, right: null };
  stage.draw();
  showLegend();
  fetchShown();
}

function toggleArrows() {
  now.arrows = !now.arrows;
  $("arrows").setAttribute("aria-pressed", now.arrows);
  stage.arrows = null;
  stage.draw();
  showLegend();
  fetchShown();
}

// ---- time

function setTime(t, { moving = false } = {}) {
  const before = now.t;
  now.t = Math.min(timeline.last, Math.max(0, t));
  now.moving = moving;
  now.fast = !player.playing && Math.abs(now.t - before) > 0.5 && !loaders.left.has(values("field", now.t), state.version);
  const { scrub } = timeline.elements;
  scrub.value = now.t;
  const seconds = timeline.seconds(now.t).toFixed(3);
  showTold();
  if (document.activeElement !== $("time") || !typing) $("time").value = Number(now.t.toFixed(4));
  $("clock").textContent = `of ${timeline.last} · ${seconds} s`;
  showSave();
  fetchShown();
  clearTimeout(restTimer);
  if (!player.playing) restTimer = setTimeout(rest, REST);
}

function rest() {
  now.moving = now.fast = false;
  fetchShown();
  restTimer = setTimeout(fetchAround, REST);
}

// What the arrow keys lead to is drawn before it is asked for, then the plot is filled, unless a fit needs the
// processor.
function fetchAround() {
  if (fitting() || player.playing) return;
  if (loaders.left.busy) {
    restTimer = setTimeout(fetchAround, REST);
    return;
  }
  const places = [now.t + STEP, now.t - STEP, now.t + 1, now.t - 1].filter((t) => t >= 0 && t <= timeline.last);
  const t = places.find((t) => !loaders.left.has(values("field", t), state.version));
  if (t === undefined || height() * height() * (about.width / about.height) > LARGE) return fillPlot();
  loaders.left.want(values("field", t), state.version, true);
  restTimer = setTimeout(fetchAround, REST);
}

async function fillPlot() {
  const t = state.field && accuracy.next(now.t);
  if (t === null || t === undefined) return;
  try {
    await accuracy.fetch(t);
  } catch (failure) {
    if (!(failure instanceof Failure)) return gone();
    if (failure.status !== 409) return;
  }
  showTold();
  clearTimeout(restTimer);
  restTimer = setTimeout(fetchAround, 0);
}

function showTold() {
  $("told").textContent = accuracy.words(now.t);
  const { scrub } = timeline.elements, seconds = timeline.seconds(now.t).toFixed(3);
  const told = $("told").textContent && `, ${$("told").textContent}`;
  scrub.setAttribute("aria-valuetext", `${now.t.toFixed(3)} of ${timeline.last} intervals, ${seconds} seconds${told}`);
}

function jump(direction) {
  const t = accuracy.stop(now.t, direction);
  if (t !== undefined) setTime(t);
  else say(about.held_out.length ? "no held-out frame there" : "no doubtful frame is known there");
}

function fitting() {
  return state.fit && ["preparing", "fitting", "stopping"].includes(state.fit.phase);
}

let typing = false;

// From a time between to the next one on the grid of steps.
function step(direction, size) {
  if (player.playing) play();
  const places = now.t / size, near = Math.round(places);
  const onGrid = Math.abs(places - near) < 1e-6;
  const next = onGrid ? near + direction : direction > 0 ? Math.ceil(places) : Math.floor(places);
  setTime(next * size);
}

function play() {
  player.toggle(now.t);
  $("play").textContent = player.playing ? "Pause" : "Play";
  $("play").setAttribute("aria-pressed", player.playing);
  arrivals.length = 0;
  if (!player.playing) rest();
}

function setPart(which) {
  let [begin, end] = timeline.part ?? [0, timeline.last];
  if (which === "in") [begin, end] = [now.t, end > now.t ? end : timeline.last];
  if (which === "out") [begin, end] = [begin < now.t ? begin : 0, now.t];
  timeline.part = which === "clear" || end <= begin ? null : [begin, end];
  $("clear").disabled = !timeline.part;
  timeline.draw();
  if (which === "clear") say("no loop");
  else say(timeline.part ? `loop from ${begin.toFixed(3)} to ${end.toFixed(3)}` : "a loop needs an end after its beginning");
}

// ---- what is compared, and how

function compare(name) {
  now.compare = name;
  $("compare").value = name;
  shown.right = stage.right = stage.over.right = null;
  chip("right", name ? "…" : "", false);
  setLayout(now.layout);
  if (name) fetchShown();
}

function setLayout(layout) {
  now.layout = layout;
  stage.layout = now.compare ? layout : "single";
  $("layout-divider").setAttribute("aria-pressed", layout === "divider");
  $("layout-side").setAttribute("aria-pressed", layout === "side");
  $("right").hidden = !now.compare;
  $("divider").hidden = stage.layout !== "divider";
  stage.moved();
}

// ---- words on the page

function chip(side, text, failed) {
  $(side).textContent = text;
  $(side).classList.toggle("failed", failed);
}

let saidTimer = 0;
function say(text) {
  $("said").textContent = text;
  clearTimeout(saidTimer);
  saidTimer = setTimeout(() => ($("said").textContent = ""), 4000 + 40 * text.length);
}

function showValues() {
  const focused = document.activeElement === stage.canvas;
  const cursor = stage.cursor ?? (focused ? { x: stage.width / (stage.layout === "side" ? 4 : 2), y: stage.height / 2 } : null);
  const at = cursor && stage.pixel(cursor.x, cursor.y);
  $("values").hidden = !at || !shown.left;
  if (!at || !shown.left) return;
  const lines = [`x ${at.column}  y ${at.row}`];
  for (const side of ["left", "right"]) {
    if (!shown[side] || !stage[side]) continue;
    const rgb = valueAt(shown[side], at.column + 0.5, at.row + 0.5, about.width, about.height);
    const reduced = shown[side].exact ? "" : "  (reduced; zoom in)";
    lines.push(`${rgb.map((v) => String(v).padStart(3)).join(" ")}  ${$(side).textContent}${reduced}`);
    if (stage.over[side] && now.over !== "flow") lines.push(errorAt(stage.over[side].entry, at));
  }
  $("values").textContent = lines.join("\n");
}

// The error under the cursor, found again from its colour; the legend has them all.
const steps = new Map();
function errorAt(entry, { column, row }) {
  if (!steps.size) {
    const canvas = new OffscreenCanvas(256, 1), context = canvas.getContext("2d");
    context.drawImage($("levels-scale"), 0, 0, 256, 1);
    const { data } = context.getImageData(0, 0, 256, 1);
    for (let k = 0; k < 256; k += 1) steps.set(data.slice(4 * k, 4 * k + 3).join(), k);
  }
  const step = steps.get(valueAt(entry, column + 0.5, row + 0.5, about.width, about.height).join());
  const levels = (step * 32) / 255;
  return `${(step === 255 ? "32 or more" : levels.toFixed(1)).padStart(11)}  ${entry.label}`;
}

function showSave() {
  const link = $("save");
  link.href = `frame?${new URLSearchParams({ what: "field", t: now.t, format: "png", save: true })}`;
}

function moved() {
  if (!player) return; // the stage tells of its first size before there is a page around it
  $("zoom").textContent = `${Math.round(100 * stage.scale)} %`;
  showValues();
  if (height() !== now.height) {
    now.height = height();
    fetchShown();
  }
}

async function copy() {
  try {
    const part = timeline.part ? { begin: timeline.part[0], end: timeline.part[1] } : {};
    const { command } = await (await ask("command", { speed: $("speed").value, ...part })).json();
    try {
      await navigator.clipboard.writeText(command);
      say(`copied: ${command}`);
    } catch {
      say(command); // to be selected by hand
    }
  } catch (failure) {
    if (failure instanceof Failure) say(failure.message);
    else gone();
  }
}

// ---- the fit, and whether the server is there

function showFit() {
  const { fit } = state;
  $("fit").hidden = !fit || (fit.phase === "done" && !fit.error);
  if (!fit) return;
  const names = {
    preparing: "Preparing the fit", fitting: fit.stage === "teacher" ? "Fitting the teacher" : "Fitting",
    stopping: "Stopping", stopped: "Stopped", failed: "The fit failed",
  };
  const phase = names[fit.phase] ?? fit.phase;
  if ($("fit-phase").textContent !== phase) $("fit-phase").textContent = phase;
  const bar = $("fit-bar");
  if (fit.steps) {
    bar.max = fit.steps;
    bar.value = fit.step;
  } else bar.removeAttribute("value");
  bar.hidden = fit.phase === "failed" || (fit.phase === "stopped" && !fit.steps);
  const facts = fit.steps ? [`step ${fit.step} of ${fit.steps}`] : [];
  if (fit.rate && fit.phase === "fitting") facts.push(`${fit.rate} steps/s`, `${Math.ceil(fit.seconds_left)} s left`);
  if (fit.steps) facts.push(`${fit.psnr} dB`);
  if (fit.phase === "stopped" && !state.field) facts.push("before there was a field: observed frames are shown");
  $("fit-facts").textContent = fit.error || facts.join(" · ");
  $("stop").hidden = !["preparing", "fitting"].includes(fit.phase);
}

function take(fresh) {
  const changed = fresh.version !== state.version;
  const first = state.cuts === null && fresh.cuts !== null;
  state = fresh;
  if (first) {
    timeline.cuts = fresh.cuts;
    timeline.draw();
    $("mark-cut").hidden = $("key-cut").hidden = !fresh.cuts.length;
  }
  showFit();
  if (!changed) return;
  accuracy.reset(state.version);
  fetchShown();
  clearTimeout(restTimer);
  restTimer = setTimeout(fetchAround, REST);
}

function gone() {
  if (!alive) return;
  alive = false;
  $("alert").hidden = false;
  $("alert").textContent = "The viewer's server has stopped, so nothing new can be drawn. Start 'tweenfield view' again and open the address that it prints.";
  if (player?.playing) play();
}

async function poll() {
  try {
    take(await (await ask("state")).json());
    if (!alive) {
      alive = true;
      $("alert").hidden = true;
      fetchShown();
    }
  } catch {
    gone();
  }
  setTimeout(poll, fitting() || state.cuts === null ? POLL.busy : POLL.idle);
}

setInterval(() => {
  const since = performance.now() - 2000;
  while (arrivals.length && arrivals[0] < since) arrivals.shift();
  if ($("drawn")) $("drawn").textContent = player?.playing ? `${(arrivals.length / 2).toFixed(0)} pictures a second` : "";
}, 500);

// ---- controls and keys

function listen() {
  const on = (id, event, act) => $(id).addEventListener(event, act);
  const { scrub } = timeline.elements;
  scrub.addEventListener("input", () => {
    if (player.playing) play();
    setTime(Math.round(scrub.value / FINEST) * FINEST, { moving: true });
  });
  on("play", "click", play);
  on("back", "click", () => step(-1, STEP));
  on("on", "click", () => step(1, STEP));
  on("speed", "change", () => (player.speed = Number($("speed").value)));
  on("time", "input", () => {
    typing = true;
    if ($("time").value !== "" && Number.isFinite($("time").valueAsNumber)) setTime($("time").valueAsNumber);
  });
  on("time", "change", () => {
    typing = false;
    setTime(now.t);
  });
  for (const which of ["in", "out", "clear"]) on(which, "click", () => setPart(which));
  on("compare", "change", () => compare($("compare").value));
  on("layout-divider", "click", () => setLayout("divider"));
  on("layout-side", "click", () => setLayout("side"));
  for (const kind of Object.keys(OVERLAYS)) on(kind, "click", () => toggleOver(kind));
  on("arrows", "click", toggleArrows);
  on("zoom-in", "click", () => stage.zoomTo(stage.scale * Math.SQRT2));
  on("zoom-out", "click", () => stage.zoomTo(stage.scale / Math.SQRT2));
  on("zoom-fit", "click", () => stage.fit());
  on("zoom-one", "click", () => stage.zoomTo(1 / stage.dpr));
  on("copy", "click", copy);
  on("ask", "click", () => $("help").showModal());
  on("stop", "click", async () => {
    try {
      take(await (await ask("stop", {}, { method: "POST" })).json());
    } catch {
      gone();
    }
  });
  stage.canvas.addEventListener("focus", showValues);
  stage.canvas.addEventListener("blur", showValues);
  document.addEventListener("keydown", key);
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const { target } = event, size = event.shiftKey ? 1 : STEP;
  const inText = target.matches("input[type=number], select");
  if (inText && event.key !== "?" && event.key !== "Escape") return;
  // The button that closed the help has the focus for a moment longer.
  if (event.key === " " && target.matches("button, a") && !$("help").contains(target)) return;
  const pan = 60;
  const acts = {
    ArrowLeft: () => step(-1, size), ArrowRight: () => step(1, size),
    ArrowDown: () => step(-1, size), ArrowUp: () => step(1, size),
    PageDown: () => step(-1, 1), PageUp: () => step(1, 1),
    Home: () => setTime(timeline.bounds[0]), End: () => setTime(timeline.bounds[1]),
    " ": play, i: () => setPart("in"), o: () => setPart("out"), x: () => setPart("clear"),
    l: () => setLayout(now.layout === "divider" ? "side" : "divider"),
    f: () => toggleOver("flow"), e: () => toggleOver("expected"), t: () => toggleOver("true"), v: toggleArrows,
    "[": () => jump(-1), "]": () => jump(1),
    "+": () => stage.zoomTo(stage.scale * Math.SQRT2), "=": () => stage.zoomTo(stage.scale * Math.SQRT2),
    "-": () => stage.zoomTo(stage.scale / Math.SQRT2), 0: () => stage.fit(),
    w: () => stage.pan(0, pan), s: () => stage.pan(0, -pan), a: () => stage.pan(pan, 0), d: () => stage.pan(-pan, 0),
    c: copy, p: () => $("save").click(), "?": () => $("help").showModal(),
  };
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  let act = acts[name];
  if (/^[1-9]$/.test(name)) {
    const chosen = about.comparisons[Number(name) - 1];
    if (chosen) act = () => compare(now.compare === chosen.name ? "" : chosen.name);
  }
  if (!act) return;
  event.preventDefault();
  act();
}

async function begin() {
  try {
    about = await (await ask("about")).json();
  } catch (failure) {
    if (failure instanceof Failure) {
      $("alert").hidden = false;
      $("alert").textContent = failure.message;
    } else gone();
    return;
  }
  document.title = `${about.name} – tweenfield`;
  $("name").textContent = about.name;
  $("facts").textContent = `${about.frames} frames of ${about.height}×${about.width}, ${Number(about.rate.toFixed(3))} fps`;
  $("key-observed").textContent = about.observed ? "observed frame" : "fitted frame";
  about.comparisons.forEach(({ name, label }, k) => {
    $("compare").append(new Option(k < 9 ? `${k + 1}  ${label}` : label, name));
  });
  stage = new Stage($("stage"), $("picture"), about, moved);
  timeline = new Timeline(about, $("marks"), $("scrub"));
  timeline.elements = { scrub: $("scrub") };
  accuracy = new Accuracy(about, timeline, $("plot"));
  new Divider($("divider"), stage);
  $("time").max = timeline.last;
  player = new Player(timeline, (t) => {
    setTime(t, { moving: true });
    fetchAhead();
  });
  player.speed = Number(($("speed").value = about.rate > 40 ? "0.125" : "0.25"));
  $("mark-cut").hidden = $("key-cut").hidden = true;
  listen();
  state = { ...state, version: -1 };
  moved();
  setTime(0);
  poll();
}

begin();
