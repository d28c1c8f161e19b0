"""What people type for a formula, as tokens: LaTeX, Unicode and plain words become one spelling."""

import re
import unicodedata
from typing import NamedTuple

from hwlib.formulas.normalise import BREAK, ROW, fractions, outside_cases
from hwlib.formulas.tree import NotationError

LONGEST = 10_000  # characters of an answer
RAISED, LOWERED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁱⁿᵀᵏᵇᵈʸ", "₀₁₂₃₄₅₆₇₈₉₊₋ᵢⱼₖₙₜ"
ON_THE_LINE = str.maketrans(RAISED + LOWERED, "0123456789+-()inTkbdy" + "0123456789+-ijknt")
GREEK_NAMES = (
    r"\alpha \beta \gamma \delta \epsilon \zeta \eta \theta \lambda \mu \rho \sigma \tau \phi "
    r"\omega \Delta \ell"
)
GREEK = dict(zip(GREEK_NAMES.split(), "αβγδεζηθλμρστφωΔℓ", strict=True))
SIGNS = {
    **{sign: f"{name} " for name, sign in GREEK.items()},
    **dict.fromkeys("−–‐", "-"),
    **dict.fromkeys("·⋅×∙", r"\cdot "),
    **dict.fromkeys("⊙∘◦", r"\odot "),
    **dict.fromkeys("∑Σ", r"\sum "),
    **dict.fromkeys("′’", "'"),
    **{"∏": r"\prod ", "√": r"\sqrt ", "∂": r"\partial ", "∇": r"\nabla ", "π": r"\pi "},
    **{"≥": r"\ge ", "≤": r"\le ", "≠": r"\ne ", "≈": r"\approx ", "≡": "=", "∣": "|", "∗": "*"},
    **{"½": r"\frac{1}{2}", "¼": r"\frac{1}{4}", "⊤": r"\top "},
    **{"∞": r"\infty ", "±": r"\pm ", "∫": r"\int "},
}
UNICODE = str.maketrans(SIGNS)
# What sets sizes, spaces, fonts or numbers of equations, and means nothing.
SILENT = re.compile(
    r"\\(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle|boxed|limits|nolimits|nonumber|notag"
    r"|math(?:bf|it|rm|sf|cal|scr)|boldsymbol|bm|pmb|vec|q?quad|hfill)(?![A-Za-z])"
    r"|\\[,;:! ]|\\(?:tag|label)\s*\{[^{}]*\}|[~$`]|\\[()\[\]]|(?<!\\)%.*"
)
ENVIRONMENT = re.compile(
    r"\\(?:begin|end)\s*\{(?:equation|align|aligned|gather|gathered|split|displaymath|math)\*?\}"
)
# A font around one letter, whose braces go with it: what is raised after it belongs to the letter.
FONT = re.compile(
    r"\\(?:math(?:bf|it|sf|cal|scr|rm)|boldsymbol|bm|pmb|vec)\s*\{\s*(\\[A-Za-z]+|[A-Za-z\d])\s*\}"
)
SPOKEN = re.compile(
    r"\\(?:mathrm|operatorname\*?|text|textrm|textnormal|mbox)\s*\{\s*([^{}]*?)\s*\}"
)
ALIASES = {
    **dict.fromkeys((r"\lvert", r"\rvert", r"\vert", r"\mid"), "|"),
    **dict.fromkeys((r"\ast", r"\star"), "*"),
    **dict.fromkeys((r"\widehat", r"\^"), r"\hat"),
    **dict.fromkeys((r"\equiv", r"\coloneqq"), "="),
    **{r"\lbrace": r"\{", r"\rbrace": r"\}", r"\lbrack": "[", r"\rbrack": "]", r"\colon": ":"},
    **{r"\geq": r"\ge", r"\leq": r"\le", r"\neq": r"\ne", r"\to": r"\leftarrow", r"\land": ","},
    **{r"\ln": r"\log", r"\times": r"\cdot", r"\circ": r"\odot", r"\arctanh": r"\artanh"},
    **{r"\varepsilon": r"\epsilon", r"\intercal": r"\top", r"\prime": "'"},
}
FUNCTIONS = {
    *(r"\log", r"\exp", r"\max", r"\min", r"\tanh", r"\sinh", r"\cosh", r"\sin", r"\cos"),
    *(r"\abs", r"\sign", r"\relu", r"\sech", r"\plog", r"\artanh"),
}
# Words that stand for a command, with or without a backslash or a font before them.
WORDS = {
    **{name[1:]: name for name in (*FUNCTIONS, *GREEK, r"\sqrt", r"\softmax", r"\sum")},
    **dict.fromkeys(("arctanh", "atanh"), r"\artanh"),
    **dict.fromkeys(("if", "for", "falls", "when"), r"\if"),
    **dict.fromkeys(("otherwise", "else", "sonst"), r"\else"),
    **dict.fromkeys(("BCE", "CE", "NLL", "loss", "Loss"), r"\ell"),
    **{"ln": r"\log", "sigmoid": r"\sigma", "softplus": r"\zeta", "sgn": r"\sign"},
    **{"ReLU": r"\relu", "log1p": r"\plog", "yhat": r"\hat y"},
}
TOKEN = re.compile(
    r"(?P<command>\\[A-Za-z]+|\\.)|(?P<number>\d+(?:\.\d+)?|\.\d+)|(?P<word>log1p|[A-Za-z]+)"
    r"|(?P<sign>:=|<=|>=|==|\S)",
    re.DOTALL,
)


