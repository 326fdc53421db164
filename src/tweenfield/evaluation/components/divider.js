// The line between the two pictures of a stage, moved by the mouse or the keyboard.

export class Divider {
  constructor(element, stage) {
    Object.assign(this, { element, stage });
    element.addEventListener("pointerdown", (event) => element.setPointerCapture(event.pointerId));
    element.addEventListener("pointermove", (event) => {
      if (!element.hasPointerCapture(event.pointerId)) return;
      const box = stage.element.getBoundingClientRect();
      this.set((event.clientX - box.left) / box.width);
    });
    element.addEventListener("keydown", (event) => {
      const size = event.shiftKey ? 0.1 : 0.02;
      const to = { ArrowLeft: stage.split - size, ArrowRight: stage.split + size, Home: 0, End: 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      this.set(to);
    });
    this.set(stage.split);
  }

  // As a part of the stage's width.
  set(part) {
    const { element, stage } = this;
    stage.split = Math.min(1, Math.max(0, part));
    element.style.left = `${100 * stage.split}%`;
    element.setAttribute("aria-valuenow", Math.round(100 * stage.split));
    stage.draw();
  }
}
