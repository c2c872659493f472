"""What happened and what lies ahead, out of the sentences of one entry: events, hearings, and the status they make."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from tracker.intake.reading.dates import Settled, Stated, finder_for, settle
from tracker.intake.reading.language import Found, Language
from tracker.intake.reading.model import EventRead, HearingRead, PersonRead, Quote
from tracker.intake.reading.names import fold
from tracker.intake.reading.plain import Plain, Sentence

_CLAUSE_END = re.compile(r";|:\s|,\s(?:and|but|while|then)\s|\s[–—]\s|\sand\s(?=\w+\s(?:was|were|is|has)\s)")
_LEADING = re.compile(r"^\W{0,3}(?:\w{1,8}\s){0,2}$")
_COURT_TOKEN = re.compile(r"[^\W\d_][\w'-]{0,40}")
_CITATION = re.compile(r"\([^()]{0,200}$")


#: A date this long before the one told last is a look back.
_LOOKS_BACK_DAYS = 5 * 365


@dataclass(slots=True)
class Findings:
    """What was read from an entry so far, in the order of the text."""

    events: list[EventRead] = field(default_factory=list)
    hearings: list[HearingRead] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Dated:
    """A stated date of a sentence with what it was settled to."""

    stated: Stated
    settled: Settled | None
    ahead: bool


class EntryReader:
    """Reads the sentences of one entry about one or more people."""

    def __init__(self, plain: Plain, language: Language, published: date | None, persons: Sequence[PersonRead]) -> None:
        self.plain, self.language, self.published = plain, language, published
        self.persons = persons
        self._name_words = {
            person.name: frozenset(w for n in (person.name, *person.variants) for w in fold(n).split() if len(w) > 2)
            for person in persons
        }
        self._finder = finder_for(language.code)
        self._near: date | None = None
        self._loose: date | None = None
        self._paragraph = -1
        self._court: str | None = None
        self.found = Findings()

    def read(self, sentences: Sequence[Sentence], title: Sentence | None) -> Findings:
        """Events and hearings of the sentences, each fact once; the title only adds what the text does not say."""
        self._loose = self._first_full_date(sentences)
        for sentence in sentences:
            self._read_sentence(sentence)
        if title is not None:
            self._read_sentence(title, title=True)
        return Findings(self._each_event_once(), self._each_hearing_once())

    def _first_full_date(self, sentences: Sequence[Sentence]) -> date | None:
        for sentence in sentences:
            for stated in self._finder.find(sentence.text, sentence.low):
                if stated.year and stated.month and stated.day:
                    settled = settle(stated, None, None, False)
                    if settled:
                        return settled.on
        return None

    def _read_sentence(self, sentence: Sentence, title: bool = False) -> None:
        if sentence.paragraph != self._paragraph:
            self._paragraph, self._court = sentence.paragraph, None
            if self.published is not None:
                self._near = None
        low = sentence.low
        cues = self._cues(sentence)
        hearing_cues = self.language.hearing_cues.find(low)
        if all(c.code == "weak" for c in hearing_cues):
            hearing_cues = []
        dates = self._dates(sentence, bool(hearing_cues))
        if not dates and not cues and not hearing_cues:
            return
        court = self.court_in(sentence)
        self._court = court or self._court
        used: set[Found] = set()
        for dated in dates:
            self._place(sentence, dated, dates, cues, hearing_cues, court, used)
        self._undated(sentence, dates, cues, used)
        announced = not dates and hearing_cues and not title and low in self.language.next_without_date
        if announced and low not in self.language.demands:
            self._add_hearing(sentence, None, court, True)

    # -- dates ---------------------------------------------------------------------------------------------------

    def _dates(self, sentence: Sentence, of_hearing: bool) -> list[_Dated]:
        found: list[_Dated] = []
        for stated in self._finder.find(sentence.text, sentence.low):
            if stated.day and not stated.year and _CITATION.search(sentence.text[: stated.start]):
                continue
            first, last = self._clause(sentence.low, stated.start)
            ahead = self.language.ahead.first(sentence.low[first:last]) is not None or (stated.until and of_hearing)
            settled = settle(stated, self._near, self.published, ahead, self._loose)
            if settled and settled.precision == "day" and not self._is_long_ago(settled.on):
                self._near = settled.on
            found.append(_Dated(stated, settled, ahead))
        return found

    def _is_long_ago(self, on: date) -> bool:
        """A look back from a date already told (an anniversary): what follows goes on from the date told."""
        return self._near is not None and (self._near - on).days > _LOOKS_BACK_DAYS

    @staticmethod
    def _clause(low: str, position: int) -> tuple[int, int]:
        """The clause of the sentence that holds `position`."""
        first, last = 0, len(low)
        for seam in _CLAUSE_END.finditer(low):
            if seam.end() <= position:
                first = seam.end()
            elif seam.start() >= position:
                last = seam.start()
                break
        return first, last

    # -- events --------------------------------------------------------------------------------------------------

    def _cues(self, sentence: Sentence) -> list[Found]:
        """The cues of a sentence that report something: not what is demanded, feared or only possible."""
        low = sentence.low
        cues = self.language.cues.find(low)
        if not cues:
            return []
        demand = self.language.demands.first(low)
        wished_from = min((d.start for d in self.language.demands.find(low)), default=len(low)) if demand else len(low)
        return [cue for cue in cues if cue.code and cue.start < wished_from and not self._is_unreal(sentence, cue)]

    def _is_unreal(self, sentence: Sentence, cue: Found) -> bool:
        """Whether the words before a cue make it a thing that has not happened; `May` with a capital is a month."""
        first = max(0, cue.start - 60)
        match = self.language.unreal.search(sentence.low[first : cue.start])
        if match is None:
            return False
        word = sentence.text[first + match.start() : first + match.end()].split()[0]
        return not (word[0].isupper() and word.lower() in self.language.months)

    def _place(
        self, sentence: Sentence, dated: _Dated, dates: Sequence[_Dated], cues: Sequence[Found],
        hearing_cues: Sequence[Found], court: str | None, used: set[Found],
    ) -> None:  # fmt: skip
        """Say what a date is the date of: the event or the hearing whose words stand nearest to it."""
        stated = dated.stated
        cue, gap = self._nearest(sentence.low, stated, cues)
        hearing, hearing_gap = self._nearest(sentence.low, stated, hearing_cues)
        adjourns = cue is not None and cue.code == "adjournment"
        if hearing is not None and (adjourns or hearing_gap <= gap):
            if len(dates) > 1 and dated.settled and dated.settled.on == self.published:
                return  # the day the news is told on, beside the day it is about
            self._add_hearing(sentence, dated, court or self._court, dated.ahead)
            if adjourns and cue is not None and not stated.until:
                used.add(cue)
            return
        if stated.until:
            return
        if cue is None:
            precision = dated.settled.precision if dated.settled else ""
            if (precision == "day" and self._about_someone(sentence)) or (
                precision == "month" and self._named(sentence)
            ):
                self._add_event(sentence, dated.settled, "other")
            return
        leading = bool(_LEADING.match(sentence.low[: stated.start]))
        covered = [c for c in cues if c is cue or (leading and self._own_date(sentence.low, c, dates) is dated)]
        for one in covered:
            used.add(one)
            self._add_event(sentence, dated.settled, one.code)
        if (
            dated.settled
            and court
            and self._is_named(court)
            and any(
                c.code in self.language.deciding and self._own_date(sentence.low, c, dates) is dated for c in covered
            )
        ):
            self._add_hearing(sentence, dated, court, dated.ahead)

    def _nearest(self, low: str, stated: Stated, cues: Sequence[Found]) -> tuple[Found | None, int]:
        """The cue nearest to a date, those of its own clause first, and how far it is."""
        first, last = self._clause(low, stated.start)
        best, best_gap = None, 1 << 30
        for cue in cues:
            gap = max(cue.start - stated.end, stated.start - cue.end, 0)
            if cue.start >= last or cue.end <= first:
                gap += 200
            if gap < best_gap:
                best, best_gap = cue, gap
        return best, best_gap

    def _own_date(self, low: str, cue: Found, dates: Sequence[_Dated]) -> _Dated | None:
        """The date a cue would choose: one in its own clause, else the one before it."""
        first, last = self._clause(low, cue.start)
        inside = [d for d in dates if first <= d.stated.start < last and not d.stated.until]
        before = [d for d in dates if d.stated.end <= cue.start]
        if inside:
            return min(inside, key=lambda d: max(cue.start - d.stated.end, d.stated.start - cue.end))
        return before[0] if before else None

    def _undated(self, sentence: Sentence, dates: Sequence[_Dated], cues: Sequence[Found], used: set[Found]) -> None:
        for cue in cues:
            if cue in used or cue.code not in self.language.undated_kinds:
                continue
            if self._about_someone(sentence):
                self._add_event(sentence, None, cue.code)

    def _about_someone(self, sentence: Sentence) -> bool:
        return bool(self._named(sentence)) or bool(self.language.pronouns.search(sentence.low))

    def _named(self, sentence: Sentence) -> tuple[str, ...]:
        words = set(fold(sentence.text).split())
        return tuple(name for name, own in self._name_words.items() if own & words)

    def _add_event(self, sentence: Sentence, settled: Settled | None, kind: str) -> None:
        quote = self.plain.quote(sentence.start, sentence.end)
        self.found.events.append(
            EventRead(
                date=settled.on if settled else None,
                precision=settled.precision if settled else "by",
                kind=kind,
                text=" ".join(sentence.text.split()),
                quote=quote.quote,
                start=quote.start,
                end=quote.end,
                inferred=settled.inferred if settled else None,
                persons=self._named(sentence),
            )
        )

    def _each_event_once(self) -> list[EventRead]:
        """One event per day and kind; an undated one only where no dated one of its kind stands; `other` only for a day
        nothing else is said of."""
        dated_kinds = {e.kind for e in self.found.events if e.date}
        told_days = {e.date for e in self.found.events if e.date and e.kind != "other"}
        told_days |= {h.date for h in self.found.hearings if h.date}
        seen: set[tuple[object, ...]] = set()
        kept = []
        for event in self.found.events:
            key = (
                event.kind,
                event.date,
                event.precision,
                event.persons if event.date and len(self.persons) > 1 else (),
            )
            if key in seen or (event.date is None and event.kind in dated_kinds):
                continue
            if event.kind == "other" and event.date in told_days:
                continue
            seen.add(key)
            kept.append(event)
        return kept

    # -- hearings ------------------------------------------------------------------------------------------------

    def _add_hearing(self, sentence: Sentence, dated: _Dated | None, court: str | None, ahead: bool) -> None:
        settled = dated.settled if dated else None
        if settled is not None and settled.precision == "year":
            return
        if settled is None and not ahead:
            return
        on = settled.on if settled else None
        upcoming = (
            ahead if on is None or self.published is None else on > self.published or (on == self.published and ahead)
        )
        quote = self.plain.quote(sentence.start, sentence.end)
        self.found.hearings.append(
            HearingRead(
                date=on,
                precision=settled.precision if settled else "not_set",
                time=dated.stated.at if dated else None,
                court=court,
                kind=self._hearing_kind(sentence),
                tense="upcoming" if upcoming else "past",
                quote=quote.quote,
                start=quote.start,
                end=quote.end,
                inferred=settled.inferred if settled else None,
                persons=self._named(sentence),
                announced=ahead,
                no_such_day=self._finder.impossible(sentence.text, sentence.low) if on is None else None,
            )
        )

    def _hearing_kind(self, sentence: Sentence) -> str:
        return next((kind for kind, cues in self.language.hearing_kinds if sentence.low in cues), (
            "trial_session" if re.search(r"(?<![\w-])trial(?!\w)", sentence.low) else "hearing"
        ))  # fmt: skip

    def _each_hearing_once(self) -> list[HearingRead]:
        dated = any(h.date and h.tense == "upcoming" for h in self.found.hearings)
        seen: dict[object, int] = {}
        kept: list[HearingRead] = []
        for hearing in self.found.hearings:
            if hearing.date is None and (dated or None in seen):
                continue
            if hearing.date in seen:
                if kept[seen[hearing.date]].court is None and hearing.court:
                    kept[seen[hearing.date]] = hearing
                continue
            seen[hearing.date] = len(kept)
            kept.append(hearing)
        return kept

    def court_in(self, sentence: Sentence) -> str | None:
        """The court a sentence names, as printed, without an article; None when it names none."""
        language, text = self.language, sentence.text
        tokens = list(_COURT_TOKEN.finditer(text))
        for i, token in enumerate(tokens):
            if token.group().lower().removesuffix("'s") not in language.court_words:
                continue
            first = i
            while first > 0 and self._belongs_to_court(text, tokens[first - 1], tokens[first]):
                first -= 1
            last = i
            if token.group()[0].isupper() or first < i:
                last = self._court_tail(text, tokens, i)
            if first == last and token.group()[0].islower():
                continue
            name = text[tokens[first].start() : tokens[last].end()]
            return " ".join(name.removesuffix("'s").split())
        return next((f for f in language.forums if f in sentence.low), None)

    def _belongs_to_court(self, text: str, token: re.Match[str], following: re.Match[str]) -> bool:
        if not text[token.end() : following.start()].isspace():
            return False
        low = token.group().lower()
        if low in self.language.function_words:
            return False
        return token.group()[0].isupper() or low in self.language.court_adjectives

    def _court_tail(self, text: str, tokens: Sequence[re.Match[str]], at: int) -> int:
        last = at
        if at + 1 < len(tokens) and tokens[at + 1].group().lower() in self.language.court_tails:
            k = at + 2
            if k < len(tokens) and tokens[k].group().lower() == "the":
                k += 1
            while (
                k < len(tokens)
                and tokens[k].group()[0].isupper()
                and text[tokens[k - 1].end() : tokens[k].start()].isspace()
            ):
                last = k
                k += 1
        return last

    def _is_named(self, court: str) -> bool:
        """Whether the court is called by a name of its own: capitals that are more than its country's."""
        words = court.split()
        return any(w[0].isupper() and w.lower() not in self.language.country_words for w in words)


