"""Words with their annotation, and the noun phrases, adverbials and single words of a language.

All rows are made of the same few thousand phrases, so each is built once, and kept with its text.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple, ParamSpec, TypeVar, cast

from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.languages import language, spoken
from stilts_repro.testbed.lexicon import lexicon
from stilts_repro.testbed.world import World

_P = ParamSpec("_P")
_T = TypeVar("_T")

_UPOS = {
    **dict.fromkeys(words.ADJECTIVES, "ADJ"),
    **dict.fromkeys(words.NUMERALS.values(), "NUM"),
    **dict.fromkeys(("in", "at", "by"), "ADP"),
    **dict.fromkeys(("the", "a", "which"), "DET"),
    **dict.fromkeys(("who", "what", "she", "he"), "PRON"),
    **dict.fromkeys(("where", "when", "then", "namely", "so", "also"), "ADV"),
    **dict.fromkeys(("yes", "no"), "INTJ"),
    **dict.fromkeys(("not", "PLURAL"), "PART"),
    **dict.fromkeys(("be", "PAST", "FUTURE", "PASSIVE"), "AUX"),
    **dict.fromkeys(words.VERBS + words.STATIVE_VERBS, "VERB"),
    **dict.fromkeys(("and", "but"), "CCONJ"),
}
_UNSPACED = ".?,"
_BLANKS = tuple((f" {mark}", mark) for mark in _UNSPACED)


class Token(NamedTuple):
    """One word: universal part of speech, IOB2 entity tag, and the slot that it helps to fill.

    `role` is a slot of the meaning ('agent', 'verb', 'patient', 'place', 'time', 'subject',
    'value') or empty; the adposition of a place or time has no role, so the tokens of one role in
    a sentence are what answers a question for it. `gloss` is the concept, for `describe`.
    """

    text: str
    upos: str
    ner: str = "O"
    role: str = ""
    gloss: str = ""


Sentence = list[Token]


def text(tokens: Iterable[Token]) -> str:
    """Join tokens with blanks, none before '.', '?' or ','."""
    joined = " ".join([token.text for token in tokens])
    for spaced, mark in _BLANKS:
        joined = joined.replace(spaced, mark)
    return joined


def spans(tokens: Iterable[Token]) -> tuple[str, list[tuple[int, int]]]:
    """Return the text as `text` does, and each token's half-open character span in it."""
    pieces: list[str] = []
    places: list[tuple[int, int]] = []
    length = 0
    for token in tokens:
        if pieces and token.text not in _UNSPACED:
            pieces.append(" ")
            length += 1
        places.append((length, length + len(token.text)))
        pieces.append(token.text)
        length += len(token.text)
    return "".join(pieces), places


class Phrase:
    """Words that stay together, and their text."""

    __slots__ = ("text", "tokens")

    def __init__(self, tokens: Iterable[Token]) -> None:
        self.tokens = tuple(tokens)
        self.text = " ".join(token.text for token in self.tokens)


def memo(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """Keep what a method of a speaker returns, for good: speakers last as long as the process."""
    return cast(Callable[_P, _T], cache(method))


class Phrases:
    """Realises what names and common nouns refer to; `role` marks the slot that they fill."""

    def __init__(self, code: str, world: World) -> None:
        self.language = spoken(language(code), world.kind)
        self.world = world
        self.lexicon = lexicon(self.language, world.seed)

    @memo
    def word(self, concept: str, role: str = "", form: str = "") -> Token:
        """Return the token of a concept, as its bare stem or as `form`."""
        stem = form or self.lexicon.stems[concept]
        return Token(stem, _UPOS.get(concept, "NOUN"), "O", role, concept)

    @memo
    def alone(self, concept: str, role: str = "", form: str = "") -> Phrase:
        """Return the phrase of one word."""
        return Phrase([self.word(concept, role, form)])

    def pronoun(self, name: str) -> Phrase:
        """Return the pronoun for a person; languages without gender have one for all."""
        person = self.world.persons[name]
        gendered = self.language.gendered_pronouns
        return self.alone("she" if person.female or not gendered else "he", "agent")

    @memo
    def proper_name(self, name: str, role: str, case: str) -> Phrase:
        """Return a name's words with their entity tags."""
        entity = self.world.entity_type(name)
        forms = self.lexicon.proper(self.lexicon.name(name), case)
        return Phrase(
            Token(form, "PROPN", f"{'I' if i else 'B'}-{entity}", role, word)
            for i, (form, word) in enumerate(zip(forms, name.split(), strict=True))
        )

    @memo
    def participant(
        self, who: str, role: str, case: str, titled: bool = False, indefinite: bool = False
    ) -> Phrase:
        """Return the phrase of a name (titled on demand) or of a single common noun."""
        if not self.world.entity_type(who):
            return self.noun_phrase(who, role, case, indefinite=indefinite)
        person = self.world.persons.get(who)
        name = self.proper_name(who, role, case)
        if not (titled and person):
            return name
        title = self.noun_phrase(person.occupation, "", "nominative")
        return Phrase([*title.tokens, *name.tokens])

    @memo
    def residence(self, who: str) -> Phrase:
        """Return where a person lives or an organisation sits, to stand after the name."""
        place = self.adverbial(self.world.base_of[who], "place")
        return Phrase(token._replace(role="home" if token.role else "") for token in place.tokens)

    @memo
    def noun_phrase(
        self,
        noun: str,
        role: str,
        case: str,
        adjective: str | None = None,
        number: int = 1,
        indefinite: bool = False,
        determiner: str = "",
    ) -> Phrase:
        """Return determiner, numeral, adjective and noun in the language's order."""
        plural = number > 1
        stems, inflect = self.lexicon.stems, self.lexicon.noun
        core = [self.word(noun, role, inflect(stems[noun], case, plural))]
        morphology = self.language.inflects("nouns")
        if plural and morphology == "isolating":
            core.append(self.word("PLURAL", role))
        if adjective:
            # Adjectives agree with their noun in fusional languages only.
            agrees = morphology == "fusional"
            form = inflect(stems[adjective], case, plural) if agrees else ""
            modifier = self.word(adjective, role, form)
            core = [modifier, *core] if self.language.adjective_first else [*core, modifier]
        if plural:
            core = [self.word(words.NUMERALS[number], role), *core]
        if determiner:
            core = [self.word(determiner, role), *core]
        elif self.language.articles and not indefinite:
            core = [self.word("the", role), *core]
        elif self.language.code == "en" and not plural:
            vowel = core[0].text[0] in "aeio"
            core = [self.word("a", role, "an" if vowel else "a"), *core]
        return Phrase(core)

    @memo
    def adverbial(self, value: str, role: str) -> Phrase:
        """Return a place or time, marked by locative case or by an adposition."""
        case = "locative" if self.language.locative_case else "nominative"
        if self.world.entity_type(value):
            phrase = self.proper_name(value, role, case)
        else:
            form = self.lexicon.noun(self.lexicon.stems[value], case, False)
            phrase = self.alone(value, role, form)
        if self.language.locative_case:
            return phrase
        return self.adposition("in" if role == "place" else "at", phrase)

    def adposition(self, concept: str, phrase: Phrase) -> Phrase:
        """Put an adposition on its side of a phrase."""
        word, tokens = self.word(concept), phrase.tokens
        return Phrase([word, *tokens] if self.language.prepositions else [*tokens, word])


@cache
def punctuation(mark: str) -> Token:
    """Return the token of a punctuation mark."""
    return Token(mark, "PUNCT", gloss=mark)
