/* Backpropagation graph: the two-layer network of chapter 2 with two features and two hidden units,
   one example. Step forward for the values, on for the derivatives; change a number and look. */
(function () {
  "use strict";
  const { el, svg, format } = window.alive;

  // --- Arithmetic -------------------------------------------------------------------------------

  const sigmoid = (z) => (z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z)));
  const loss = (y, z) => {
    const share = z > 0 ? 1 - y : y;
    return Math.log1p(Math.exp(-Math.abs(z))) + (share === 0 ? 0 : share * Math.abs(z));
  };

  /* Values and derivatives of everything in the graph, under the names of the state. */
  function compute(s) {
    const value = { x1: s.x1, x2: s.x2, w111: s.w111, w112: s.w112, w121: s.w121, w122: s.w122 };
    Object.assign(value, { w21: s.w21, w22: s.w22 });
    const slope = { ℓ: 1 };
    for (const k of [1, 2]) {
      value[`z1${k}`] = s.x1 * s[`w11${k}`] + s.x2 * s[`w12${k}`];
      value[`a${k}`] = sigmoid(value[`z1${k}`]);
    }
    value.z = value.a1 * s.w21 + value.a2 * s.w22;
    value.ŷ = sigmoid(value.z);
    value.ℓ = loss(s.y, value.z);

    // A share of 0 counts nothing, though what it is divided by may have rounded to 0.
    slope.ŷ = (s.y === 1 ? 0 : (1 - s.y) / sigmoid(-value.z)) - (s.y === 0 ? 0 : s.y / value.ŷ);
    slope.z = (1 - s.y) * value.ŷ - s.y * sigmoid(-value.z);
    for (const k of [1, 2]) {
      slope[`w2${k}`] = slope.z * value[`a${k}`];
      slope[`a${k}`] = slope.z * s[`w2${k}`];
      slope[`z1${k}`] = slope[`a${k}`] * value[`a${k}`] * sigmoid(-value[`z1${k}`]);
    }
    for (const d of [1, 2]) {
      for (const k of [1, 2]) slope[`w1${d}${k}`] = slope[`z1${k}`] * s[`x${d}`];
      slope[`x${d}`] = slope.z11 * s[`w1${d}1`] + slope.z12 * s[`w1${d}2`];
    }
    return { value, slope };
  }

  // --- Steps ------------------------------------------------------------------------------------

  const f = (number) => format(number, 3);
  /* A factor: in brackets if negative. */
  const b = (number) => (number < 0 ? `(${f(number)})` : f(number));
  /* Short enough for a box. */
  const short = (number) => (number !== 0 && Math.abs(number) < 1e-3 || Math.abs(number) >= 1e5 && Number.isFinite(number)
    ? number.toExponential(1).replaceAll("-", "−") : f(number));
  /* Shorter still, for an edge. */
  const tiny = (number) => (Math.abs(number) < 0.1 && Math.abs(number) >= 1e-3 ? format(number, 2) : short(number));
  const SUB = { 1: "₁", 2: "₂" };

  /* One entry for each step: what it reveals, its title, and its lines with the numbers put in. */
  const STEPS = [
    { title: "The example and the weights", shows: [], lines: (v, g, s) => [
      `Features x₁ = ${f(s.x1)}, x₂ = ${f(s.x2)}; label y = ${f(s.y)}.`,
      "Step forward: each node is computed from those at its left."] },
    { title: "Hidden sums: features times weights", shows: ["z11", "z12"], lines: (v, g, s) => [1, 2].map((k) =>
      `z⁽¹⁾${SUB[k]} = x₁ w⁽¹⁾₁${SUB[k]} + x₂ w⁽¹⁾₂${SUB[k]} = ${f(s.x1)} · ${b(s[`w11${k}`])} + ${b(s.x2)} · ${b(s[`w12${k}`])} = ${f(v[`z1${k}`])}`) },
    { title: "Hidden units: the sigmoid of the sums", shows: ["a1", "a2"], lines: (v) => [1, 2].map((k) =>
      `a${SUB[k]} = σ(z⁽¹⁾${SUB[k]}) = σ(${f(v[`z1${k}`])}) = ${f(v[`a${k}`])}`) },
    { title: "The logit", shows: ["z"], lines: (v, g, s) => [
      `z = a₁ w⁽²⁾₁ + a₂ w⁽²⁾₂ = ${f(v.a1)} · ${b(s.w21)} + ${f(v.a2)} · ${b(s.w22)} = ${f(v.z)}`] },
    { title: "The prediction", shows: ["ŷ"], lines: (v) => [`ŷ = σ(z) = σ(${f(v.z)}) = ${f(v.ŷ)}`] },
    { title: "The loss", shows: ["ℓ"], lines: (v, g, s) => [
      `ℓ = y ζ(−z) + (1 − y) ζ(z) = ${f(v.ℓ)}, for the label ${f(s.y)}`,
      "The way forward ends here. Now the derivatives, from right to left."] },
    { title: "Back from the loss to the prediction", slopes: ["ℓ", "ŷ"], lines: (v, g) => [
      "∂ℓ/∂ℓ = 1: here the way back begins.",
      `∂ℓ/∂ŷ = (1 − y)/(1 − ŷ) − y/ŷ = ${f(g.ŷ)}`] },
    { title: "Through the sigmoid to the logit", slopes: ["z"], lines: (v, g, s) => [
      `∂ℓ/∂z = ∂ℓ/∂ŷ · ŷ (1 − ŷ) = ŷ − y = ${f(v.ŷ)} − ${f(s.y)} = ${f(g.z)}`,
      "It is computed as the difference, which needs no division."] },
    { title: "To the second layer's weights, and to the hidden units", slopes: ["w21", "w22", "a1", "a2"],
      lines: (v, g, s) => [1, 2].flatMap((k) => [
        `∂ℓ/∂w⁽²⁾${SUB[k]} = ∂ℓ/∂z · a${SUB[k]} = ${f(g.z)} · ${b(v[`a${k}`])} = ${f(g[`w2${k}`])}`,
        `∂ℓ/∂a${SUB[k]} = ∂ℓ/∂z · w⁽²⁾${SUB[k]} = ${f(g.z)} · ${b(s[`w2${k}`])} = ${f(g[`a${k}`])}`]) },
    { title: "Through the hidden sigmoids", slopes: ["z11", "z12"], lines: (v, g) => [1, 2].map((k) =>
      `∂ℓ/∂z⁽¹⁾${SUB[k]} = ∂ℓ/∂a${SUB[k]} · a${SUB[k]} (1 − a${SUB[k]}) = ${f(g[`a${k}`])} · ${b(v[`a${k}`] * (1 - v[`a${k}`]))} = ${f(g[`z1${k}`])}`) },
    { title: "To the first layer's weights", slopes: ["w111", "w112", "w121", "w122", "x1", "x2"],
      lines: (v, g, s) => [1, 2].flatMap((d) => [1, 2].map((k) =>
        `∂ℓ/∂w⁽¹⁾${SUB[d]}${SUB[k]} = ∂ℓ/∂z⁽¹⁾${SUB[k]} · x${SUB[d]} = ${f(g[`z1${k}`])} · ${b(s[`x${d}`])} = ${f(g[`w1${d}${k}`])}`)).concat([
        "The derivatives by the features sum over both hidden units. Training does not need them."]) },
  ];
  const LAST = STEPS.length - 1;

  // --- Drawing ----------------------------------------------------------------------------------

  /* Column and row of each node, 0 to 5 from the features to the loss, -1 to 1 across. */
  const NODES = {
    x1: [0, -1], x2: [0, 1], z11: [1, -1], z12: [1, 1], a1: [2, -1], a2: [2, 1],
    z: [3, 0], ŷ: [4, 0], ℓ: [5, 0],
  };
  const EDGES = [
    ["x1", "z11", "w111"], ["x1", "z12", "w112"], ["x2", "z11", "w121"], ["x2", "z12", "w122"],
    ["z11", "a1"], ["z12", "a2"], ["a1", "z", "w21"], ["a2", "z", "w22"], ["z", "ŷ"], ["ŷ", "ℓ"],
  ];
  const [BOX_W, BOX_H] = [74, 54];

  /* Where nodes stand: from left to right where there is room, else from top to bottom. */
  function layout(width) {
    const wide = width >= 620;
    const gaps = wide ? [2.1, 0.6, 1.9, 0.6, 0.6] : [1.9, 0.7, 1.6, 0.7, 0.7];
    const free = wide ? width - 6 * BOX_W - 4 : 6 * 46;
    const unit = free / gaps.reduce((sum, gap) => sum + gap, 0);
    const along = [0];
    gaps.forEach((gap, i) => along.push(along[i] + gap * unit + (wide ? BOX_W : BOX_H)));
    const places = {};
    for (const [name, [column, row]] of Object.entries(NODES)) {
      const across = row * (wide ? 94 : width / 4);
      places[name] = wide
        ? [along[column] + BOX_W / 2 + 2, 126 + across]
        : [width / 2 + across, along[column] + BOX_H / 2 + 2];
    }
    return { places, wide, height: wide ? 252 : along[5] + BOX_H + 4 };
  }

  /* Thick for a weight far from 0, dashed for a negative one. */
  const edgeStyle = (weight) => ({
    style: `stroke-width: ${(1 + 2 * Math.min(4, Math.abs(weight))).toFixed(1)}px; stroke-dasharray: ${weight < 0 ? "9 4" : "none"}`,
  });

  /* A pulse along the edges that a step computes with: forward to the values that it shows, or back
     from the derivatives that it needs. */
  function pulse(drawing, width, step) {
    const { shows = [], slopes = [] } = STEPS[step];
    const { places } = layout(width);
    for (const [from, to, weight] of EDGES) {
      const forward = shows.includes(to);
      if (!forward && !slopes.includes(from) && !slopes.includes(weight)) continue;
      const way = [places[from], places[to]].map(([x, y]) => ({ transform: `translate(${x}px, ${y}px)` }));
      const dot = svg("circle", { class: forward ? "alive-pulse" : "alive-pulse alive-pulse-back", r: 6, "aria-hidden": "true" });
      drawing.append(dot);
      dot.animate(forward ? way : way.reverse(), { duration: 700, easing: "ease-in-out", fill: "forwards" }).onfinish = () => dot.remove();
    }
  }

  function picture(width, s, step, names, { value, slope }) {
    const { places, wide, height } = layout(width);
    const shown = new Set(["x1", "x2", ...Object.keys(slope).filter((k) => k.startsWith("w"))]);
    const sloped = new Set();
    STEPS.slice(0, step + 1).forEach((one) => {
      (one.shows || []).forEach((name) => shown.add(name));
      (one.slopes || []).forEach((name) => sloped.add(name));
    });
    const lit = new Set([...(STEPS[step].shows || []), ...(STEPS[step].slopes || [])]);
    const drawing = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group",
      "aria-label": `The graph after the step "${STEPS[step].title}"; the list of steps and the table below hold its numbers.` });
    const write = (x, y, text, cls) => svg("text", { x, y, "text-anchor": "middle", class: cls }, text);

    const steepest = Math.max(1e-300, ...EDGES.map(([, , weight]) => Math.abs(slope[weight] || 0)));
    for (const [from, to, weight] of EDGES) {
      const [[x0, y0], [x1, y1]] = [places[from], places[to]];
      const [dx, dy] = wide ? [BOX_W / 2, 0] : [0, BOX_H / 2];
      const ends = { x1: x0 + dx, y1: y0 + dy, x2: x1 - dx, y2: y1 - dy };
      drawing.append(svg("line", { class: "alive-edge", ...ends, ...(weight && edgeStyle(value[weight])) }));
      if (!weight || !sloped.has(weight)) continue;
      drawing.append(svg("line", { class: slope[weight] < 0 ? "alive-falls" : "alive-rises", ...ends,
        ...edgeStyle(value[weight]), "stroke-opacity": 0.15 + 0.85 * Math.abs(slope[weight]) / steepest }));
    }
    for (const [from, to, weight] of EDGES) {
      if (!weight) continue;
      const [[x0, y0], [x1, y1]] = [places[from], places[to]];
      // Near a third of the way, the labels of crossing edges stay apart.
      const t = weight.startsWith("w2") ? 0.45 : weight[2] === weight[3] ? (wide ? 0.5 : 0.62) : 0.3;
      const half = wide ? BOX_W / 2 : BOX_H / 2;
      const start = wide ? [x0 + half, y0] : [x0, y0 + half];
      const end = wide ? [x1 - half, y1] : [x1, y1 - half];
      const [x, y] = [0, 1].map((i) => start[i] + t * (end[i] - start[i]));
      const slopeShown = sloped.has(weight);
      drawing.append(svg("g", { "data-name": weight, "data-value": value[weight], "data-slope": slopeShown ? slope[weight] : "",
        class: "alive-weight", role: "slider", tabindex: 0, "aria-label": `Weight ${names[weight]}`, "aria-valuemin": -4, "aria-valuemax": 4,
        "aria-valuenow": value[weight], "aria-valuetext": `${f(value[weight])}${slopeShown ? `, derivative ${f(slope[weight])}` : ""}` },
        svg("rect", { x: x - 25, y: slopeShown ? y - 15 : y - 8, width: 50, height: slopeShown ? 30 : 16, rx: 4,
          class: lit.has(weight) ? "alive-label alive-lit" : "alive-label" }),
        write(x, slopeShown ? y - 2 : y + 4, tiny(value[weight]), ""),
        write(x, y + 11, slopeShown ? tiny(slope[weight]) : "", "alive-slope")));
    }
    for (const [name, [x, y]] of Object.entries(places)) {
      const [valueShown, slopeShown] = [shown.has(name), sloped.has(name)];
      drawing.append(svg("g", { "data-name": name, "data-value": valueShown ? value[name] : "", "data-slope": slopeShown ? slope[name] : "" },
        svg("rect", { x: x - BOX_W / 2, y: y - BOX_H / 2, width: BOX_W, height: BOX_H, rx: 6, class: lit.has(name) ? "alive-node alive-lit" : "alive-node" }),
        write(x, y - 12, names[name], "alive-strong"),
        write(x, y + 4, valueShown ? short(value[name]) : "·", ""),
        write(x, y + 20, slopeShown ? short(slope[name]) : "", "alive-slope")));
    }
    return drawing;
  }

  // --- The figure -------------------------------------------------------------------------------

  const INPUTS = {
    x1: [-4, 4], x2: [-4, 4], y: [0, 1], w111: [-4, 4], w121: [-4, 4], w112: [-4, 4],
    w122: [-4, 4], w21: [-4, 4], w22: [-4, 4],
  };

  const FARTHEST = 1e6; // of features and weights: all values and derivatives stay within float64

  function build(app, data) {
    const example = {};
    const [x, y, w1, w2] = ["x", "y", "w1", "w2"].map((name) => data.example[name]);
    Object.assign(example, { x1: x[0], x2: x[1], y: y[0], w111: w1[0], w112: w1[1], w121: w1[2], w122: w1[3] });
    Object.assign(example, { w21: w2[0], w22: w2[1] });
    const { state, set: put, flush, read } = window.alive.state({
      step: window.alive.number(0, 0, LAST, true),
      rate: window.alive.number(1, 0, 1000),
      ...Object.fromEntries(Object.entries(example).map(([name, number]) =>
        [name, window.alive.number(number, ...(name === "y" ? [0, 1] : [-FARTHEST, FARTHEST]))])),
    });

    const back = window.alive.button("← Back", () => set({ step: state.step - 1 }));
    const next = window.alive.button("Forward →", () => set({ step: state.step + 1 }));
    const first = window.alive.button("To the start", () => set({ step: 0 }));
    const all = window.alive.button("To the end", () => set({ step: LAST }));
    const descend = window.alive.button("Take a gradient step", () => {
      const { slope } = compute(state);
      const changes = { step: LAST };
      for (const name of Object.keys(slope).filter((k) => k.startsWith("w"))) changes[name] = state[name] - state.rate * slope[name];
      set(changes);
    });
    const reset = window.alive.button("As in chapter 2", () => set({ ...example, step: state.step }));
    const title = el("p", { class: "alive-title", role: "status" });
    const lines = el("div", { class: "alive-lines" });
    const box = el("div", { class: "alive-graph" });
    const sliders = Object.fromEntries(Object.entries(INPUTS).map(([name, [low, high]]) =>
      [name, window.alive.slider({
        label: name === "y" ? "Label y" : (name.startsWith("x") ? "Feature " : "Weight ") + data.names[name],
        min: low, max: high, step: 0.05, value: state[name], wide: name === "y" ? [0, 1] : [-FARTHEST, FARTHEST],
        change: (number) => set({ [name]: number }),
      })]));
    sliders.rate = window.alive.slider({ label: "Learning rate η", min: 0.1, max: 10, step: 0.1, value: state.rate,
      wide: [0, 1000], change: (rate) => set({ rate }) });
    const values = el("tbody");
    const table = el("table", { class: "alive-values" },
      el("thead", {}, el("tr", {}, ...["Quantity", "Value", "Derivative of ℓ by it"].map((t) => el("th", { scope: "col" }, t)))), values);

    function set(changes) {
      const before = state.step;
      put(changes);
      show();
      const drawing = box.firstChild;
      if (state.step !== before && drawing && !window.alive.calm()) pulse(drawing, drawing.width.baseVal.value, state.step);
    }

    function show() {
      const { value, slope } = compute(state);
      const { title: name, lines: made } = STEPS[state.step];
      const focused = document.activeElement;
      back.disabled = first.disabled = state.step === 0;
      next.disabled = all.disabled = state.step === LAST;
      // A button that has just been switched off must not take the keyboard with it.
      if (focused && focused.disabled) (state.step === 0 ? next : back).focus();
      title.textContent = `Step ${state.step} of ${LAST}: ${name}.`;
      lines.replaceChildren(...made(value, slope, state).map((line) => el("p", {}, line)));
      for (const [key, slider] of Object.entries(sliders)) slider.set(Number(state[key].toPrecision(6)));
      values.replaceChildren(...Object.keys(data.names).map((key) => {
        const row = el("tr", {}, el("th", { scope: "row" }, data.names[key]), el("td", {}, format(value[key])), el("td", {}, format(slope[key])));
        Object.assign(row.dataset, { name: key, value: value[key], slope: slope[key] });
        return row;
      }));
      redraw();
    }

    // --- Weights are dragged on their edges: to the right and up for more, or by the arrow keys.

    let held = null;
    const nudge = (name, by) => set({ [name]: Math.round(20 * (state[name] + by)) / 20 });
    box.addEventListener("pointerdown", (event) => {
      const name = event.target.closest(".alive-weight")?.dataset.name;
      if (!name) return;
      held = { name, from: state[name], x: event.clientX, y: event.clientY };
      box.setPointerCapture(event.pointerId);
    });
    box.addEventListener("pointermove", (event) => {
      if (!held) return;
      const by = (event.clientX - held.x - (event.clientY - held.y)) / 40;
      set({ [held.name]: Math.round(20 * Math.max(-4, Math.min(4, held.from + by))) / 20 });
    });
    for (const end of ["pointerup", "pointercancel"]) box.addEventListener(end, () => (held = null));
    box.addEventListener("keydown", (event) => {
      const name = event.target.closest(".alive-weight")?.dataset.name;
      const by = { ArrowLeft: -0.05, ArrowDown: -0.05, ArrowRight: 0.05, ArrowUp: 0.05, PageDown: -0.5, PageUp: 0.5 }[event.key];
      if (!name || !by) return;
      event.preventDefault();
      nudge(name, by);
    });

    const weights = Object.keys(INPUTS).filter((name) => name.startsWith("w"));
    const ask = window.alive.predict({
      question: `Make the weight ${data.names.w21} zero: nobody listens to a₁ any more. Which weights have the derivative 0 then?`,
      options: [data.names.w21, `${data.names.w111} and ${data.names.w121}`, "none", "all"],
      answer(chosen) {
        set({ ...example, w21: 0, step: LAST });
        const { slope } = compute(state);
        const zero = weights.filter((name) => slope[name] === 0);
        const right = [["w21"], ["w111", "w121"], [], weights].findIndex((names) => names.join() === zero.join());
        return { right: chosen === right, says: `The derivative is 0 for ${zero.map((name) => data.names[name]).join(" and ")}: it reaches them ` +
          `only through ${data.names.w21}. The one by ${data.names.w21} itself is ${f(slope.w21)}, so a step brings the unit back.` };
      },
    });

    app.append(
      ask, window.alive.group("Steps", first, back, next, all),
      title, lines, box,
      window.alive.group("Training", descend, reset),
      el("details", { class: "alive-details" }, el("summary", {}, "Change the example and the weights"), ...Object.values(sliders)),
      el("details", { class: "alive-details" }, el("summary", {}, "All values and derivatives"), table));
    const redraw = window.alive.onWidth(box, (width) => {
      const focused = box.contains(document.activeElement) && document.activeElement.dataset.name;
      box.replaceChildren(picture(width, state, state.step, data.names, compute(state)));
      if (focused) box.querySelector(`[data-name="${focused}"]`).focus();
    });
    app.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!move || event.target.tagName !== "BUTTON") return;
      event.preventDefault();
      set({ step: state.step + move });
    });
    show();
    return { state, set, compute, flush, read, last: LAST };
  }

  window.alive.start("graph", build);
})();
