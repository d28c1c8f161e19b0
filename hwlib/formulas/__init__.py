"""Read formulas written in LaTeX, and judge by machine whether what they state is true.

Nothing here knows where a formula comes from: which symbol means what is given as a `Scope`. The
modules, in the order in which a formula passes through them:

- `normalise`: a displayed block to one text per statement,
- `parse`: LaTeX in a strict notation to a tree of `Node` (`tree`), by `grammar.lark`,
- `hand`: LaTeX, Unicode and words as people type them to the same trees, with `spelling`,
  `names` and `calls`,
- `notation`: what each symbol means,
- `evaluate`: a tree to a number, an array or a SymPy expression, with `algebra` and `arrays`,
- `judge`: is the left side of each link equal to the right side, at random points,
- `answer`: is an answer equal to the right formula, at random points,
- `symbolic`: can SymPy prove it.
"""
