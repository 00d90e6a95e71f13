"""Realises meanings in one language: noun phrases, verb groups, word order, questions.

Sentences are not capitalised at the start (names are), so that one word is one form.
"""

from dataclasses import dataclass, field
from functools import cache

from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.lexicon import english_past, english_present
from stilts_repro.testbed.meanings import Event, Fact, Meaning
from stilts_repro.testbed.phrases import Phrase, Phrases, punctuation
from stilts_repro.testbed.tokens import Token
from stilts_repro.testbed.world import World

_FACT_VERBS = {"home": "live", "region": "lie", "seat": "sit"}


@dataclass(frozen=True)
class Style:
    """How to say a meaning, leaving what it means as it is.

    `passive` makes the patient the subject; `front` moves 'place' or 'time' to the start;
    `pronoun` refers to the agent by pronoun; `title` adds the agent's occupation to the name;
    `home` adds where the agent lives or has its seat; `then` opens the sentence with the adverb of
    narration. A fact can be said with `pronoun` only.
    """

    passive: bool = False
    front: str = ""
    pronoun: bool = False
    title: bool = False
    home: bool = False
    then: bool = False


PLAIN = Style()


@dataclass
class _Clause:
    """A clause before its phrases are put in order."""

    verb: str
    subject: Phrase
    complement: Phrase = field(default_factory=list)  # object, by-phrase or predicate noun
    adverbials: dict[str, Phrase] = field(default_factory=dict)
    tense: str = "past"
    negated: bool = False
    passive: bool = False
    plural: bool = False
    asked: str = ""  # 'subject', 'complement', 'polarity' or the role of an adverbial


