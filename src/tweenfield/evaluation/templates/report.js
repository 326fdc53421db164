// A report: every comparison becomes a stage with a divider, every plot is drawn. All it needs is in the page.
import { Divider } from "divider.js";
import { Plot } from "plot.js";
import { Stage } from "stage.js";

async function compare(element) {
  const box = element.querySelector(".stage"), canvas = box.querySelector("canvas"), handle = box.querySelector(".divider");
  const { width, height } = canvas.dataset;
  const stage = new Stage(box, canvas, { width: Number(width), height: Number(height), aspect: 1, scrolls: true }, () => {});
  stage.layout = "divider";
  new Divider(handle, stage);
  for (const side of ["left", "right"]) {
    const choice = element.querySelector(`.${side}`);
    const show = async () => {
      const image = document.getElementById(choice.value);
      await image.decode();
      stage[side] = { bitmap: image };
      stage.draw();
      const names = [".left", ".right"].map((each) => element.querySelector(each).selectedOptions[0].textContent);
      canvas.setAttribute("aria-label", `${names[0]} on the left of the divider, ${names[1]} on its right`);
    };
    choice.addEventListener("change", show);
    await show();
  }
  const acts = {
    "+": () => stage.zoomTo(stage.scale * Math.SQRT2), "-": () => stage.zoomTo(stage.scale / Math.SQRT2), 0: () => stage.fit(),
    ArrowLeft: () => stage.pan(60, 0), ArrowRight: () => stage.pan(-60, 0),
    ArrowUp: () => stage.pan(0, 60), ArrowDown: () => stage.pan(0, -60),
  };
  for (const button of element.querySelectorAll("[data-key]")) button.addEventListener("click", () => acts[button.dataset.key]());
  canvas.addEventListener("keydown", (event) => {
    if (!acts[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    acts[event.key]();
  });
}

for (const element of document.querySelectorAll(".compare")) compare(element);
for (const svg of document.querySelectorAll("svg[data-plot]")) {
  const { series, gap, ...options } = JSON.parse(svg.dataset.plot);
  new Plot(svg, options).show(series, gap ?? Infinity);
}
