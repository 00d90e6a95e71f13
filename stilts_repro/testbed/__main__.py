"""`python -m stilts_repro.testbed describe CODE`: a language's grammar and a glossed sentence."""

import argparse
import sys
from typing import get_args

from stilts_repro.commands import Parser, run
from stilts_repro.testbed.grammar import Grammar, grammar
from stilts_repro.testbed.languages import Kind, Language, language
from stilts_repro.testbed.meanings import Event
from stilts_repro.testbed.phrases import Sentence, text
from stilts_repro.testbed.world import Sampler, world


def _typology(described: Language) -> str:
    features = {
        "script": described.script,
        "word order": described.word_order,
        "morphology": _morphology(described),
        "adjectives": "before the noun" if described.adjective_first else "after the noun",
        "adpositions": "prepositions" if described.prepositions else "postpositions",
        "place and time": "locative case" if described.locative_case else "adposition",
        "articles": "yes" if described.articles else "no",
        "copula": "yes" if described.copula else "no",
        "question words": "fronted" if described.wh_fronting else "in place",
        "names": "its own" if described.own_names else "the source's",
        "cognates": "the source" if described.code == "en" else f"{described.cognates:.0%}",
    }
    lines = [f"{name + ':':<16}{value}" for name, value in features.items()]
    return "\n".join([f"{described.name} ({described.code})", *lines])


def _morphology(described: Language) -> str:
    nouns, verbs = described.inflects("nouns"), described.inflects("verbs")
    return nouns if nouns == verbs else f"{nouns} nouns, {verbs} verbs"


def _glossed(sentence: Sentence) -> str:
    """Return the words in one line, what each means in the next and its part of speech below."""
    rows = [(token.text, token.gloss, token.upos) for token in sentence]
    widths = [max(map(len, row)) for row in rows]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in zip(*rows, strict=True)
    ]
    return "\n".join(lines)


def _example(speaker: Grammar) -> list[Sentence]:
    agent = next(iter(speaker.world.persons))
    reach = Sampler(speaker.world, "train").reach(agent)
    event = Event(agent, "open", reach["text"][0], "red", 3, "Tarnov", "noon")
    return [speaker.sentence(event), speaker.sentence(event, asked="patient")]


def describe(code: str, world_seed: int, kind: Kind = "") -> str:
    """Return the description of a language; raise `InputError` for an unknown code."""
    speaker = grammar(language(code).code, world(world_seed, kind))
    parts = [_typology(speaker.language)]
    parts += [f"{text(sentence)}\n{_glossed(sentence)}" for sentence in _example(speaker)]
    return "\n\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = Parser(prog="python -m stilts_repro.testbed", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("describe", help="print a language's grammar and an example")
    command.add_argument("language", help="en or qaa ... qag")
    command.add_argument("--world-seed", type=int, default=13)
    command.add_argument(
        "--kind",
        default="",
        choices=get_args(Kind)[1:],
        help="unrelated: without cognates and names in common; morphology: differing in that alone",
    )
    return run(parser, _describe, arguments)


def _describe(options: argparse.Namespace) -> int:
    print(describe(options.language, options.world_seed, options.kind))
    return 0


if __name__ == "__main__":
    sys.exit(main())
