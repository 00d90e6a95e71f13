"""A language's grammar: it says meanings as sentences and questions, in words or as text.

Sentences are not capitalised at the start (names are), so that one word is one form.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.lexicon import english_past, english_present
from stilts_repro.testbed.meanings import Event, Fact, Meaning
from stilts_repro.testbed.phrases import Phrase, Phrases, Sentence, Token, memo, punctuation
from stilts_repro.testbed.world import World

_FACT_VERBS = {"home": "live", "region": "lie", "seat": "sit"}

_NOTHING = Phrase(())
_ORDERS = {
    # After the verb, SVO languages say place before time.
    "SVO": ("subject", "verb", "complement", "place", "time"),
    "SOV": ("subject", "time", "place", "complement", "verb"),
    "VSO": ("verb", "subject", "complement", "time", "place"),
}
_Clause = Sequence[Phrase]  # in order


class Style(NamedTuple):
    """How to say a meaning, leaving what it means as it is.

    `passive` makes the patient the subject; `front` moves 'place' or 'time' to the start;
    `pronoun` refers to the agent by pronoun; `title` adds the agent's occupation to the name;
    `home` adds where the agent lives or has its seat; `opening` is the word, if any, that says how
    the sentence goes on from the one before: 'then', 'and' or one of `vocabulary.CONNECTIVES`. A
    fact can be said with `pronoun` only.
    """

    passive: bool = False
    front: str = ""
    pronoun: bool = False
    title: bool = False
    home: bool = False
    opening: str = ""


PLAIN = Style()


class Line(NamedTuple):
    """A sentence to be said: its meaning, how to say it, and what it asks for ('': nothing).

    `asked` is a slot of an event, 'subject' or 'value' of a fact, or 'polarity' for a question to
    be answered with yes or no. A grammar is given a line as `speaker.sentence(*line)`.
    """

    meaning: Meaning
    style: Style = PLAIN
    asked: str = ""


@cache
def styled(passive: bool, front: str, title: bool) -> Style:
    """Return a style, of the few that most sentences are drawn to have, made once."""
    return Style(passive=passive, front=front, title=title)


class Grammar(Phrases):
    """One language's grammar over one world: sentences, clauses and questions."""

    def sentence(self, meaning: Meaning, style: Style = PLAIN, asked: str = "") -> Sentence:
        """Return the words of a sentence with its full stop, or of a question with its mark.

        Only affirmative meanings are asked about; see `Line` for the arguments.
        """
        return [*self.clause(meaning, style, asked), punctuation("?" if asked else ".")]

    def clause(self, meaning: Meaning, style: Style = PLAIN, asked: str = "") -> Sentence:
        """Return the words of `sentence` without punctuation."""
        return [token for phrase in self._clause(meaning, style, asked) for token in phrase.tokens]

    def joined(self, first: Sentence, second: Sentence) -> Sentence:
        """Coordinate two clauses into one sentence."""
        return [*first, self.word("and"), *second, punctuation(".")]

    def sentence_text(self, meaning: Meaning, style: Style = PLAIN, asked: str = "") -> str:
        """Return the text of `sentence` for less than it takes to join its words."""
        return self.clause_text(meaning, style, asked) + ("?" if asked else ".")

    def clause_text(self, meaning: Meaning, style: Style = PLAIN, asked: str = "") -> str:
        """Return the text of `clause`."""
        return " ".join([phrase.text for phrase in self._clause(meaning, style, asked)])

    def joined_text(self, first: str, second: str, *, mark: str = ".") -> str:
        """Return the text of `joined`, given those of its clauses."""
        return f"{first} {self.word('and').text} {second}{mark}"

    def _clause(self, meaning: Meaning, style: Style, asked: str) -> _Clause:
        if isinstance(meaning, Event):
            return self._event(meaning, style, asked)
        return self._fact(meaning, asked, style.pronoun and not asked)

    def _event(self, event: Event, style: Style, asked: str) -> _Clause:
        """Return the clause of an event; `asked` is '', 'polarity' or a slot."""
        agent, verb, patient, adjective, number, place, time, tense, negated, generic = event
        passive, front, pronoun, title, home, opening = style
        subject = self._agent(agent, pronoun, title, home, passive, asked == "agent")
        complement = self._patient(patient, adjective, number, generic, passive, asked)
        if passive:
            subject, complement = complement, subject
        phrases = {"subject": subject, "complement": complement}
        if asked == "time":
            phrases["time"] = self.alone("when", "time")
        elif time:
            phrases["time"] = self.adverbial(time, "time")
        if asked == "place":
            phrases["place"] = self.alone("where", "place")
        elif place:
            phrases["place"] = self.adverbial(place, "place")
        if asked in ("agent", "patient", "adjective"):
            asked = "subject" if (asked == "agent") != passive else "complement"
        inverted = asked not in ("", "subject")
        plural = passive and number > 1
        verbs = self._verbs(verb, tense, negated, plural, passive, inverted)
        return self._order(phrases, verbs, asked, front, opening)

    @memo
    def _fact(self, fact: Fact, asked: str, pronoun: bool) -> _Clause:
        """Return the clause of a fact; `asked` is '', 'subject', 'value' or 'polarity'."""
        subject = self._holder(fact.subject, asked, pronoun)
        lemma = _FACT_VERBS.get(fact.kind, "be")
        if lemma == "be":
            role, question = "complement", self.alone("what", "value")
            value = self.participant(fact.value, "value", "nominative", indefinite=True)
        else:
            role, question = "place", self.alone("where", "place")
            value = self.adverbial(fact.value, "place")
        inverted = asked in ("value", "polarity")
        verbs = self._verbs(lemma, "present", False, False, False, inverted)
        phrases = {"subject": subject, role: question if asked == "value" else value}
        return self._order(phrases, verbs, role if asked == "value" else asked)

    def _holder(self, name: str, asked: str, pronoun: bool) -> Phrase:
        """Return the subject of a fact."""
        person = name in self.world.persons
        if asked == "subject":
            return self.alone("who" if person else "what", "subject")
        if pronoun and person:
            return self.pronoun(name)
        common = name in words.CATEGORY_OF
        return self.participant(name, "subject", "nominative", indefinite=common)

    @memo
    def _agent(
        self, name: str, pronoun: bool, title: bool, home: bool, passive: bool, asked: bool
    ) -> Phrase:
        if pronoun:
            agent = self.pronoun(name)
        elif asked:
            agent = self.alone("who", "agent")
        else:
            agent = self.participant(name, "agent", "nominative", title)
            agent = Phrase([*agent.tokens, *self.residence(name).tokens]) if home else agent
        return self.adposition("by", agent) if passive else agent

    @memo
    def _patient(
        self,
        name: str,
        adjective: str | None,
        number: int,
        generic: bool,
        passive: bool,
        asked: str,
    ) -> Phrase:
        case = "nominative" if passive else "accusative"
        if asked == "patient":
            concept = "who" if name in self.world.persons else "what"
            form = self.lexicon.noun(self.lexicon.stems[concept], case, False)
            return self.alone(concept, "patient", form if self.language.code != "en" else "")
        if name in self.world.persons:
            return self.proper_name(name, "patient", case)
        noun = words.CATEGORY_OF[name] if generic else name
        described = None if asked == "adjective" else adjective
        determiner = "which" if asked == "adjective" else ""
        return self.noun_phrase(noun, "patient", case, described, number, generic, determiner)

    @memo
    def _verbs(
        self, lemma: str, tense: str, negated: bool, plural: bool, passive: bool, inverted: bool
    ) -> tuple[Phrase, Phrase]:
        """Return what stands before the subject, and the verb group without that.

        English alone has the former, in `inverted` questions: those for anything but the subject.
        """
        negation = [self.word("not", "verb")] if negated else []
        if self.language.code == "en":
            helper, main = self._english(lemma, tense, negated or inverted, plural, passive)
            if inverted:
                return Phrase(helper), Phrase(negation + main)
            return _NOTHING, Phrase(helper + negation + main)
        if lemma == "be" and not self.language.copula:
            return _NOTHING, _NOTHING
        form = self.lexicon.verb(self.lexicon.stems[lemma], tense, plural, passive)
        group = [self.word(lemma, "verb", form)]
        if self.language.inflects("verbs") == "isolating":
            if passive:
                group.insert(0, self.word("PASSIVE", "verb"))
            if tense != "present":
                group.insert(0, self.word(tense.upper(), "verb"))
        return _NOTHING, Phrase(negation + group)

    def _english(
        self, lemma: str, tense: str, supported: bool, plural: bool, passive: bool
    ) -> tuple[Sentence, Sentence]:
        """Return the auxiliary, a dummy where one must be (`supported`), and the verb group."""

        def auxiliary(form: str) -> Token:
            return Token(form, "AUX", "O", "verb", tense.upper())

        bare = self.word(lemma, "verb")
        past = self.word(lemma, "verb", english_past(lemma))  # the participle as well
        if lemma == "be":
            return [auxiliary("is")], []
        if passive and tense == "past":
            return [auxiliary("were" if plural else "was")], [past]
        if passive:
            return [auxiliary("will")], [auxiliary("be"), past]
        if tense == "future":
            return [auxiliary("will")], [bare]
        if supported:
            return [auxiliary("did" if tense == "past" else "does")], [bare]
        if tense == "past":
            return [], [past]
        return [], [self.word(lemma, "verb", english_present(lemma))]

    def _order(
        self,
        phrases: dict[str, Phrase],
        verbs: tuple[Phrase, Phrase],
        asked: str,
        fronted: str = "",
        opening: str = "",
    ) -> _Clause:
        """Put a clause's phrases in order: the basic order, then fronting.

        `phrases` are the subject, the complement (object, by-phrase or predicate noun) and the
        adverbials by role, of which this takes what it fronts; `asked` is one of them, 'polarity'
        or ''. `verbs` are those of `_verbs`.
        """
        front, verb = verbs
        clause = [front] if front.tokens else []
        if asked in phrases and self.language.wh_fronting:
            clause.insert(0, phrases.pop(asked))
        if fronted in phrases:
            clause.insert(0, phrases.pop(fronted))
        if opening:
            clause.insert(0, self.alone(opening))
        if verb.tokens:
            phrases["verb"] = verb
        order = _ORDERS[self.language.word_order]
        clause += [phrases[name] for name in order if name in phrases]
        return clause


@cache
def grammar(code: str, world: World) -> Grammar:
    """Return the grammar of a language over a world, built once."""
    return Grammar(code, world)
