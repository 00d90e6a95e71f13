"""The languages of XTREME and XTREME-R, as the hub's data sets name them.

Three names for one language: the code that XTREME's tables use (`de`), the English name in the
part-of-speech configurations (`udpos.German`) and TyDi QA's ids (`finnish-…`), and the three-letter
code of Tatoeba (`tatoeba.deu`).
"""

from dataclasses import dataclass

from stilts_repro.errors import InputError


@dataclass(frozen=True)
class Language:
    """One language: XTREME's code, the English name, Tatoeba's three-letter code."""

    code: str
    name: str
    iso3: str


_TABLE = """
af Afrikaans afr  | ar Arabic ara     | bg Bulgarian bul | bn Bengali ben  | de German deu
el Greek ell      | en English eng    | es Spanish spa   | et Estonian est | eu Basque eus
fa Persian pes    | fi Finnish fin    | fr French fra    | he Hebrew heb   | hi Hindi hin
ht Haitian hat    | qu Quechua que
hu Hungarian hun  | id Indonesian ind | it Italian ita   | ja Japanese jpn | jv Javanese jav
ka Georgian kat   | kk Kazakh kaz     | ko Korean kor    | ml Malayalam mal| mr Marathi mar
ms Malay zsm      | my Burmese mya    | nl Dutch nld     | pt Portuguese por | ru Russian rus
sw Swahili swh    | ta Tamil tam      | te Telugu tel    | th Thai tha     | tl Tagalog tgl
tr Turkish tur    | ur Urdu urd       | vi Vietnamese vie| yo Yoruba yor   | zh Chinese cmn
az Azerbaijani aze| gu Gujarati guj   | lt Lithuanian lit| pa Punjabi pan  | pl Polish pol
ro Romanian ron   | uk Ukrainian ukr  | wo Wolof wol
"""

LANGUAGES: dict[str, Language] = {
    code: Language(code, name, iso3)
    for code, name, iso3 in (
        entry.split() for line in _TABLE.split("\n") for entry in line.split("|") if entry.strip()
    )
}


def codes(text: str, more: str = "") -> tuple[str, ...]:
    """Split a blank-separated list of language codes; sorted with `more`, where there are any.

    Raises `InputError` for one that is not in the table.
    """
    listed = tuple(text.split())
    if more:
        listed = tuple(sorted((*listed, *more.split())))
    for code in listed:
        if code not in LANGUAGES:
            raise InputError(
                f"language {code!r} of {text!r:.60}: its names are not known; add its code, "
                "English name and Tatoeba's three letters to the table in tasks/languages.py"
            )
    return listed
