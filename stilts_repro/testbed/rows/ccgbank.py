r"""CCGbank rows: words and their CCG categories, over all kinds of sentence that English has.

The notation is CCGbank's: `(S[dcl]\NP)/NP` looks for an object to its right, then for a subject to
its left. A word has its category from its place: "in" heads an argument ("lives in"), modifies the
name before it, the verb phrase before it or the sentence after it; "opened" is finite or passive;
an auxiliary of a question takes the subject first. Bare nouns are N, which may stand for an NP.
"""

import random
from collections.abc import Iterator

from stilts_repro.testbed.corpus import random_style
from stilts_repro.testbed.grammar import Grammar, Style
from stilts_repro.testbed.meanings import Event
from stilts_repro.testbed.phrases import Sentence, Token
from stilts_repro.testbed.rows import Draw, Row
from stilts_repro.testbed.rows.paraphrase import question_style
from stilts_repro.testbed.rows.tagging import draw_fact
from stilts_repro.testbed.world import Sampler

_NEGATED = 0.15
_PASSIVE_AUXILIARIES = ("was", "were")
_MODIFIER = r"(S\NP)\(S\NP)"
_NOMINAL = ("NOUN", "PROPN", "ADJ", "NUM", "DET")
# What a clause is after its subject, and what its verb takes.
_INTRANSITIVE = "{0}\\NP"
_TRANSITIVE = "({0}\\NP)/{1}"


def draw_sentence(rng: random.Random, sampler: Sampler, speaker: Grammar) -> Sentence:
    """Draw an event, perhaps denied, or two, or a fact, or a question about an event or a fact."""
    kind = rng.random()
    if kind < 0.2:
        fact = draw_fact(rng, sampler)
        asked = rng.choice(("", "", "subject", "value", "polarity"))
        return speaker.sentence(fact, asked=asked)
    event = sampler.event(rng, negated=_NEGATED)
    if kind < 0.35:
        other = sampler.event(rng, negated=_NEGATED)
        return speaker.joined(*(speaker.clause(e, _style(rng, sampler, e)) for e in (event, other)))
    if kind < 0.65 and not event.negated:
        asked = rng.choice(("polarity", *event.slots()))
        return speaker.sentence(event, question_style(rng, sampler.world, event, asked), asked)
    return speaker.sentence(event, _style(rng, sampler, event))


def _style(rng: random.Random, sampler: Sampler, event: Event) -> Style:
    """Draw a style; after a passive's agent, a residence could not be told from the place."""
    style = random_style(rng, event, passive=0.3)
    if event.agent in sampler.world.persons and rng.random() < 0.15:
        return Style(pronoun=True, opening="then" if rng.random() < 0.5 else "")
    if style.passive or rng.random() < 0.8:
        return style
    return Style(front=style.front, home=True)


def ccgbank(draw: Draw) -> Row:
    """Return a row of ldc/ccgbank."""
    sentence = draw_sentence(draw.rng, draw.sampler, draw.speaker)
    return {"tokens": [token.text for token in sentence], "supertags": supertags(sentence)}


def supertags(sentence: Sentence) -> list[str]:
    """Return the category of each word of a realised English sentence, its punctuation last."""
    tags: list[str] = []
    question = sentence[-1].text == "?"
    clause: Sentence = []
    for token in sentence:
        if token.upos in ("CCONJ", "PUNCT"):
            tags += [*_Clause(clause, question).tags(), "conj" if token.upos == "CCONJ" else "."]
            clause = []
        else:
            clause.append(token)
    return tags


