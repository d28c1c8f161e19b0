/* Optimiser race: the four optimisers of chapter 5 on a surface over the plane, with the update
   rules and constants of PyTorch. Nothing is recorded: every path is computed here. */
(function () {
  "use strict";
  const { el, svg, format } = window.alive;

  // --- Surfaces: value, gradient, and what part of the plane is shown -----------------------------

  const SURFACES = {
    valley: {
      name: "A straight valley: ½ x² + 12.5 y²",
      value: (x, y) => 0.5 * x * x + 12.5 * y * y,
      slope: (x, y) => [x, 25 * y],
      start: [-2, 1], x: [-2.5, 2.5], y: [-1.5, 1.5],
    },
    bend: {
      name: "A bent valley: ¼ (1 − x)² + 4 (y − x²)²",
      value: (x, y) => 0.25 * (1 - x) ** 2 + 4 * (y - x * x) ** 2,
      slope: (x, y) => [-0.5 * (1 - x) - 16 * x * (y - x * x), 8 * (y - x * x)],
      start: [-1.2, 0.2], x: [-2, 2], y: [-0.6, 1.8],
    },
    saddle: {
      name: "A saddle: ½ x² − ½ y² + ¼ y⁴ + ¼",
      value: (x, y) => 0.5 * x * x - 0.5 * y * y + 0.25 * y ** 4 + 0.25,
      slope: (x, y) => [x, -y + y ** 3],
      start: [-2, 0.01], x: [-2.5, 2.5], y: [-1.5, 1.5],
    },
  };

  // --- Update rules: each makes a step function with a memory of its own --------------------------

  const RULES = {
    "SGD 0.01": (factor) => (place, g) => place.map((p, i) => p - 0.01 * factor * g[i]),
    "Nesterov 0.01": (factor) => {
      let u = [0, 0];
      return (place, g) => {
        u = u.map((ui, i) => 0.9 * ui + g[i]);
        return place.map((p, i) => p - 0.01 * factor * (g[i] + 0.9 * u[i]));
      };
    },
    "Adam 0.01": (factor) => adam(0.01 * factor),
    "Adam 1": (factor) => adam(1 * factor),
  };

  function adam(rate) {
    const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
    let [m, v, t] = [[0, 0], [0, 0], 0];
    return (place, g) => {
      t += 1;
      m = m.map((mi, i) => beta1 * mi + (1 - beta1) * g[i]);
      v = v.map((vi, i) => beta2 * vi + (1 - beta2) * g[i] * g[i]);
      const [first, second] = [1 - beta1 ** t, 1 - beta2 ** t];
      return place.map((p, i) => p - (rate / first) * m[i] / (Math.sqrt(v[i] / second) + epsilon));
    };
  }

  /* Three decimals, but for what has left the picture. */
  const fixed = (number) =>
    (Math.abs(number) < 1000 ? number.toFixed(3).replace(/^-(?=0\.000$)/, "").replace("-", "−") : format(number, 2));

  const STEPS = 300;
  const NAMES = Object.keys(RULES);

  /* The places (STEPS + 1) of each optimiser from the same start; the last is kept if it leaves
     what float64 can hold. */
  function paths(surface, start, factor) {
    const { slope } = SURFACES[surface];
    return Object.fromEntries(NAMES.map((name) => {
      const step = RULES[name](factor);
      const path = [start];
      for (let t = 0; t < STEPS; t++) path.push(step(path[t], slope(...path[t])));
      return [name, path];
    }));
  }

  // --- Contours -----------------------------------------------------------------------------------

  /* Where the surface takes each level: short lines across the cells of a grid. */
  function contours({ value, x, y }, px, py) {
    const [nx, ny] = [90, 60];
    const at = ([low, high], i, n) => low + ((high - low) * i) / n;
    const heights = [];
    for (let j = 0; j <= ny; j++) {
      for (let i = 0; i <= nx; i++) heights.push(value(at(x, i, nx), at(y, j, ny)));
    }
    const levels = [0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64];
    return levels.map((level) => {
      let path = "";
      for (let j = 0; j < ny; j++) {
        for (let i = 0; i < nx; i++) {
          const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
          const over = corners.map(([a, b]) => heights[b * (nx + 1) + a] - level);
          const cuts = [];
          for (let k = 0; k < 4; k++) {
            const [from, to] = [over[k], over[(k + 1) % 4]];
            if ((from < 0) === (to < 0)) continue;
            const share = from / (from - to);
            const [p, q] = [corners[k], corners[(k + 1) % 4]];
            cuts.push([p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1])]);
          }
          for (let k = 0; k + 1 < cuts.length; k += 2) {
            const [a, b] = [cuts[k], cuts[k + 1]].map(([u, w]) =>
              `${px(at(x, u, nx)).toFixed(1)} ${py(at(y, w, ny)).toFixed(1)}`);
            path += `M${a}L${b}`;
          }
        }
      }
      return svg("path", { d: path, class: "alive-contour", fill: "none" });
    });
  }

  // --- The figure -------------------------------------------------------------------------------

  const MARKS = [
    (x, y) => svg("circle", { cx: x, cy: y, r: 6 }),
    (x, y) => svg("rect", { x: x - 5.5, y: y - 5.5, width: 11, height: 11 }),
    (x, y) => svg("path", { d: `M${x} ${y - 7}L${x + 7} ${y + 5}L${x - 7} ${y + 5}Z` }),
    (x, y) => svg("path", { d: `M${x} ${y - 7}L${x + 7} ${y}L${x} ${y + 7}L${x - 7} ${y}Z` }),
  ];

  function mark(index, x, y) {
    const shape = MARKS[index](x, y);
    shape.setAttribute("class", `alive-mark ${window.alive.MARKS[index]}`);
    return shape;
  }

  function build(app) {
    const defaults = { surface: "valley", startx: -2, starty: 1, step: 60, factor: 1 };
    const { state, save, flush } = window.alive.state(defaults);
    if (!SURFACES[state.surface]) state.surface = "valley";
    state.step = Math.min(STEPS, Math.max(0, Math.round(state.step)));
    state.factor = Math.min(100, Math.max(0.01, state.factor));
    const given = new URLSearchParams(location.search);
    if (!given.has("startx") && !given.has("starty")) [state.startx, state.starty] = SURFACES[state.surface].start;
    let timer = 0;

    const box = el("div", { class: "alive-surface" });
    const live = window.alive.live();
    const values = el("tbody");
    const surface = window.alive.select({
      label: "Surface", value: state.surface,
      options: Object.fromEntries(Object.entries(SURFACES).map(([key, { name }]) => [key, name])),
      change: (key) => set({ surface: key, startx: SURFACES[key].start[0], starty: SURFACES[key].start[1] }),
    });
    const step = window.alive.slider({ label: "Step", min: 0, max: STEPS, step: 1, value: state.step,
      change: (t) => { stop(); set({ step: Math.round(t) }); } });
    const power = window.alive.slider({ label: "All rates times", min: 0.1, max: 10, step: 0.1, value: state.factor,
      wide: [0.01, 100], change: (factor) => set({ factor }) });
    const startX = window.alive.slider({ label: "Start, x", min: -2.5, max: 2.5, step: 0.05, value: state.startx,
      change: (startx) => set({ startx }) });
    const startY = window.alive.slider({ label: "Start, y", min: -1.5, max: 1.8, step: 0.01, value: state.starty,
      change: (starty) => set({ starty }) });
    const play = window.alive.button("Run", () => (timer ? stop() : run()));

    function stop() {
      clearInterval(timer);
      timer = 0;
      play.textContent = "Run";
    }

    /* Without motion, where the reader's system asks for that: straight to the last step. */
    function run() {
      if (window.alive.calm()) {
        set({ step: STEPS });
        return;
      }
      if (state.step >= STEPS) state.step = 0;
      play.textContent = "Pause";
      timer = setInterval(() => {
        set({ step: Math.min(STEPS, state.step + 1) });
        if (state.step >= STEPS) stop();
      }, 40);
    }

    function set(changes) {
      Object.assign(state, changes);
      show();
      save();
    }

    function show() {
      const found = paths(state.surface, [state.startx, state.starty], state.factor);
      const { value } = SURFACES[state.surface];
      surface.set(state.surface);
      step.set(state.step);
      power.set(state.factor);
      startX.set(state.startx);
      startY.set(state.starty);
      values.replaceChildren(...NAMES.map((name, i) => {
        const [x, y] = found[name][state.step];
        const key = svg("svg", { class: "alive-key", viewBox: "0 0 34 14", "aria-hidden": "true" },
          svg("line", { x1: 0, x2: 34, y1: 7, y2: 7, class: window.alive.LINES[i] }), mark(i, 17, 7));
        return el("tr", {}, el("th", { scope: "row" }, key, name),
          el("td", {}, format(value(x, y), 3)), ...[x, y].map((number) => el("td", {}, fixed(number))));
      }));
      const heights = NAMES.map((name) => value(...found[name][state.step]));
      const lowest = heights.indexOf(Math.min(...heights.map((h) => (Number.isNaN(h) ? Infinity : h))));
      live.say(`After ${state.step} steps ${NAMES[Math.max(0, lowest)]} is lowest, at ${format(heights[Math.max(0, lowest)], 3)}.`);
      redraw();
    }

    function draw(width) {
      const chosen = SURFACES[state.surface];
      const shape = (chosen.y[1] - chosen.y[0]) / (chosen.x[1] - chosen.x[0]);
      const ticks = ([low, high]) => [-2, -1, 0, 1, 2].filter((t) => t >= low && t <= high);
      const axes = window.alive.axes(box, {
        width, height: Math.round((width - 58) * shape) + 52,
        x: { domain: chosen.x, ticks: ticks(chosen.x), label: "x" },
        y: { domain: chosen.y, ticks: ticks(chosen.y), label: "y" },
        name: `Contour lines of the surface with the paths of the four optimisers up to step ${state.step}; the table holds their places`,
      });
      const found = paths(state.surface, [state.startx, state.starty], state.factor);
      axes.plot.append(...contours(chosen, axes.px, axes.py));
      const far = (v) => Math.max(-1e4, Math.min(1e4, v)); // what lies far outside is not drawn
      NAMES.forEach((name, i) => {
        const path = found[name].slice(0, state.step + 1).map(([x, y]) => [far(x), Number.isNaN(y) ? NaN : far(y)]);
        axes.plot.append(window.alive.line(path, axes.px, axes.py, { class: window.alive.LINES[i] }));
      });
      NAMES.forEach((name, i) => {
        const [x, y] = found[name][state.step];
        if (Number.isFinite(x) && Number.isFinite(y)) axes.plot.append(mark(i, axes.px(far(x)), axes.py(far(y))));
      });
      box.onpointerdown = (event) => {
        const outer = axes.picture.getBoundingClientRect();
        const x = axes.invert(event.clientX - outer.left);
        const [bottom, top] = [axes.py(chosen.y[0]), axes.py(chosen.y[1])];
        const y = chosen.y[0] + ((bottom - (event.clientY - outer.top)) / (bottom - top)) * (chosen.y[1] - chosen.y[0]);
        const within = ([low, high], v) => Math.round(100 * Math.min(high, Math.max(low, v))) / 100;
        set({ startx: within(chosen.x, x), starty: within(chosen.y, y) });
      };
    }

    const table = el("table", { class: "alive-values alive-named" },
      el("thead", {}, el("tr", {}, ...["Optimiser", "Height", "x", "y"].map((t) => el("th", { scope: "col" }, t)))), values);
    app.append(
      surface, step,
      window.alive.group("Run", play, window.alive.button("Back to the start", () => { stop(); set({ step: 0 }); }),
        window.alive.button("One step", () => { stop(); set({ step: Math.min(STEPS, state.step + 1) }); })),
      box, ...live.nodes, table, power, startX, startY);
    const redraw = window.alive.onWidth(box, draw);
    show();
    return { state, set, paths, flush, surfaces: SURFACES };
  }

  window.alive.start("race", build);
})();
