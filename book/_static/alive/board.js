/* A drawing area of 28 by 28 pixels with pen, eraser and undo, for mouse, finger and keyboard. */
(function () {
  "use strict";
  const { el, nets: { SIDE, SHADES, paint } } = window.alive;
  const LONGEST = 200; // steps that can be undone

  /* `pixels()` gives the image; `draw(next)` receives it with a spot painted; `keep()` returns what
     `restore` needs to bring the present state back. */
  window.alive.board = function ({ pixels, draw, keep, restore }) {
    const canvas = el("canvas", { width: SIDE, height: SIDE, class: "alive-canvas" });
    const cursor = el("div", { class: "alive-cursor", hidden: true });
    const board = el("div", { class: "alive-board", tabindex: 0, role: "application",
      "aria-label": "Drawing area of 28 by 28 pixels. Arrow keys move the brush, the space bar paints, Control and Z undo.",
    }, canvas, cursor);
    const brush = { shade: 255, size: 2, erases: false };
    const place = { x: 14, y: 14, held: false };
    const past = [];
    let last = null;

    // --- What can be undone

    const undo = window.alive.button("Undo", () => {
      const before = past.pop();
      undo.disabled = !past.length;
      if (before !== undefined) restore(before);
      // A button that has just been switched off must not take the keyboard with it.
      if (undo.disabled) board.focus({ preventScroll: true });
    }, { disabled: true });

    /* To be called before each change. */
    function remember() {
      past.push(keep());
      if (past.length > LONGEST) past.shift();
      undo.disabled = false;
    }

    // --- Painting

    /* A round spot; sixteen shades, since that is what the address keeps. */
    function spot(x, y) {
      const next = Uint8Array.from(pixels(), (p) => Math.round(p / SHADES) * SHADES);
      const reach = Math.max(brush.size / 2, 0.71);
      for (let row = 0; row < SIDE; row++) {
        for (let column = 0; column < SIDE; column++) {
          if (Math.hypot(column + 0.5 - x, row + 0.5 - y) > reach) continue;
          next[row * SIDE + column] = brush.erases ? 0 : brush.shade;
        }
      }
      draw(next);
    }

    function stroke(from, to) {
      const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y)));
      for (let i = 1; i <= steps; i++) {
        spot(from.x + ((to.x - from.x) * i) / steps, from.y + ((to.y - from.y) * i) / steps);
      }
    }

    const under = (event) => {
      const box = canvas.getBoundingClientRect();
      return { x: ((event.clientX - box.left) / box.width) * SIDE, y: ((event.clientY - box.top) / box.height) * SIDE };
    };
    board.addEventListener("pointerdown", (event) => {
      board.setPointerCapture(event.pointerId);
      remember();
      last = under(event);
      spot(last.x, last.y);
    });
    board.addEventListener("pointermove", (event) => {
      if (!last) return;
      const here = under(event);
      stroke(last, here);
      last = here;
    });
    for (const end of ["pointerup", "pointercancel"]) board.addEventListener(end, () => (last = null));

    // --- By keyboard

    function showCursor() {
      cursor.style.left = `${(100 * place.x) / SIDE}%`;
      cursor.style.top = `${(100 * place.y) / SIDE}%`;
    }
    board.addEventListener("keydown", (event) => {
      if (event.key === "z" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        undo.click();
        return;
      }
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!step && event.key !== " ") return;
      event.preventDefault();
      cursor.hidden = false;
      if (step) {
        place.x = Math.min(SIDE - 1, Math.max(0, place.x + step[0]));
        place.y = Math.min(SIDE - 1, Math.max(0, place.y + step[1]));
      } else if (!place.held) {
        place.held = true;
        remember();
      }
      if (place.held) spot(place.x + 0.5, place.y + 0.5);
      showCursor();
    });
    board.addEventListener("keyup", (event) => {
      if (event.key === " ") place.held = false;
    });
    board.addEventListener("blur", () => {
      cursor.hidden = true;
      place.held = false;
    });

    // --- Tools

    const [pen, eraser] = ["Pen", "Eraser"].map((name, i) =>
      window.alive.button(name, () => choose(i === 1), { "aria-pressed": String(i === 0) }));
    function choose(erases) {
      brush.erases = erases;
      pen.setAttribute("aria-pressed", String(!erases));
      eraser.setAttribute("aria-pressed", String(erases));
    }
    const size = window.alive.slider({ label: "Brush, pixels", min: 1, max: 8, step: 1, value: brush.size,
      change: (value) => (brush.size = value) });
    const shade = window.alive.slider({ label: "Brightness of the pen", min: 1, max: 15, step: 1, value: 15,
      change: (value) => {
        brush.shade = Math.round(value) * SHADES;
        choose(false);
      } });
    return { node: board, pen, eraser, undo, size, shade, remember, show: () => paint(canvas, pixels()) };
  };
})();