class _Clause:
    """One clause, with what its words tell of its structure."""

    def __init__(self, tokens: Sentence, question: bool) -> None:
        self.tokens = tokens
        self.question = question
        verbs = [i for i, token in enumerate(tokens) if token.upos in ("AUX", "VERB")]
        self.finite, self.main = verbs[0], verbs[-1]
        self.passive = any(tokens[i].text in (*_PASSIVE_AUXILIARIES, "be") for i in verbs[:-1])
        # Stative verbs take a place, the others an object; the copula a noun.
        copula = tokens[self.main].text == "is"
        self.stative = any(token.role == "subject" for token in tokens) and not copula
        self.wh = next((i for i, token in enumerate(tokens) if _asks(token)), None)
        self.gap = self._gap()
        self.inverted = question and self.gap != "subject"

    def _gap(self) -> str:
        """Return what is asked for: 'subject', 'object', 'by', 'adjunct', 'place' or ''."""
        if self.wh is None:
            return ""
        asking = self.tokens[self.wh]
        if asking.gloss in ("where", "when"):
            return "place" if self.stative else "adjunct"
        if self.wh and self.tokens[self.wh - 1].gloss == "by":
            return "by"
        subject = ("patient",) if self.passive else ("agent", "subject")
        return "subject" if asking.role in subject else "object"

    def tags(self) -> Iterator[str]:
        """Yield the category of each word."""
        for index, token in enumerate(self.tokens):
            if index == self.wh:
                yield self._asking(token)
            elif token.upos in ("AUX", "VERB"):
                yield self._verb(index)
            elif token.gloss == "not":
                yield _MODIFIER
            elif token.gloss == "then":
                yield "S/S"
            elif token.upos == "ADP":
                yield self._adposition(index, token)
            else:
                yield self._nominal(index, token)

    def _nominal(self, index: int, token: Token) -> str:
        if token.upos == "PRON":
            return "NP"
        if token.upos == "DET":
            return "NP[nb]/N"
        following = self.tokens[index + 1] if index + 1 < len(self.tokens) else None
        if following is None or following.upos not in _NOMINAL or following.upos == "DET":
            return "N"
        # A noun ends its phrase unless a noun of the same phrase follows ("is X a baker"); a title
        # has no role.
        return "N" if token.role and token.role != following.role else "N/N"

    def _adposition(self, index: int, token: Token) -> str:
        following = self.tokens[index + 1]
        if self.gap == "by" and self.wh == index + 1:
            return "PP/NP"
        if following.role == "home":
            return r"(NP\NP)/NP"
        if index < self.finite and not self._after_subject(index):
            return "(S/S)/NP"
        if self.stative and following.role == "place":
            return "PP/NP"
        return f"({_MODIFIER})/NP"

    def _after_subject(self, index: int) -> bool:
        """Say whether the clause's subject stands before `index`."""
        return any(token.role in ("agent", "patient", "subject") for token in self.tokens[:index])

    def _asking(self, token: Token) -> str:
        if self.gap == "by":
            return r"(S[wq]/S[q])\(PP/NP)"
        remainder = {
            "subject": r"S[dcl]\NP",
            "object": "S[q]/NP",
            "place": "S[q]/PP",
            "adjunct": "S[q]",
        }[self.gap]
        atomic = self.gap == "adjunct"
        category = f"S[wq]/{remainder}" if atomic else f"S[wq]/({remainder})"
        return f"({category})/N" if token.gloss == "which" else category

    def _verb(self, index: int) -> str:
        finite = index == self.finite
        if not finite and index != self.main:
            return r"(S[b]\NP)/(S[pss]\NP)"  # "will be opened"
        if finite and index == self.main:
            argument = "PP" if self.stative else "NP"
            if self.inverted:
                return "(S[q]/NP)/NP"  # only the copula stands before its subject by itself
            return _TRANSITIVE.format("S[dcl]", argument)
        if finite:
            passive = self.tokens[index].text in _PASSIVE_AUXILIARIES
            complement = _INTRANSITIVE.format("S[pss]" if passive else "S[b]")
            if self.inverted:
                return f"(S[q]/({complement}))/NP"
            return _TRANSITIVE.format("S[dcl]", f"({complement})")
        if self.passive:
            return _INTRANSITIVE.format("S[pss]")
        return _TRANSITIVE.format("S[b]", "PP" if self.stative else "NP")


def _asks(token: Token) -> bool:
    return token.gloss in ("who", "what", "which", "where", "when")
