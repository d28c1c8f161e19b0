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

  /* The places (STEPS + 1) of each optimiser from the same start; not finite once they leave what
     float64 can hold. */
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

  const LEVELS = [0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64];

  /* Where the surface takes each level: short lines across the cells of a grid, which is fine enough
     for the narrowest valley at the lowest level. */
  function contours({ value, x, y }, px, py) {
    const [nx, ny] = [240, 240];
    const at = ([low, high], i, n) => low + ((high - low) * i) / n;
    const heights = [];
    for (let j = 0; j <= ny; j++) {
      for (let i = 0; i <= nx; i++) heights.push(value(at(x, i, nx), at(y, j, ny)));
    }
    return LEVELS.map((level) => {
      let path = "";
      for (let j = 0; j < ny; j++) {
        for (let i = 0; i < nx; i++) {
          const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
          const over = corners.map(([a, b]) => heights[b * (nx + 1) + a] - level);
          const cuts = [];
          for (let k = 0; k < 4; k++) {
            // From left to right and upwards, so that two cells find the same place on their edge.
            const [a, b] = k < 2 ? [k, k + 1] : [(k + 1) % 4, k];
            if ((over[a] < 0) === (over[b] < 0)) continue;
            const share = over[a] / (over[a] - over[b]);
            const [p, q] = [corners[a], corners[b]];
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
    const { state, set: put, flush, read } = window.alive.state({
      surface: window.alive.choice("valley", Object.keys(SURFACES)),
      startx: window.alive.number(-2, -2.5, 2.5),
      starty: window.alive.number(1, -1.5, 1.8),
      step: window.alive.number(60, 0, STEPS, true),
      factor: window.alive.number(1, 0.01, 100),
      without: window.alive.without(NAMES.length),
    }, (found, given) => {
      if (!given.has("startx") && !given.has("starty")) [found.startx, found.starty] = SURFACES[found.surface].start;
    });
    stayInside();
    let timer = 0;
    const shown = () => NAMES.map((name, i) => [name, i]).filter(([, i]) => !state.without.split(",").includes(String(i)));

    const box = el("div", { class: "alive-surface" });
    const live = window.alive.live();
    const values = el("tbody");
    const surface = window.alive.select({
      label: "Surface", value: state.surface,
      options: Object.fromEntries(Object.entries(SURFACES).map(([key, { name }]) => [key, name])),
      change: (key) => set({ surface: key, startx: SURFACES[key].start[0], starty: SURFACES[key].start[1] }),
    });
    const step = window.alive.slider({ label: "Step", min: 0, max: STEPS, step: 1, value: state.step,
      change: (t) => { stop(); set({ step: t }); } });
    const power = window.alive.slider({ label: "All rates times", min: 0.1, max: 10, step: 0.1, value: state.factor,
      wide: [0.01, 100], change: (factor) => set({ factor }) });
    const startX = window.alive.slider({ label: "Start, x", min: -2.5, max: 2.5, step: 0.05, value: state.startx,
      change: (startx) => set({ startx }) });
    const startY = window.alive.slider({ label: "Start, y", min: -1.5, max: 1.8, step: 0.01, value: state.starty,
      change: (starty) => set({ starty }) });
    const boxes = NAMES.map((name, i) => window.alive.checkbox({ label: name, value: true, change: (on) =>
      set({ without: on ? state.without.replace(i, "") : `${state.without},${i}` }) }));
    const play = window.alive.button("Run", () => (timer ? stop() : run()));

    function stop() {
      clearInterval(timer);
      timer = 0;
      play.textContent = "Run";
    }

    /* The start stays in the picture. */
    function stayInside() {
      const { x, y } = SURFACES[state.surface];
      const within = ([low, high], v) => Math.min(high, Math.max(low, v));
      put({ startx: within(x, state.startx), starty: within(y, state.starty) });
    }

    /* Without motion, where the reader's system asks for that: straight to the last step. */
    function run(last = STEPS) {
      if (window.alive.calm()) {
        set({ step: STEPS });
        return;
      }
      if (state.step >= STEPS) put({ step: 0 });
      play.textContent = "Pause";
      timer = setInterval(() => {
        set({ step: state.step + 1 });
        if (state.step >= last) stop();
      }, 40);
    }

    function set(changes) {
      put(changes);
      stayInside();
      show();
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
        const height = value(x, y);
        const cells = Number.isFinite(height) ? [format(height, 3), fixed(x), fixed(y)] : ["overflow", "–", "–"];
        return el("tr", {}, el("th", { scope: "row" }, key, name),
          ...cells.map((text) => el("td", {}, text)));
      }));
      const racing = shown();
      boxes.forEach((one, i) => one.set(racing.some(([, k]) => k === i)));
      live.say(verdict(racing.map(([name]) => ({ name, height: value(...found[name][state.step]) }))));
      redraw();
    }

    /* Who is lowest: those that show the same three digits share the place. */
    function verdict(racers) {
      const begin = `After ${state.step} step${state.step === 1 ? "" : "s"}`;
      if (!racers.length) return "No optimiser is switched on.";
      const left = racers.filter(({ height }) => Number.isFinite(height));
      const gone = racers.length - left.length ? ` ${list(racers.filter((r) => !left.includes(r)))} went beyond the numbers of float64.` : "";
      if (!left.length) return `${begin} nobody is left:${gone}`;
      const low = format(Math.min(...left.map(({ height }) => height)), 3);
      const first = left.filter(({ height }) => format(height, 3) === low);
      if (first.length === 1) return `${begin} ${first[0].name} is lowest, at ${low}.${gone}`;
      const who = first.length === racers.length ? `all ${first.length}` : list(first);
      return `${begin} ${who} are at the same height, ${low}${first.length === left.length ? "" : ", and lowest"}.${gone}`;
    }

    const list = (racers) => racers.map(({ name }) => name).join(" and ");

    /* Contour lines take longer than all else: drawn once for each surface and width. */
    let dragging = false;
    const drawn = new Map();
    function lines(axes, width) {
      const key = `${state.surface} ${width}`;
      if (!drawn.has(key)) drawn.set(key, contours(SURFACES[state.surface], axes.px, axes.py));
      return drawn.get(key);
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
      axes.plot.append(...lines(axes, width));
      const far = (v) => Math.max(-1e4, Math.min(1e4, v)); // what lies far outside is not drawn
      shown().forEach(([name, i]) => {
        const path = found[name].slice(0, state.step + 1).map(([x, y]) => [far(x), Number.isNaN(y) ? NaN : far(y)]);
        axes.plot.append(window.alive.line(path, axes.px, axes.py, { class: window.alive.LINES[i] }));
      });
      const from = [axes.px(state.startx), axes.py(state.starty)];
      axes.plot.append(svg("circle", { class: "alive-start", cx: from[0], cy: from[1], r: 10 }));
      shown().forEach(([name, i]) => {
        const [x, y] = found[name][state.step];
        if (Number.isFinite(x) && Number.isFinite(y)) axes.plot.append(mark(i, axes.px(far(x)), axes.py(far(y))));
      });
      const move = (event) => {
        const outer = axes.picture.getBoundingClientRect();
        const x = axes.invert(event.clientX - outer.left);
        const [bottom, top] = [axes.py(chosen.y[0]), axes.py(chosen.y[1])];
        const y = chosen.y[0] + ((bottom - (event.clientY - outer.top)) / (bottom - top)) * (chosen.y[1] - chosen.y[0]);
        set({ startx: Math.round(100 * x) / 100, starty: Math.round(100 * y) / 100 });
      };
      // A finger drags by the ring and taps elsewhere: else nobody could scroll past the picture.
      box.onclick = move;
      box.onpointerdown = (event) => {
        dragging = event.pointerType !== "touch" || event.target.classList.contains("alive-start");
        if (dragging) box.setPointerCapture(event.pointerId);
        if (dragging) move(event);
      };
      box.onpointermove = (event) => dragging && event.buttons && move(event);
    }

    const table = el("table", { class: "alive-values alive-named" },
      el("thead", {}, el("tr", {}, ...["Optimiser", "Height", "x", "y"].map((t) => el("th", { scope: "col" }, t)))), values);
    const ask = window.alive.predict({
      question: "The straight valley is 25 times as steep across as along. Who is lowest after 100 steps?",
      options: NAMES,
      answer(chosen) {
        const [x, y] = SURFACES.valley.start;
        stop();
        set({ surface: "valley", startx: x, starty: y, factor: 1, without: "", step: window.alive.calm() ? 100 : 0 });
        if (!window.alive.calm()) run(100);
        const heights = NAMES.map((name) => SURFACES.valley.value(...paths("valley", [x, y], 1)[name][100]));
        const lowest = heights.indexOf(Math.min(...heights));
        const order = NAMES.map((name, i) => [heights[i], name]).sort((a, b) => a[0] - b[0]);
        return { right: chosen === lowest, says: `From the lowest to the highest: ${order.map(([h, name]) => `${name} (${format(h, 2)})`).join(", ")}.` };
      },
    });
    app.append(
      ask, surface, step,
      window.alive.group("Run", play, window.alive.button("Back to the start", () => { stop(); set({ step: 0 }); }),
        window.alive.button("One step", () => { stop(); set({ step: state.step + 1 }); })),
      window.alive.group("Optimisers shown", ...boxes), box, ...live.nodes, table, power, startX, startY);
    const redraw = window.alive.onWidth(box, draw);
    show();
    return { state, set, paths, flush, read, surfaces: SURFACES, levels: LEVELS };
  }

  window.alive.start("race", build);
})();
