"""Read the display equations of the book, and decide by machine whether each one holds.

``python -m tools.equations`` prints how every equation was decided. The book's page "How this book
checks itself" (`book/checks.md`) says what an author has to follow.

- `extract`: chapters to labelled statements,
- `tables`: `notation.toml`, and which meanings are in force at a statement,
- `report`: how every link of the book was decided.

`hwlib.formulas` reads and judges a formula, and knows nothing of the book.
"""