#: Which event leaves a person in which custody.
_CUSTODY = {
    "arrest": "detained",
    "disappearance": "disappeared",
    "detention_order": "ordered",
    "house_arrest": "house_arrest",
    "release": "released",
    "release_conditional": "released_on_conditions",
    "bail_denied": "ordered",
}


def read_status(
    events: Sequence[EventRead], hearings: Sequence[HearingRead], sentences: Sequence[Sentence], plain: Plain,
    language: Language, people: int,
) -> tuple[str | None, Quote | None]:  # fmt: skip
    """The status on the day of publication, and the sentence that decides it: the events in their order, then what the
    text says outright of people who are held."""
    outright: dict[str, Quote] = {}
    for sentence in sentences:
        for code, phrases in language.statuses:
            if code not in outright and sentence.low in phrases and sentence.low not in language.demands:
                outright[code] = plain.quote(sentence.start, sentence.end)
    far = date.max
    ordered = sorted(events, key=lambda e: (e.date or far, e.start))
    death = next((e for e in ordered if e.kind == "death" and (e.persons or "died_in_custody" in outright)), None)
    if death is not None and (people == 1 or "died_in_custody" in outright):
        code = "died_in_custody" if "died_in_custody" in outright else "died"
        return code, Quote(death.quote, death.start, death.end)
    custody, source, convicted, charged = _fold(ordered)
    on_trial = any(h.kind in ("trial_session", "verdict", "sentencing") for h in hearings) or any(
        e.kind in ("trial_start", "adjournment") for e in events
    )
    if custody in ("house_arrest", "released", "released_on_conditions"):
        return custody, source
    if custody == "disappeared" and "enforced_disappearance" in outright:
        return "enforced_disappearance", outright["enforced_disappearance"]
    if "death_sentence" in outright:
        return "death_sentence", outright["death_sentence"]
    if convicted:
        return "convicted_imprisoned", source
    for code in ("enforced_disappearance", "detained_unlawful_combatant", "administrative_detention"):
        if custody and code in outright:
            return code, outright[code]
    if custody and on_trial and charged:
        return "on_trial_detained", source
    if custody and (custody == "ordered" or charged):
        return "pretrial_detention", source
    if custody and "incommunicado" in outright:
        return "incommunicado", outright["incommunicado"]
    if custody:
        return "detained_without_charge", outright.get("detained_without_charge", source)
    if on_trial:
        return "on_trial_at_liberty", Quote(
            hearings[0].quote, hearings[0].start, hearings[0].end
        ) if hearings else source
    threat = next((e for e in ordered if e.kind == "threat_or_attack"), None)
    return ("at_risk", Quote(threat.quote, threat.start, threat.end)) if threat else (None, None)


def _fold(ordered: Sequence[EventRead]) -> tuple[str | None, Quote | None, bool, bool]:
    """Custody, the sentence it comes from, and whether there is a conviction or a charge that still stands."""
    custody: str | None = None
    source: Quote | None = None
    convicted = charged = False
    for event in ordered:
        here = Quote(event.quote, event.start, event.end)
        if event.kind in _CUSTODY:
            if not (event.kind == "arrest" and custody == "ordered"):
                custody, source = _CUSTODY[event.kind], here
        elif event.kind in ("sentence", "conviction"):
            custody, source, convicted = "imprisoned", here, True
        elif event.kind in ("acquittal", "charges_dropped"):
            convicted = charged = False
        elif event.kind == "charge":
            charged = True
    return custody, source, convicted, charged
