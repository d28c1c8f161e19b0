/* The curves of the four optimisers on Fashion-MNIST, as recorded in training: means over the seeds,
   and bands from the lowest to the highest seed. */
(function () {
  "use strict";
  const { el, svg } = window.alive;

  const KINDS = {
    validation_accuracy: { word: "validation accuracy", label: "validation accuracy in %", times: 100, domain: [0, 100], ticks: [0, 20, 40, 60, 80, 100] },
    validation_loss: { word: "validation loss", label: "validation loss in nats", times: 1, domain: [0, 2.6], ticks: [0, 0.5, 1, 1.5, 2, 2.5] },
    train_loss: { word: "training loss", label: "training loss in nats", times: 1, domain: [0, 2.6], ticks: [0, 0.5, 1, 1.5, 2, 2.5] },
  };

  /* Mean, lowest and highest over the seeds at one epoch, counted from 0. */
  function spread(seeds, epoch, times) {
    const values = seeds.map((curve) => times * curve[epoch]);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return { mean, low: Math.min(...values), high: Math.max(...values) };
  }

  function build(app, data) {
    const names = Object.keys(data.runs);
    const { state, set: put, flush, read } = window.alive.state({
      curve: window.alive.choice("validation_accuracy", Object.keys(KINDS)),
      epoch: window.alive.number(data.epochs, 1, data.epochs, true),
      without: window.alive.without(names.length),
    });

    const box = el("div", { class: "alive-drag" });
    const live = window.alive.live();
    const values = el("tbody");
    const hidden = () => new Set(state.without.split(",").filter(Boolean).map(Number));
    const kind = window.alive.select({
      label: "Curve", value: state.curve,
      options: Object.fromEntries(Object.entries(KINDS).map(([key, { label }]) => [key, label])),
      change: (curve) => set({ curve }),
    });
    const epoch = window.alive.slider({ label: "Epoch", min: 1, max: data.epochs, step: 1, value: state.epoch,
      change: (e) => set({ epoch: e }) });
    const boxes = names.map((name, i) => window.alive.checkbox({ label: name, value: !hidden().has(i), change: (on) => {
      const without = hidden();
      without[on ? "delete" : "add"](i);
      set({ without: [...without].join(",") });
    } }));

    function set(changes) {
      put(changes);
      show();
    }

    function at(name, e = state.epoch) {
      return spread(data.runs[name][state.curve], e - 1, KINDS[state.curve].times);
    }

    function show() {
      kind.set(state.curve);
      epoch.set(state.epoch);
      const off = hidden();
      boxes.forEach((one, i) => one.set(!off.has(i)));
      const up = state.curve === "validation_accuracy";
      values.replaceChildren(...names.map((name, i) => {
        const { mean, low, high } = at(name);
        const key = svg("svg", { class: "alive-key", viewBox: "0 0 26 10", "aria-hidden": "true" },
          svg("line", { x1: 0, x2: 26, y1: 5, y2: 5, class: window.alive.LINES[i] }));
        const row = el("tr", {}, el("th", { scope: "row" }, key, name), ...[mean, low, high].map((v) => el("td", {}, v.toFixed(up ? 2 : 3))));
        row.dataset.mean = mean;
        return row;
      }));
      const best = names.reduce((a, b) => ((at(b).mean - at(a).mean) * (up ? 1 : -1) > 0 ? b : a));
      live.say(`After ${state.epoch} of ${data.epochs} epochs ${best} leads, with a ${KINDS[state.curve].word} of ` +
        `${at(best).mean.toFixed(up ? 2 : 3)}${up ? " %" : " nats"}, mean of ${data.seeds.length} seeds.`);
      redraw();
    }

    function draw(width) {
      const { label, domain, ticks, times } = KINDS[state.curve];
      const axes = window.alive.axes(box, {
        width, height: 300, x: { domain: [1, data.epochs], ticks: [1, 5, 10, 15, 20].filter((t) => t <= data.epochs), label: "epoch" },
        y: { domain, ticks, label },
        name: `The ${label} against the epoch for the optimisers chosen; the table holds the numbers at epoch ${state.epoch}`,
      });
      const off = hidden();
      names.forEach((name, i) => {
        if (off.has(i)) return;
        const points = Array.from({ length: data.epochs }, (_, e) => ({ e: e + 1, ...spread(data.runs[name][state.curve], e, times) }));
        const outline = [...points.map((p) => [p.e, p.high]), ...points.slice().reverse().map((p) => [p.e, p.low])];
        const band = outline.map(([e, v]) => `${axes.px(e).toFixed(1)},${axes.py(Math.min(v, 1e3)).toFixed(1)}`).join(" ");
        axes.plot.append(
          svg("polygon", { points: band, class: `alive-band ${window.alive.BANDS[i]}` }),
          window.alive.line(points.map((p) => [p.e, Math.min(p.mean, 1e3)]), axes.px, axes.py, { class: window.alive.LINES[i] }));
      });
      const x = axes.px(state.epoch);
      axes.plot.append(svg("line", { class: "alive-here", x1: x, x2: x, y1: 0, y2: 300 }));
      const move = (event) => {
        const e = axes.invert(event.clientX - axes.picture.getBoundingClientRect().left);
        set({ epoch: e });
      };
      box.onpointerdown = (event) => {
        box.setPointerCapture(event.pointerId);
        move(event);
      };
      box.onpointermove = (event) => event.buttons && move(event);
    }

    app.append(
      kind, epoch, window.alive.group("Optimisers shown", ...boxes), box, ...live.nodes,
      el("table", { class: "alive-values alive-named" }, el("thead", {}, el("tr", {},
        ...["Optimiser", "Mean", "Lowest seed", "Highest seed"].map((t) => el("th", { scope: "col" }, t)))), values));
    const redraw = window.alive.onWidth(box, draw);
    show();
    return { state, set, at, flush, read };
  }

  window.alive.start("curves", build);
})();
