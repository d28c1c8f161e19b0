/* Loss explorer: three ways to compute the logistic loss in float64, against the truth.
   The truth comes from whole numbers of any length (BigInt), cut to a fixed number of binary
   places: 160 places more than the smallest quantity needs. */
(function () {
  "use strict";
  const { el, svg } = window.alive;

  // --- In float64, as anyone would type it ------------------------------------------------------

  const sigmoid = (z) => (z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z)));
  const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

  const forms = {
    naive: (y, z) => -y * Math.log(sigmoid(z)) - (1 - y) * Math.log(1 - sigmoid(z)),
    usual: (y, z) => softplus(z) - y * z,
    stable(y, z) {
      const share = z > 0 ? 1 - y : y;
      return Math.log1p(Math.exp(-Math.abs(z))) + (share === 0 ? 0 : share * Math.abs(z));
    },
  };

  // --- In whole numbers: n stands for n / 2^places ------------------------------------------------

  const bits = (n) => n.toString(2).length;
  const placesFor = (z) => 160 + Math.ceil(1.45 * Math.abs(z));

  /* A float64 number as a whole number, cut to `places` binary places. */
  function fixed(value, places) {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, Math.abs(value));
    const raw = view.getBigUint64(0);
    const exponent = Number(raw >> 52n);
    const mantissa = (raw & 0xfffffffffffffn) | (exponent ? 1n << 52n : 0n);
    const shift = BigInt(places + Math.max(exponent, 1) - 1075);
    const size = shift >= 0n ? mantissa << shift : mantissa >> -shift;
    return value < 0 ? -size : size;
  }

  /* The float64 number nearest to n / 2^places, subnormal ones included. */
  function toFloat(n, places) {
    if (n === 0n) return 0;
    const exponent = bits(n) - places; // n / 2^places lies below 2^exponent
    const keep = Math.min(53, exponent + 1074);
    const cut = bits(n) - keep;
    let kept = n << BigInt(Math.max(-cut, 0));
    if (cut > 0) {
      kept = n >> BigInt(cut);
      const rest = n - (kept << BigInt(cut));
      const half = 1n << BigInt(cut - 1);
      if (rest > half || (rest === half && kept & 1n)) kept += 1n;
    }
    const power = exponent - keep;
    return Number(kept) * 2 ** Math.max(power, -1000) * 2 ** Math.min(power + 1000, 0);
  }

  /* n / 2^places > 0 in decimal, not rounded to float64 first: 16 digits and the power of ten. */
  function decimal(n, places) {
    const powerOf = (k) => 10n ** BigInt(k);
    const scaled = (k) => (k >= 0 ? n * powerOf(k) : n / powerOf(-k)) >> BigInt(places);
    let shift = 15 - Math.floor((bits(n) - places) * Math.log10(2));
    while (scaled(shift) >= powerOf(16)) shift -= 1;
    while (scaled(shift) < powerOf(15)) shift += 1;
    const text = String((scaled(shift + 1) + 5n) / 10n);
    return { mantissa: `${text[0]}.${text.slice(1, 16)}`, exponent: text.length - 1 - shift };
  }

  /* e^-x for x >= 0: the series of x / 2^k, squared k times. */
  function expMinus(x, places) {
    const extra = 64;
    const k = Math.max(0, bits(x) - places) + 16;
    const one = 1n << BigInt(places + extra);
    const small = (x << BigInt(extra)) >> BigInt(k);
    let term = one;
    let sum = one;
    for (let n = 1n; term !== 0n; n += 1n) {
      term = -(term * small) / (n * one);
      sum += term;
    }
    for (let i = 0; i < k; i++) sum = (sum * sum) >> BigInt(places + extra);
    return sum >> BigInt(extra);
  }

  /* log(1 + t) for 0 <= t <= 1, as twice the inverse hyperbolic tangent of t / (2 + t). */
  function logOnePlus(t, places) {
    const one = 1n << BigInt(places);
    const s = (t * one) / (2n * one + t);
    const square = (s * s) / one;
    let power = s;
    let sum = 0n;
    for (let n = 1n; power !== 0n; n += 2n) {
      sum += power / n;
      power = (power * square) / one;
    }
    return 2n * sum;
  }

  const cache = new Map();

  /* e^-|z| and log(1 + e^-|z|), which do not depend on the label. */
  function tail(z) {
    const size = Math.abs(z);
    if (!cache.has(size)) {
      const places = placesFor(size);
      const e = expMinus(fixed(size, places), places);
      cache.set(size, { places, e, log: logOnePlus(e, places) });
    }
    return cache.get(size);
  }

  /* The true loss, probability and its complement, each {n, places}. */
  function truth(y, z) {
    const { places, e, log } = tail(z);
    const one = 1n << BigInt(places);
    const label = fixed(y, places);
    const share = z > 0 ? one - label : label;
    const large = (one * one) / (one + e); // σ(|z|)
    const small = (e * one) / (one + e); // σ(-|z|)
    return {
      places,
      loss: log + ((share * fixed(Math.abs(z), places)) >> BigInt(places)),
      probability: z < 0 ? small : large,
      complement: z < 0 ? large : small,
    };
  }

  const MOST = -Math.log10(2 ** -53); // decimal digits of a correctly rounded float64 number

  /* How many decimal digits of `value` are right, from 0 to MOST. */
  function digits(value, n, places) {
    if (!Number.isFinite(value)) return 0;
    const off = fixed(value, places) - n;
    if (n === 0n) return off === 0n ? MOST : 0;
    const relative = toFloat(((off < 0n ? -off : off) << 200n) / n, 200);
    return Math.min(MOST, Math.max(0, -Math.log10(relative)));
  }

  // --- The figure -------------------------------------------------------------------------------

  const NAMES = {
    naive: "naive, from ŷ",
    usual: "ζ(z) − y z",
    stable: "stable, y ζ(−z) + (1 − y) ζ(z)",
  };
  const CLASSES = { naive: "alive-2", usual: "alive-4", stable: "alive-1" };
  const LIMIT = 800;
  const FULL = 14.5; // digits from which on a number counts as right: a few ulp

  /* A number with as many of its digits struck out as are wrong. */
  function shown(value, right) {
    const cell = el("td", { class: "alive-number" });
    if (!Number.isFinite(value)) {
      cell.append(el("span", { class: "alive-wrong" }, window.alive.format(value)));
      return cell;
    }
    const [mantissa, exponent] = value.toExponential(15).split("e");
    const keep = right >= FULL ? mantissa.length : Math.floor(right) + (right >= 1 ? 1 : 0);
    const power = timesTen(Number(exponent));
    const head = mantissa.slice(0, keep);
    const rest = mantissa.slice(keep);
    cell.append(head.replace("-", "−"));
    if (rest) cell.append(el("span", { class: "alive-wrong" }, value === 0 ? "0" : rest));
    cell.append(power);
    return cell;
  }

  const timesTen = (exponent) => el("span", { class: "alive-power" },
    exponent ? ` · 10${window.alive.superscript(exponent)}` : "");

  const digitsText = (right) =>
    right >= FULL ? "all" : right < 0.5 ? "none" : `about ${Math.round(right)}`;

  function verdict(y, z, found) {
    const { format } = window.alive;
    const { mantissa, exponent } = found.decimal;
    const loss = exponent < -300 ? `${Number(mantissa).toFixed(3)}\u00a0·\u00a010${window.alive.superscript(exponent)}`
      : format(found.true);
    const begin = `At z = ${format(z, 6)} and y = ${format(y, 6)} the loss is ${loss}. `;
    const words = (key) => {
      const [value, right] = [found[key], found.digits[key]];
      if (Number.isNaN(value)) return "is not a number: it takes 0 times the logarithm of 0";
      if (!Number.isFinite(value)) return "is infinite: it takes the logarithm of 0";
      if (right >= FULL) return "has all its digits";
      const nearest = value === found.true ? "; no float64 number is nearer, so close to 0 they have few digits" : "";
      if (right < 0.5) return `is ${format(value)}, with no correct digit${nearest}`;
      if (nearest) return `has about ${Math.round(right)} correct digits${nearest}`;
      return `has lost about ${Math.round(16 - right)} of its 16 digits`;
    };
    return begin + `The naive form ${words("naive")}; the short one, ζ(z) − y z, ${words("usual")}; ` +
      `the stable one ${words("stable")}.`;
  }

  function at(y, z) {
    const exact = truth(y, z);
    const found = { true: toFloat(exact.loss, exact.places), digits: {} };
    found.decimal = decimal(exact.loss, exact.places);
    found.sigma = sigmoid(z);
    found.complement = 1 - found.sigma;
    found.trueSigma = toFloat(exact.probability, exact.places);
    found.trueComplement = toFloat(exact.complement, exact.places);
    found.digits.sigma = digits(found.sigma, exact.probability, exact.places);
    found.digits.complement = digits(found.complement, exact.complement, exact.places);
    for (const [key, form] of Object.entries(forms)) {
      found[key] = form(y, z);
      found.digits[key] = digits(found[key], exact.loss, exact.places);
    }
    return found;
  }

  function build(app, data) {
    const { state, set: put, flush, read } = window.alive.state({
      z: window.alive.number(36, -LIMIT, LIMIT),
      y: window.alive.number(1, 0, 1),
      range: window.alive.choice(50, [50, LIMIT]),
    }, (found) => {
      if (Math.abs(found.z) > found.range) found.range = LIMIT;
    });

    const live = window.alive.live();
    const values = el("tbody");
    const table = el("table", { class: "alive-values" },
      el("thead", {}, el("tr", {},
        ...["Computed in float64", "Value", "Digits right"].map((t) => el("th", { scope: "col" }, t)))),
      values);
    const lossBox = el("div", {});
    const digitBox = el("div", {});

    const zSlider = window.alive.slider({
      label: "Logit z", min: -state.range, max: state.range, step: state.range / 200,
      value: state.z, wide: [-LIMIT, LIMIT], change: (z) => set({ z }),
    });
    const ySlider = window.alive.slider({
      label: "Label y", min: 0, max: 1, step: 0.05, value: state.y, change: (y) => set({ y }),
    });
    const rangeSelect = window.alive.select({
      label: "Logits shown", value: String(state.range),
      options: { 50: "−50 to 50", [LIMIT]: "−800 to 800" },
      change: (range) => set({ range: Number(range), z: Math.max(-range, Math.min(range, state.z)) }),
    });
    const presets = window.alive.group("Examples", "Try: ",
      ...(data.presets || []).map((p) => window.alive.button(p.label, () => set({ z: p.z, y: p.y, range: p.range }))));

    function set(changes) {
      put(changes);
      if (Math.abs(state.z) > state.range) put({ range: LIMIT });
      show();
    }

    function row(name, value, right, key) {
      const mark = key && svg("svg", { class: "alive-key", viewBox: "0 0 26 10", "aria-hidden": "true" },
        svg("line", { x1: 0, x2: 26, y1: 5, y2: 5, class: CLASSES[key] }));
      const cell = key ? el("th", { scope: "row" }, mark, name) : el("th", { scope: "row" }, name);
      const line = el("tr", {}, cell, shown(value, right), el("td", {}, digitsText(right)));
      line.dataset.value = String(value);
      line.dataset.digits = String(right);
      return line;
    }

    function show() {
      const { z, y, range } = state;
      zSlider.limits(-range, range, range / 200);
      zSlider.set(z);
      ySlider.set(y);
      rangeSelect.set(String(range));
      const found = at(y, z);
      values.replaceChildren(
        row("ŷ = σ(z)", found.sigma, found.digits.sigma),
        row("1 − ŷ", found.complement, found.digits.complement),
        ...Object.keys(forms).map((key) => row(`loss, ${NAMES[key]}`, found[key], found.digits[key], key)),
        trueRow(found.decimal));
      live.say(verdict(y, z, found));
      redraw.forEach((draw) => draw());
    }

    const trueRow = ({ mantissa, exponent }) => el("tr", { class: "alive-true" },
      el("th", { scope: "row" }, "true loss, to 16 digits"),
      el("td", { class: "alive-number" }, mantissa, timesTen(exponent)), el("td", {}, "–"));

    /* Where the curves are computed: the true values depend on |z| alone and are kept. */
    function samples() {
      const places = [];
      for (let i = -100; i <= 100; i++) places.push((i * state.range) / 100);
      return places;
    }

    function place(axes, marks) {
      const x = axes.px(state.z);
      axes.plot.append(svg("line", { class: "alive-here", x1: x, x2: x, y1: 0, y2: 400 }), ...marks);
      const move = (event) => {
        const left = axes.picture.getBoundingClientRect().left;
        const step = state.range / 200;
        const z = Math.round(axes.invert(event.clientX - left) / step) * step;
        set({ z: Math.min(state.range, Math.max(-state.range, z)) });
      };
      const box = axes.picture.parentElement;
      box.classList.add("alive-drag");
      box.onpointerdown = (event) => {
        box.setPointerCapture(event.pointerId);
        move(event);
      };
      box.onpointermove = (event) => event.buttons && move(event);
    }

    const xAxis = () => ({
      domain: [-state.range, state.range], label: "logit z",
      ticks: [-1, -0.5, 0, 0.5, 1].map((t) => t * state.range),
    });

    function drawLoss(width) {
      const low = state.range === 50 ? -24 : -360;
      const ticks = state.range === 50 ? [0, -5, -10, -15, -20] : [0, -100, -200, -300];
      const axes = window.alive.axes(lossBox, {
        width, height: 230, x: xAxis(), name: `The loss against the logit for the label ${state.y}, on a logarithmic scale`,
        y: { domain: [low, 4], ticks, label: "loss in nats", room: 58,
          format: (t) => (t ? `10${window.alive.superscript(t)}` : "1") },
      });
      const curve = (compute) => samples().map((z) => {
        const value = compute(z);
        return [z, value > 0 ? Math.log10(value) : NaN];
      });
      axes.plot.append(
        window.alive.line(curve((z) => forms.stable(state.y, z)), axes.px, axes.py, { class: CLASSES.stable }),
        window.alive.line(curve((z) => forms.usual(state.y, z)), axes.px, axes.py, { class: CLASSES.usual }),
        window.alive.line(curve((z) => forms.naive(state.y, z)), axes.px, axes.py, { class: CLASSES.naive }));
      place(axes, []);
    }

    function drawDigits(width) {
      const axes = window.alive.axes(digitBox, {
        width, height: 190, x: xAxis(), name: `How many digits of the three forms are right, for the label ${state.y}`,
        y: { domain: [-0.4, 16.4], ticks: [0, 4, 8, 12, 16], label: "digits right", room: 58 },
      });
      for (const key of ["stable", "usual", "naive"]) {
        const curve = samples().map((z) => {
          const exact = truth(state.y, z);
          return [z, digits(forms[key](state.y, z), exact.loss, exact.places)];
        });
        axes.plot.append(window.alive.line(curve, axes.px, axes.py, { class: CLASSES[key] }));
      }
      place(axes, []);
    }

    const places = [17, 30, 37, 710];
    const ask = window.alive.predict({
      question: "The label is 1, and the logit rises: the prediction gets better and better. From where on is the naive loss no number any more?",
      options: [...places.map((z) => `z = ${z}`), "never"],
      answer(chosen) {
        const broken = (z) => !Number.isFinite(forms.naive(1, z));
        const right = [...places.map(broken), true].indexOf(true);
        const z = places[Math.min(chosen, places.length - 1)];
        set({ z, y: 1, range: z > 50 ? LIMIT : 50 });
        const first = Array.from({ length: LIMIT }, (_, i) => i).find(broken);
        return { right: chosen === right, says: `Of the whole numbers, ${first} is the first at which 1 − ŷ rounds to 0, and the form takes 0 times the logarithm of 0.` };
      },
    });

    app.append(
      ask, el("div", { class: "alive-controls" }, zSlider, ySlider, rangeSelect, presets),
      ...live.nodes,
      table, lossBox, digitBox);
    const redraw = [window.alive.onWidth(lossBox, drawLoss), window.alive.onWidth(digitBox, drawDigits)];
    show();
    return { state, set, at, flush, read };
  }

  window.alive.start("loss", build);
})();
