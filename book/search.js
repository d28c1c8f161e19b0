// Sphinx puts this behind its own search: chapters come first, and what is shown of a page has no
// formulas, whose letters would run into each other.
const CHAPTER = /^book\/\d\d_/;
Scorer = {
  ...Scorer,
  score: ([page, , , , score]) => score + (CHAPTER.test(page) ? 200 : 0),
};
const toText = Search.htmlToText;
Search.htmlToText = (page, anchor) => {
  const parsed = new DOMParser().parseFromString(page, "text/html");
  parsed.querySelectorAll("math, .formula, .eqno").forEach((math) => math.replaceWith(" … "));
  parsed.querySelectorAll("dt, dd, li, td, th, p").forEach((block) => block.append(" "));
  return toText(parsed.documentElement.outerHTML, anchor).replace(/(\s*…)+\s*/g, " … ");
};