class Grammar(Phrases):
    """One language's grammar over one world: sentences, clauses and questions."""

    def sentence(self, meaning: Meaning, style: Style = PLAIN) -> Phrase:
        """Return the declarative sentence of `meaning`, with its full stop."""
        return self.ended(self.clause(meaning, style))

    def clause(self, meaning: Meaning, style: Style = PLAIN) -> Phrase:
        """Return the declarative clause of `meaning` without punctuation."""
        if isinstance(meaning, Fact):
            return self._order(self._fact(meaning, pronoun=style.pronoun), PLAIN)
        return self._order(self._event(meaning, style), style)

    def ended(self, clause: Phrase, mark: str = ".") -> Phrase:
        """Return a clause with its punctuation."""
        return [*clause, punctuation(mark)]

    def joined(self, first: Phrase, second: Phrase, *, mark: str = ".") -> Phrase:
        """Coordinate two clauses into one sentence."""
        return [*first, self.word("and"), *second, punctuation(mark)]

    def question(self, meaning: Meaning, asked: str, style: Style = PLAIN) -> Phrase:
        """Return the question for one slot of an affirmative meaning, with its question mark."""
        return self.ended(self.asking(meaning, asked, style), "?")

    def asking(self, meaning: Meaning, asked: str, style: Style = PLAIN) -> Phrase:
        """Return the clause that asks for a slot, without punctuation.

        `asked` is a slot of an event, 'subject' or 'value' of a fact, or 'polarity' for a question
        to be answered with yes or no.
        """
        if isinstance(meaning, Fact):
            return self._order(self._fact(meaning, asked), PLAIN)
        return self._order(self._event(meaning, style, asked), style)

    def _event(self, event: Event, style: Style, asked: str = "") -> _Clause:
        complement_case = "nominative" if style.passive else "accusative"
        patient = self._patient(event, complement_case, asked)
        if style.pronoun:
            agent = [self.pronoun(event.agent)]
        elif asked == "agent":
            agent = [self.word("who", "agent")]
        else:
            agent = self.participant(event.agent, "agent", "nominative", style.title)
            agent += self.residence(event.agent) if style.home else []
        adverbials = {}
        for role, value, question in (
            ("time", event.time, "when"),
            ("place", event.place, "where"),
        ):
            if asked == role:
                adverbials[role] = [self.word(question, role)]
            elif value:
                adverbials[role] = self.adverbial(value, role)
        subject, complement = ("patient", "agent") if style.passive else ("agent", "patient")
        asked_phrase = {subject: "subject", complement: "complement"}
        asked_phrase["adjective"] = asked_phrase["patient"]
        return _Clause(
            verb=event.verb,
            subject=patient if style.passive else agent,
            complement=self.adposition("by", agent) if style.passive else patient,
            adverbials=adverbials,
            tense=event.tense,
            negated=event.negated,
            passive=style.passive,
            plural=style.passive and event.number > 1,
            asked=asked_phrase.get(asked, asked),
        )

    def _fact(self, fact: Fact, asked: str = "", pronoun: bool = False) -> _Clause:
        """Return the clause of a fact; `asked` is '', 'subject', 'value' or 'polarity'."""
        common = fact.subject in words.CATEGORY_OF
        if asked == "subject":
            concept = "who" if fact.subject in self.world.persons else "what"
            subject = [self.word(concept, "subject")]
        elif pronoun and fact.subject in self.world.persons:
            subject = [self.pronoun(fact.subject)]
        else:
            subject = self.participant(fact.subject, "subject", "nominative", indefinite=common)
        if verb := _FACT_VERBS.get(fact.kind):
            place = self.adverbial(fact.value, "place")
            if asked == "value":
                place = [self.word("where", "place")]
            phrase = "place" if asked == "value" else asked
            return _Clause(
                verb, subject, adverbials={"place": place}, tense="present", asked=phrase
            )
        if asked == "value":
            value = [self.word("what", "value")]
        else:
            value = self.participant(fact.value, "value", "nominative", indefinite=True)
        phrase = "complement" if asked == "value" else asked
        return _Clause("be", subject, value, tense="present", asked=phrase)

    def _patient(self, event: Event, case: str, asked: str) -> Phrase:
        if asked == "patient":
            concept = "who" if event.patient in self.world.persons else "what"
            form = self.lexicon.noun(self.lexicon.stems[concept], case, False)
            return [self.word(concept, "patient", form if self.language.code != "en" else "")]
        if event.patient in self.world.persons:
            return self.proper_name(event.patient, "patient", case)
        noun = words.CATEGORY_OF[event.patient] if event.generic else event.patient
        adjective = None if asked == "adjective" else event.adjective
        determiner = "which" if asked == "adjective" else ""
        return self.noun_phrase(
            noun, "patient", case, adjective, event.number, event.generic, determiner
        )

    def _verb_group(self, clause: _Clause) -> Phrase:
        if clause.verb == "be" and not self.language.copula:
            return []
        stem = self.lexicon.stems[clause.verb]
        form = self.lexicon.verb(stem, clause.tense, clause.plural, clause.passive)
        group = [self.word(clause.verb, "verb", form)]
        if self.language.morphology == "isolating":
            particles = [self.word("PASSIVE", "verb")] if clause.passive else []
            if clause.tense != "present":
                particles.insert(0, self.word(clause.tense.upper(), "verb"))
            group = [*particles, *group]
        return [self.word("not", "verb"), *group] if clause.negated else group

    def _order(self, clause: _Clause, style: Style) -> Phrase:
        """Put a clause's phrases in order: the basic order, then fronting."""
        if self.language.code == "en":
            front, subject, verb = _english_verb(self, clause)
        else:
            front, subject, verb = [], clause.subject, self._verb_group(clause)
        complement, adverbials = clause.complement, dict(clause.adverbials)
        if clause.asked and self.language.wh_fronting:
            if clause.asked == "subject":
                front, subject = [*subject, *front], []
            elif clause.asked == "complement":
                front, complement = [*complement, *front], []
            elif clause.asked in adverbials:
                front = [*adverbials.pop(clause.asked), *front]
        if style.front in adverbials:
            front = [*adverbials.pop(style.front), *front]
        if style.then:
            front = [self.word("then"), *front]
        time_place = [token for phrase in adverbials.values() for token in phrase]
        # After the verb, SVO languages say place before time.
        place_time = [token for phrase in reversed(adverbials.values()) for token in phrase]
        match self.language.word_order:
            case "SVO":
                return [*front, *subject, *verb, *complement, *place_time]
            case "SOV":
                return [*front, *subject, *time_place, *complement, *verb]
            case _:
                return [*front, *verb, *subject, *complement, *time_place]


def _english_verb(grammar: Grammar, clause: _Clause) -> tuple[Phrase, Phrase, Phrase]:
    """Return what stands first, the subject and the verb group of an English clause.

    Questions for anything but the subject put the (dummy) auxiliary before the subject.
    """
    tense, passive = clause.tense, clause.passive
    inverted = bool(clause.asked) and clause.asked != "subject"
    negation = [grammar.word("not", "verb")] if clause.negated else []

    def auxiliary(form: str) -> Token:
        return Token(form, "AUX", "O", "verb", tense.upper())

    participle = grammar.word(clause.verb, "verb", english_past(clause.verb))
    if clause.verb == "be":
        helper, main = [auxiliary("is")], []
    elif passive and tense == "past":
        helper, main = [auxiliary("were" if clause.plural else "was")], [participle]
    elif passive:
        helper, main = [auxiliary("will")], [auxiliary("be"), participle]
    elif tense == "future":
        helper, main = [auxiliary("will")], [grammar.word(clause.verb, "verb")]
    elif negation or inverted:
        helper = [auxiliary("did" if tense == "past" else "does")]
        main = [grammar.word(clause.verb, "verb")]
    elif tense == "past":
        helper, main = [], [participle]
    else:
        helper = []
        main = [grammar.word(clause.verb, "verb", english_present(clause.verb))]
    if inverted:
        return helper, clause.subject, [*negation, *main]
    return [], clause.subject, [*helper, *negation, *main]


@cache
def grammar(code: str, world: World) -> Grammar:
    """Return the grammar of a language over a world, built once."""
    return Grammar(code, world)