class Token(NamedTuple):
    """A command, a number, a letter or a sign, and where it stands in the text."""

    kind: str
    text: str
    at: int


def spelled(answer: str) -> str:
    """Write an answer in LaTeX alone, without what only sets it.

    A `NotationError` says that it is empty or very long, holds text, or a comma between digits.
    """
    if len(answer) > LONGEST:
        raise NotationError(f"it has more than {LONGEST} characters: write a shorter formula")
    text = ENVIRONMENT.sub(
        " ", SPOKEN.sub(_word, FONT.sub(r"\1 ", BREAK.sub(f" {ROW} ", _latex(answer))))
    )
    text = outside_cases(text, lambda part: part.replace("&", " "))
    text = re.sub(r"(\d)\s*\{,\}\s*(?=\d)", r"\1.", SILENT.sub(" ", text))
    if found := re.search(r"\d,\d", re.sub(r"_\s*(?:\{[^{}]*\}|\d)", "", text)):
        raise NotationError(
            f"“{found[0]}” can be a decimal, a thousand or a pair: write 0.25 or 0{{,}}25 for a "
            "decimal, 1000 for a thousand"
        )
    if found := re.search(r"\d\s+\d|\d[eE][-+]?\d", text):
        raise NotationError(
            f"“{found[0]}” is no number as formulas have it: write 1000, or 10^{{-9}}, and \\cdot "
            "between two numbers"
        )
    if found := re.search(r"[\d.]{60}", text):
        raise NotationError("a number has very many digits: write fewer")
    if not (text := re.sub(r"\s+", " ", text).strip().rstrip(f".,;{ROW} ")):
        raise NotationError("it is empty: write the formula between the quotation marks")
    return fractions(text)


def _latex(answer: str) -> str:
    """Unicode as LaTeX: signs, letters with an accent, raised and lowered characters."""
    text = re.sub(rf"[{RAISED}]+", lambda m: f"^{{{m[0].translate(ON_THE_LINE)}}}", answer)
    text = re.sub(rf"[{LOWERED}]+", lambda m: f"_{{{m[0].translate(ON_THE_LINE)}}}", text)
    text = unicodedata.normalize("NFKC", text.translate(UNICODE))
    text = unicodedata.normalize("NFD", text).translate(UNICODE)  # of mathematical alphabets
    return re.sub("([A-Za-z])(?:\N{COMBINING CIRCUMFLEX ACCENT}|_hat)", r"\\hat{\1}", text)


def _word(found: re.Match[str]) -> str:
    word = found[1]
    if word in WORDS:
        return WORDS[word] + " "
    if len(word) <= 1 or word in ("new", "opt", "old"):
        return f"{word} "
    raise NotationError(f"“{word}” is text: write the formula alone, without words")


def tokens(text: str) -> list[Token]:
    """Split what `spelled` returns; words of several letters are products of letters."""
    found: list[Token] = []
    for match in TOKEN.finditer(text):
        kind, piece, at = str(match.lastgroup), match[0], match.start()
        if kind == "word" and piece in WORDS:
            parts = WORDS[piece].split()
            found += [Token("command" if p[0] == "\\" else "letter", p, at) for p in parts]
        elif kind == "word":
            found += [Token("letter", c, at + n) for n, c in enumerate(piece)]
        else:
            piece = ALIASES.get(piece, piece)
            kind = "sign" if kind == "command" and piece[0] != "\\" else kind
            found.append(Token(kind, piece, at))
    return found
