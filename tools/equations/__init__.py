"""Read the display equations of the book, and decide by machine whether each one holds.

``python -m tools.equations`` prints how every equation was decided, and with ``--plant`` which
planted errors nobody noticed. The book's page "How this book checks itself" (`book/checks.md`) says
what an author has to follow. The modules, in the order in which an equation passes through them:

- `extract`: chapters to labelled statements,
- `parse`: LaTeX to a tree of `Node`,
- `notation`: what each symbol means at a given place of the book,
- `evaluate`: a tree to a number, an array or a SymPy expression,
- `check`: is the left side of each link equal to the right side,
- `mutate`: the same equations with planted errors,
- `planted`: who notices such an error,
- `functions`: equations against the functions that name them,
- `report`: how every link of the book was decided.
"""
