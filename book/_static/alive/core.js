/* What the interactive figures share: elements, controls, the state in the address, axes.
   Classic scripts instead of modules, so that the pages also work when opened from the disk. */
(function () {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const alive = (window.alive = { figures: {} });

  // --- Elements ---------------------------------------------------------------------------------

  function fill(element, attributes, children) {
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (value === true) element.setAttribute(key, "");
      else if (value !== false && value != null) element.setAttribute(key, value);
    }
    element.append(...children.flat().filter((child) => child != null));
    return element;
  }

  /* An HTML element: attributes, "onclick" and the like as listeners, then its children. */
  alive.el = (tag, attributes, ...children) =>
    fill(document.createElement(tag), attributes, children);

  /* An SVG element, likewise. */
  alive.svg = (tag, attributes, ...children) =>
    fill(document.createElementNS(SVG, tag), attributes, children);

  /* The classes of four lines, marks and bands; written out, since rules that no script names are
     dropped from the style sheets when the site is built. */
  alive.LINES = ["alive-1", "alive-2", "alive-3", "alive-4"];
  alive.MARKS = ["alive-mark-1", "alive-mark-2", "alive-mark-3", "alive-mark-4"];
  alive.BANDS = ["alive-band-1", "alive-band-2", "alive-band-3", "alive-band-4"];

  // --- Numbers ----------------------------------------------------------------------------------

  const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴" };
  Object.assign(SUPERSCRIPT, { 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" });

  alive.superscript = (n) => [...String(n)].map((c) => SUPERSCRIPT[c]).join("");

  /* A number for reading: some significant digits, powers of ten written out, a true minus. */
  alive.format = function (value, digits = 4) {
    if (Number.isNaN(value)) return "NaN";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    if (value === 0) return "0";
    const size = Math.abs(value);
    let text;
    if (size >= 1e5 || size < 1e-3) {
      const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
      text = `${mantissa}\u00a0·\u00a010${alive.superscript(Number(exponent))}`;
    } else text = String(Number(value.toPrecision(digits)));
    return text.replace(/^-/, "−");
  };

  // --- The state in the address -------------------------------------------------------------------

  /* What an entry of the state may be: its value at the start, and `read`, which makes of anything,
     above all of what an address says, something that is allowed. */
  alive.number = (value, low, high, whole = false) => ({
    value,
    read(given) {
      const number = typeof given === "string" && given.trim() === "" ? NaN : Number(given ?? NaN);
      if (!Number.isFinite(number)) return value;
      return Math.min(high, Math.max(low, whole ? Math.round(number) : number)) + 0; // no -0
    },
  });
  alive.choice = (value, options) => ({
    value,
    read: (given) => options.find((option) => String(option) === String(given)) ?? value,
  });
  alive.text = (value, allowed) => ({ value, read: (given) => (allowed(given) ? given : value) });
  /* Which of `n` things are left out: their numbers, in order, between commas. */
  alive.without = (n) => {
    const clean = (text) => Array.from({ length: n }, (_, i) => i)
      .filter((i) => String(text).split(",").includes(String(i))).join(",");
    return { value: "", read: (given) => clean(given ?? "") };
  };

  /* Keep the state of a figure in the address, so that a copied address leads to the same view.
     `rules` gives names and what is allowed, as made above; `set` reads changes by them. Only what
     differs from the start is written. Without permission to change the query, the fragment takes
     it. `adjust` may complete what was read, and is told which names the address held. */
  alive.state = function (rules, adjust = () => {}) {
    function read() {
      const query = new URLSearchParams(location.search);
      const fragment = new URLSearchParams(location.hash.slice(1));
      const found = {};
      const given = new Set();
      for (const [key, rule] of Object.entries(rules)) {
        const text = fragment.get(key) ?? query.get(key);
        if (text !== null) given.add(key);
        found[key] = text === null ? rule.value : rule.read(text);
      }
      adjust(found, given);
      return found;
    }
    const state = read();
    let timer = 0;
    function write() {
      const next = new URLSearchParams(location.search);
      for (const [key, { value }] of Object.entries(rules)) {
        if (state[key] === value) next.delete(key);
        else next.set(key, state[key]);
      }
      const text = next.toString();
      try {
        const hash = /=/.test(location.hash) ? "" : location.hash;
        history.replaceState(null, "", location.pathname + (text && `?${text}`) + hash);
      } catch {
        location.replace(`#${text}`);
      }
    }
    /* Browsers limit how often the address may change, hence the pause. */
    function set(changes) {
      for (const [key, value] of Object.entries(changes)) state[key] = rules[key].read(value);
      clearTimeout(timer);
      timer = setTimeout(write, 200);
    }
    return { state, set, flush: write, read };
  };

  // --- Controls ---------------------------------------------------------------------------------

  let count = 0;
  const newId = (stem) => `alive-${stem}-${++count}`;

  /* A slider with a box for typing the number beside it; both call `change(value)`. */
  alive.slider = function ({ label, min, max, step, value, change, wide }) {
    const id = newId("slider");
    const clamp = (x) => Math.min(wide ? wide[1] : max, Math.max(wide ? wide[0] : min, x));
    const range = alive.el("input", { type: "range", id, min, max, step, value });
    const box = alive.el("input", {
      type: "number", step: "any", value, "aria-label": `${label}, typed`,
    });
    range.addEventListener("input", () => {
      box.value = range.value;
      change(Number(range.value));
    });
    box.addEventListener("change", () => {
      const typed = Number(box.value);
      const next = box.value.trim() === "" || !Number.isFinite(typed) ? Number(range.value) : clamp(typed);
      box.value = range.value = next;
      box.value = next;
      change(next);
    });
    const row = alive.el("div", { class: "alive-control" },
      alive.el("label", { for: id }, label), range, box);
    row.set = (next) => {
      range.value = next;
      box.value = next;
    };
    row.limits = (low, high, by) => Object.assign(range, { min: low, max: high, step: by });
    return row;
  };

  alive.button = (text, click, attributes) =>
    alive.el("button", { type: "button", class: "alive-button", onclick: click, ...attributes }, text);

  /* A choice; `options` maps values to what is shown. */
  alive.select = function ({ label, options, value, change }) {
    const id = newId("select");
    const choices = Object.entries(options).map(([key, text]) =>
      alive.el("option", { value: key, selected: key === value }, text));
    const select = alive.el("select", { id, onchange: () => change(select.value) }, choices);
    const row = alive.el("div", { class: "alive-control" }, alive.el("label", { for: id }, label), select);
    row.set = (next) => {
      select.value = next;
    };
    return row;
  };

  alive.checkbox = function ({ label, value, change }) {
    const box = alive.el("input", { type: "checkbox", onchange: () => change(box.checked) });
    box.checked = value;
    const row = alive.el("label", { class: "alive-check" }, box, ` ${label}`);
    row.set = (next) => {
      box.checked = next;
    };
    return row;
  };

  alive.group = (label, ...children) =>
    alive.el("div", { class: "alive-group", role: "group", "aria-label": label }, ...children);

  /* Sentences that a screen reader speaks once the reader has stopped changing things. */
  alive.live = function () {
    const shown = alive.el("p", { class: "alive-says" });
    const spoken = alive.el("p", { class: "alive-hidden", role: "status" });
    let timer = 0;
    return {
      nodes: [shown, spoken],
      say(text) {
        shown.textContent = text;
        clearTimeout(timer);
        timer = setTimeout(() => {
          spoken.textContent = text;
        }, 900);
      },
    };
  };

  /* A question to answer before the figure is touched: `answer(chosen)` puts the figure into the
     state in question and returns whether the choice, counted from 0, was right, and what happened. */
  alive.predict = function ({ question, options, answer }) {
    const says = alive.el("p", { class: "alive-outcome", role: "status" });
    const buttons = options.map((text, i) => alive.button(text, () => {
      buttons.forEach((one, k) => one.setAttribute("aria-pressed", String(k === i)));
      const { right, says: outcome } = answer(i);
      says.textContent = `${right ? "As you said." : "Not quite."} ${outcome}`;
    }, { "aria-pressed": "false" }));
    return alive.el("div", { class: "alive-predict", role: "group", "aria-label": "Predict first" },
      alive.el("p", {}, alive.el("strong", {}, "Predict first: "), question), alive.el("div", { class: "alive-group" }, ...buttons), says);
  };

  function linkButton(flush) {
    const told = alive.el("span", { class: "alive-told", role: "status" });
    const button = alive.button("Copy link to this view", async () => {
      flush();
      try {
        await navigator.clipboard.writeText(location.href);
        told.textContent = "Copied.";
      } catch {
        told.textContent = "The address of this page leads to this view: copy it from above.";
      }
    });
    return alive.el("div", { class: "alive-link" }, button, told);
  }

  // --- Drawing ----------------------------------------------------------------------------------

  /* Call `draw(width)` now and whenever the width of `box` changes. */
  alive.onWidth = function (box, draw) {
    let last = 0;
    new ResizeObserver((entries) => {
      const width = Math.floor(entries[0].contentRect.width);
      if (width > 0 && width !== last) draw((last = width));
    }).observe(box);
    return () => last && draw(last);
  };

  /* An empty chart: axes with ticks and labels. x and y have `domain`, `ticks` and `label`.
     Returns the SVG group to draw on and the functions from numbers to places. */
  alive.axes = function (box, { width, height, x, y, name }) {
    const [left, right, top, bottom] = [y.room || 46, 12, 12, 40];
    const scale = ([low, high], from, to) => (value) => from + ((value - low) / (high - low)) * (to - from);
    const px = scale(x.domain, left, width - right);
    const py = scale(y.domain, height - bottom, top);
    const text = (value, axis) => (axis.format || alive.format)(value);
    const grid = alive.svg("g", { class: "alive-axes" });
    for (const tick of y.ticks) {
      grid.append(
        alive.svg("line", { x1: left, x2: width - right, y1: py(tick), y2: py(tick) }),
        alive.svg("text", { x: left - 6, y: py(tick), dy: "0.32em", "text-anchor": "end" }, text(tick, y)));
    }
    for (const tick of x.ticks) {
      grid.append(
        alive.svg("line", { x1: px(tick), x2: px(tick), y1: top, y2: height - bottom }),
        alive.svg("text", { x: px(tick), y: height - bottom + 15, "text-anchor": "middle" }, text(tick, x)));
    }
    grid.append(
      alive.svg("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, x.label),
      alive.svg("text", {
        transform: `translate(11 ${(top + height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle",
      }, y.label));
    const clip = newId("clip");
    const plot = alive.svg("g", { "clip-path": `url(#${clip})` });
    const picture = alive.svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name },
      alive.svg("clipPath", { id: clip }, alive.svg("rect", {
        x: left, y: top - 3, width: width - left - right, height: height - top - bottom + 6,
      })),
      grid, plot);
    box.replaceChildren(picture);
    const invert = (place) => x.domain[0] + ((place - left) / (width - right - left)) * (x.domain[1] - x.domain[0]);
    return { picture, plot, px, py, invert };
  };

  /* A path through points; a point that is not finite interrupts it. */
  alive.line = function (points, px, py, attributes) {
    let pen = "M";
    let path = "";
    for (const [x, y] of points) {
      if (!Number.isFinite(y)) {
        pen = "M";
        continue;
      }
      path += `${pen}${px(x).toFixed(1)} ${py(y).toFixed(1)}`;
      pen = "L";
    }
    return alive.svg("path", { d: path, fill: "none", ...attributes });
  };

  alive.calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  // --- Start ------------------------------------------------------------------------------------

  /* Build the figure `name` in its place: `build(app, data)` fills the element and returns the
     functions to test, with `flush` to write the state into the address and `read` to take it from there. `data` names its numbers.
     The table that stood there without JavaScript moves below, behind a line to open it. */
  alive.start = function (name, build, data = name) {
    const app = document.querySelector(`[data-alive="${name}"]`);
    if (!app) return;
    const figure = app.closest("figure");
    const fallback = figure.querySelector(".alive-fallback");
    try {
      app.setAttribute("role", "group");
      app.setAttribute("aria-label", app.dataset.alt);
      app.hidden = false;
      const api = build(app, (window.aliveData || {})[data] || {});
      alive.figures[name] = api;
      // The page must not turn to the next chapter where an arrow key has done its work here.
      app.addEventListener("keydown", (event) => event.defaultPrevented && event.stopPropagation());
      if (api.flush) app.append(linkButton(api.flush));
      // Another address of the same page, typed or gone back to.
      if (api.read) addEventListener("hashchange", () => /=/.test(location.hash) && api.set(api.read()));
      const details = alive.el("details", { class: "alive-details" }, alive.el("summary", {}, "Some of its numbers as a table"));
      fallback.before(details);
      details.append(fallback);
      app.dataset.ready = "yes";
    } catch (error) {
      app.hidden = true;
      console.error(error);
    }
  };
})();
