"""The words of the testbed's English, by what they mean.

English lemmas serve as the names of concepts: the lexicon of every other language is keyed by them.
Verbs come in cycles of five. Such a *script* tells what usually happens: each verb is followed by
the next one, and the last one by the first.
"""

SCRIPTS: dict[str, tuple[str, ...]] = {
    "food": ("order", "cook", "taste", "serve", "reject"),
    "tool": ("borrow", "sharpen", "use", "repair", "return"),
    "animal": ("trap", "feed", "wash", "train", "release"),
    "text": ("open", "sign", "copy", "fold", "close"),
    "furniture": ("assemble", "polish", "paint", "move", "dismantle"),
    "person": ("visit", "greet", "help", "thank", "insult"),
}

VERB_ANTONYMS: tuple[tuple[str, str], ...] = (
    ("order", "reject"),
    ("borrow", "return"),
    ("trap", "release"),
    ("open", "close"),
    ("assemble", "dismantle"),
    ("thank", "insult"),
)

OBJECTS: dict[str, tuple[str, ...]] = {
    "food": ("apple", "bread", "cheese", "soup", "lemon", "cake", "onion", "sausage"),
    "tool": ("hammer", "saw", "ladder", "rope", "needle", "lamp", "shovel", "bucket"),
    "animal": ("horse", "dog", "goat", "cow", "hen", "cat", "donkey", "rabbit"),
    "text": ("book", "letter", "map", "poem", "picture", "report", "contract", "card"),
    "furniture": ("table", "chair", "bed", "bench", "desk", "door", "box", "mirror"),
}

# Each occupation with the categories of object that its people mostly deal with.
OCCUPATIONS: dict[str, tuple[str, ...]] = {
    "baker": ("food", "tool"),
    "smith": ("tool", "animal"),
    "farmer": ("animal", "food"),
    "clerk": ("text", "furniture"),
    "carpenter": ("furniture", "tool"),
    "teacher": ("text", "animal"),
    "merchant": ("furniture", "food"),
    "doctor": ("text", "tool"),
    "sailor": ("tool", "text"),
    "shepherd": ("animal", "furniture"),
}

ADJECTIVE_ANTONYMS: tuple[tuple[str, str], ...] = (
    ("red", "green"),
    ("big", "small"),
    ("old", "new"),
    ("cheap", "costly"),
)

TIMES = ("dawn", "noon", "dusk", "midnight", "sunrise", "sunset", "breakfast", "dinner")
NUMERALS: dict[int, str] = {2: "two", 3: "three", 4: "four", 5: "five"}
STATIVE_VERBS = ("live", "lie", "sit")

# Realised by free words only where a language has them; see languages.py.
FUNCTION_WORDS = (
    *("the", "a", "not", "be", "in", "at", "by", "and", "then"),
    *("who", "what", "where", "when", "which", "she", "he"),
    *("PAST", "FUTURE", "PASSIVE", "PLURAL"),
)

# They say how a sentence stands to the one before it: it tells the same, it follows from it, it
# cannot be so as well, it is something else; or they answer it. Documents have them, rows have not.
CONNECTIVES = ("namely", "so", "but", "also", "yes", "no")

VERBS: tuple[str, ...] = tuple(verb for script in SCRIPTS.values() for verb in script)
ADJECTIVES: tuple[str, ...] = tuple(word for pair in ADJECTIVE_ANTONYMS for word in pair)
CATEGORY_OF: dict[str, str] = {
    noun: category for category, nouns in OBJECTS.items() for noun in nouns
}
SCRIPT_OF: dict[str, str] = {verb: name for name, script in SCRIPTS.items() for verb in script}
ANTONYM: dict[str, str] = {
    word: other for pair in VERB_ANTONYMS + ADJECTIVE_ANTONYMS for word, other in (pair, pair[::-1])
}
CONTENT_WORDS: tuple[str, ...] = (
    *VERBS,
    *STATIVE_VERBS,
    *CATEGORY_OF,
    *OBJECTS,
    *OCCUPATIONS,
    *ADJECTIVES,
    *TIMES,
    *NUMERALS.values(),
)

FEMALE_NAMES = (
    *("Mila", "Vera", "Nora", "Lena", "Ida", "Tara", "Olga", "Rosa"),
    *("Dina", "Eva", "Hana", "Irma", "Jana", "Lucia", "Sonia"),
)
MALE_NAMES = (
    *("Anton", "Boris", "Carl", "David", "Emil", "Fabio", "Gustav", "Hugo"),
    *("Ivan", "Jonas", "Leon", "Milo", "Oskar", "Pavel", "Tomas"),
)
LAST_NAMES = (
    *("Torv", "Belman", "Karsten", "Dorval", "Lundin", "Moreti", "Sandor", "Volken"),
    *("Brask", "Castel", "Denov", "Ferin", "Galdos", "Horvat", "Ilves", "Jansen"),
    *("Kovel", "Larsk", "Mendes", "Norling", "Orlov", "Petrak", "Rossing", "Silva"),
    *("Tamura", "Ulven", "Varga", "Weber", "Yilmas", "Zelik", "Arden", "Bergson"),
    *("Corvin", "Dragan", "Elster", "Falk", "Grimald", "Hansel", "Kerr", "Lomas"),
)
TOWNS = (
    *("Tarnov", "Belgar", "Karis", "Dunmor", "Elvas", "Forsa", "Gelnik", "Harwen"),
    *("Istrel", "Jurmal", "Kelso", "Lorn", "Mavrik", "Nesbor", "Ostrav", "Pelham"),
    *("Port Rugen", "Port Salva", "Nova Tulsk", "Nova Ustar"),
    *("Saint Vilna", "Saint Wels", "Mount Yarra", "Mount Zadar"),
)
REGIONS = ("Upper Arvenia", "Lower Arvenia", "Cambrel", "Dalmora", "Estland Moor")
# Organisations are called after towns or families, so that a name alone tells no entity type.
ORGANISATIONS = (
    *("Tarnov Union", "Weber Guild", "Karis Bank", "Silva Club", "Lorn Museum"),
    *("Orlov Press", "Kelso Academy", "Varga Works", "Elvas Council", "Falk Trust"),
)
# Each word of a name once: those who share a family name share it in every language.
NAME_WORDS: tuple[str, ...] = tuple(
    dict.fromkeys(
        word
        for names in (FEMALE_NAMES, MALE_NAMES, LAST_NAMES, TOWNS, REGIONS, ORGANISATIONS)
        for name in names
        for word in name.split()
    )
)


def next_verb(verb: str, steps: int = 1) -> str:
    """Return the verb that follows `verb` in its script after `steps`."""
    script = SCRIPTS[SCRIPT_OF[verb]]
    return script[(script.index(verb) + steps) % len(script)]
