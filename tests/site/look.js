// What an eye sees first on a page: words on top of each other, lines that are cut, an equation that
// does not start where one looks. Returns one sentence for each fault. Geometry only; it is evaluated
// in every browser, at every width, in every mode.
(() => {
  const faults = [];
  const width = document.documentElement.clientWidth;
  const article = document.querySelector("main article") || document.querySelector("main");
  const name = (node) => (node.textContent || "").trim().replace(/\s+/g, " ").slice(0, 40);
  const shown = (e) =>
    e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    getComputedStyle(e).clipPath === "none" && e.getClientRects().length;

  // Words on top of each other. What scrolls is cut off at its box before it is compared.
  const boxes = [];
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  const edges = new Map([[article, [-Infinity, Infinity]]]);
  const edgesOf = (element) => {
    if (!edges.has(element)) {
      let [left, right] = edgesOf(element.parentElement);
      if (getComputedStyle(element).overflowX !== "visible") {
        const outer = element.getBoundingClientRect();
        [left, right] = [Math.max(left, outer.left), Math.min(right, outer.right)];
      }
      edges.set(element, [left, right]);
    }
    return edges.get(element);
  };
  while (walker.nextNode()) {
    const text = walker.currentNode;
    const parent = text.parentElement;
    // The letters of one formula stand as the font wants them.
    const math = parent.closest("math");
    if (math && boxes.at(-1)?.owner === math) continue;
    if (!text.data.trim() || !shown(parent) || parent.closest("svg, canvas")) continue;
    const owner = math || text;
    const range = document.createRange();
    range.selectNodeContents(owner);
    const [first, last] = edgesOf(math ? math.parentElement : parent);
    const rects = math ? [math.getBoundingClientRect()] : range.getClientRects();
    for (const { left, right, top, bottom } of rects) {
      const box = { owner, left: Math.max(left, first), right: Math.min(right, last), top, bottom };
      if (box.right - box.left > 2 && bottom - top > 2) boxes.push(box);
    }
  }
  boxes.sort((a, b) => a.top - b.top);
  for (let i = 0; i < boxes.length; i += 1) {
    const a = boxes[i];
    for (let j = i + 1; j < boxes.length && boxes[j].top < a.bottom; j += 1) {
      const b = boxes[j];
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - b.top;
      const low = Math.min(a.bottom - a.top, b.bottom - b.top);
      if (a.owner !== b.owner && across > 2 && down > 0.45 * low) {
        faults.push(`on top of each other: ${name(a.owner)} | ${name(b.owner)}`);
      }
    }
  }

  // Cut: code that does not fit its box, and what reaches over the edge and cannot be scrolled to.
  // The letters of a formula and the lines of a drawing are not looked at one by one.
  const elements = article.querySelectorAll(":not(math *, svg *)");
  for (const e of elements) {
    if (e.closest("svg, math, .alive-app") || !shown(e)) continue;
    const { overflowX } = getComputedStyle(e);
    const wide = e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0;
    if (wide && (e.tagName === "PRE" || overflowX === "hidden" || overflowX === "clip")) {
      faults.push(`cut: ${name(e)}`);
    }
  }
  for (const e of document.querySelectorAll(".prev-next-area > a, #search-results, .bd-search")) {
    const box = e.getBoundingClientRect();
    if (shown(e) && (box.left < -1 || box.right > width + 1 || e.scrollWidth > e.clientWidth + 1)) {
      faults.push(`cut: ${name(e)}`);
    }
  }

  // Too wide: what reaches over the right edge without a box of its own in which it scrolls. Paper
  // scrolls nowhere, and a browser prints a wide table smaller.
  if (document.documentElement.scrollWidth > width && matchMedia("screen").matches) {
    const wide = [...document.querySelectorAll("main *")].filter(
      (e) => e.getBoundingClientRect().right > width + 1);
    faults.push(...wide.slice(0, 5).map((e) => `too wide: ${e.tagName} ${name(e)}`));
  }

  // Equations start where one looks, and no number stands over one.
  for (const formula of article.querySelectorAll(".formula")) {
    if (!shown(formula)) continue;
    const outer = formula.getBoundingClientRect();
    const first = formula.querySelector("math").getBoundingClientRect();
    if (first.left < outer.left - 1 || first.left < 0 || first.left > width) {
      faults.push(`an equation does not start in sight: ${name(formula)}`);
    }
    const number = formula.parentElement.querySelector(".eqno")?.getBoundingClientRect();
    if (number && (number.right > width + 1 ||
        (number.left < outer.right - 1 && number.top < outer.bottom - 1))) {
      faults.push(`the number of an equation stands over it: ${name(formula)}`);
    }
  }

  // A link among words is underlined, or has another colour than they.
  for (const link of article.querySelectorAll("p a, li a, dd a, td a")) {
    const words = link.closest("p, li, dd, td");
    const { color, textDecorationLine } = getComputedStyle(link);
    if (shown(link) && name(words) !== name(link) && textDecorationLine === "none" &&
        color === getComputedStyle(words).color) {
      faults.push(`a link like the words around it: ${name(link)}`);
    }
  }

  // What opens by a tap is large enough for a finger.
  for (const e of article.querySelectorAll("summary")) {
    const { height } = e.getBoundingClientRect();
    if (shown(e) && height < 23.5) faults.push(`too low for a finger, ${height}: ${name(e)}`);
  }

  // No cell of a table is so narrow that its words stand below each other, one in a line.
  for (const cell of article.querySelectorAll("td, th")) {
    const range = document.createRange();
    range.selectNodeContents(cell);
    const { width: wide, height } = range.getBoundingClientRect();
    const words = name(cell).split(" ").length;
    if (shown(cell) && words > 4 && wide < 90 && height > 20 * words) {
      faults.push(`one word a line: ${name(cell)}`);
    }
  }

  // Headings get lighter, step by step.
  const weights = [...article.querySelectorAll("h1, h2, h3, h4")].map((h) =>
    [Number(h.tagName[1]), Number(getComputedStyle(h).fontWeight)]);
  if (weights.some(([a, heavy]) => weights.some(([b, other]) => a < b && heavy < other))) {
    faults.push("a heading is bolder than one above it");
  }

  // In dark mode, nothing but pictures is pale.
  if (document.documentElement.dataset.theme === "dark") {
    for (const e of elements) {
      if (e.closest("img, svg, canvas, .alive-app, mark, .highlighted") || !shown(e)) continue;
      const [r, g, b, a = 1] = getComputedStyle(e).backgroundColor.match(/[\d.]+/g).map(Number);
      const box = e.getBoundingClientRect();
      if (a > 0.5 && (r + g + b) / 3 > 150 && box.width * box.height > 900) {
        faults.push(`a pale box in dark mode: ${e.tagName} ${name(e)}`);
      }
    }
  }
  return [...new Set(faults)];
})()
