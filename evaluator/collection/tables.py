"""Campaigns, who may answer, and the responses. No address, device or time of day is stored with an answer."""

from __future__ import annotations

from piccolo.columns import BigInt, Boolean, Bytea, Date, ForeignKey, Serial, Text
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.constraints import Unique
from piccolo.table import Table

from evaluator.columns import BoundedText, OneOf, RangedInteger
from evaluator.units.tables import Unit

MODES = ["invitation", "sign_in", "open"]
STAGES = ["draft", "ready", "paused", "sealed"]  # what the operator decided; the dates say the rest
CARRIERS = ["letter", "sms", "mail"]
DURATIONS = ["under_25_seconds", "under_60_seconds", "longer", "unknown"]


class QuestionnaireVersion(Table):
    """A questionnaire as it was put to the public: never changed once it was published."""

    id = Serial(primary_key=True)
    code = BoundedText(length=64, least=1)
    version = BoundedText(length=32, least=1)
    definition = Text()  # the YAML file, byte for byte
    published = Boolean(default=True)  # campaigns take these only; one that is not yet published may be replaced
    questionnaire_version_once = Unique([code, version])


class Campaign(Table):
    """A questionnaire put to the public for some units between two dates, both inclusive, in the site's time zone."""

    id = Serial(primary_key=True)
    code = BoundedText(length=64, least=1, unique=True)
    title_zh = BoundedText(length=160, least=1)
    title_en = BoundedText(length=200, least=1)
    questionnaire = ForeignKey(
        QuestionnaireVersion, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict
    )  # the version that it shows now; CampaignVersion has those before
    opens = Date(default=None, null=False)
    closes = Date(default=None, null=False)
    stage = OneOf(STAGES, default="ready")
    closed_early = Boolean(default=False)  # the operator closed it on its last day, before that day was over
    open_link = Boolean(default=True)
    sign_in = Boolean(default=False)  # whether people may answer after they signed in
    simulated = Boolean(default=False)
    responsible_zh = BoundedText(
        length=160, least=1
    )  # the notice: who is responsible, whom to ask, how long it is kept
    responsible_en = BoundedText(length=200, least=1)
    contact = BoundedText(length=200, least=1)
    kept_months = RangedInteger(low=1, high=240, default=24)
    rules = Text()  # JSON, see `evaluator.collection.rules`; blank: made before there were any


class CampaignVersion(Table):
    """A version that a campaign put to the public, and since which day: the first, and one row a move."""

    id = Serial(primary_key=True)
    campaign = ForeignKey(Campaign, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    questionnaire = ForeignKey(
        QuestionnaireVersion, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict
    )
    since = Date(default=None, null=False)


class CampaignUnit(Table):
    """A unit that a campaign asks about."""

    id = Serial(primary_key=True)
    campaign = ForeignKey(Campaign, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    unit = ForeignKey(Unit, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    target = BigInt(default=0)  # responses wanted; 0: none was set
    campaign_unit_once = Unique([campaign, unit])


class Manifest(Table):
    """What a campaign promised before it opened, and each change since, as logged: the newest counts."""

    id = Serial(primary_key=True)
    campaign = ForeignKey(Campaign, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    day = Date(default=None, null=False)
    digest = BoundedText(length=64, least=64)  # SHA-256 of `text`
    text = Text()  # canonical JSON
    reason = BoundedText(length=400)  # why it took the place of the one before; blank in the first


class SampleCell(Table):
    """A design cell of the invited sample: how many there are, how many were invited."""

    id = Serial(primary_key=True)
    campaign = ForeignKey(Campaign, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    unit = ForeignKey(Unit, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    design_stratum = BoundedText(length=64)
    psu = BoundedText(length=64)
    frame_n = BigInt(default=0)
    invited = BigInt(default=0)
    undelivered = BigInt(default=0)  # of the invited: came back, unknown number, mailbox closed
    drawn_to = BigInt(default=-1)  # the greatest permanent random number drawn so far (collection/sampling.py)
    calibration_area = BoundedText(length=32)
    sample_cell_once = Unique([campaign, unit, design_stratum, psu])


class PopulationCell(Table):
    """How many people of a kind live in an area: margins to calibrate to."""

    id = Serial(primary_key=True)
    campaign = ForeignKey(Campaign, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    unit = ForeignKey(Unit, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    strata = BoundedText(length=1000, least=2)  # a JSON object, keys sorted: {"s_age": "a16", "s_gender": "f"}
    count = BigInt(default=0)
    population_cell_once = Unique([campaign, unit, strata])


class Batch(Table):
    """Invitations that went out together. Names and addresses are with the sender, never here."""

    id = Serial(primary_key=True)
    campaign = ForeignKey(Campaign, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    name = BoundedText(length=32, least=1)
    carrier = OneOf(CARRIERS, default="letter")
    day = Date(default=None, null=False)
    invited = BigInt(default=0)
    seed = BigInt(default=0)  # of the draw; the same in all batches of a campaign
    reminders = RangedInteger(low=0, high=2, default=0)  # lists of the unused made so far: each tells a little
    marks = BoundedText(length=64)  # of the files that count (collection/handing_over.py): a random word each
    batch_once = Unique([campaign, name])


class Invitation(Table):
    """A code that was sent out: only its keyed hash is kept, and nothing says whether it was used (see Admission)."""

    code_hash = BoundedText(length=64, least=64, primary_key=True)
    campaign = ForeignKey(Campaign, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    unit = ForeignKey(Unit, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    design_stratum = BoundedText(length=64)
    psu = BoundedText(length=64)
    batch = BoundedText(length=32)  # name of a Batch, or blank


class Admission(Table):
    """A code that was used, somebody who signed in for a unit, a visit by open link: the primary key makes it once."""

    code_hash = BoundedText(length=64, least=64, primary_key=True)
    campaign = ForeignKey(Campaign, null=True, default=None, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)


class Draft(Table):
    """Answers that are not sent yet, sealed under a key that only the visitor's cookie holds. No time is kept."""

    name = BoundedText(length=64, least=64, primary_key=True)  # derived from the key
    campaign = ForeignKey(Campaign, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    sealed = Bytea(default=b"")


class Response(Table):
    """One person's answers on one unit, under a random identifier that keeps no order of arrival."""

    identifier = BoundedText(length=32, least=32, primary_key=True)
    campaign = ForeignKey(Campaign, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    unit = ForeignKey(Unit, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    mode = OneOf(MODES, default="open")
    day = Date(default=None, null=False)
    design_stratum = BoundedText(length=64)
    psu = BoundedText(length=64)
    duration = OneOf(DURATIONS, default="unknown")
    flags = BoundedText(length=255)
    answers = Text()  # JSON object, question code -> code, list of codes, number or text
    questionnaire = ForeignKey(
        QuestionnaireVersion, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict
    )  # the version under which it was accepted
    orders = Text()  # JSON object, question code -> codes of its choices as they were shown; "" when none were moved
    salt = BoundedText(length=64)  # hexadecimal; with it the commitment in the log can be opened
    leaf_hash = BoundedText(length=64, index=True)  # in the campaign's log; blank: stored before there was one
    excluded = BoundedText(length=64)  # the registered rule under which it does not count; blank: it counts


class Pending(Table):
    """A response that was accepted and promised, until its epoch is sealed: then it moves to `response`.

    While it waits, a code or an open visit leads to its response, so that sending the same again gets the same promise
    and counts nothing twice. The transaction that seals the epoch deletes that.
    """

    leaf_hash = BoundedText(length=64, least=64, primary_key=True)
    identifier = BoundedText(length=32, least=32)  # of the response that it becomes; each index takes a page an answer
    campaign = ForeignKey(Campaign, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    unit = ForeignKey(Unit, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    mode = OneOf(MODES, default="open")
    day = Date(default=None, null=False)
    design_stratum = BoundedText(length=64)
    psu = BoundedText(length=64)
    duration = OneOf(DURATIONS, default="unknown")
    flags = BoundedText(length=255)
    answers = Text()
    orders = Text()
    questionnaire = ForeignKey(
        QuestionnaireVersion, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict
    )
    salt = BoundedText(length=64, least=64)
    commitment = BoundedText(length=64, least=64)  # what its leaf will say, though answers and salt may go before
    code_hash = BoundedText(length=64, null=True, default=None, index=True)  # or a visit's; the index is unique
    withdrawn = Boolean(default=False)  # answers and salt are gone; the leaf is sealed all the same, as promised


class SealedGroup(Table):
    """A unit's responses that went into the log at one time, and how many were sealed together with them.

    Who sees the log alone cannot tell leaves of a group apart. A unit with fewer than 50 is in one with its siblings.
    """

    id = Serial(primary_key=True)
    campaign = ForeignKey(Campaign, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    unit = ForeignKey(Unit, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    log_size = BigInt(default=0)  # of the campaign's log before
    responses = BigInt(default=0)  # of the unit
    group_size = BigInt(default=0)
    sealed_group_once = Unique([campaign, unit, log_size])


class QualityFlag(Table):
    """What the registered rules found at the close. Nothing is deleted for it."""

    id = Serial(primary_key=True)
    response = ForeignKey(Response, null=False, on_delete=OnDelete.cascade, on_update=OnUpdate.restrict)
    rule = BoundedText(length=64, least=1)
    quality_flag_once = Unique([response, rule])


class CampaignSignals(Table):
    """Signals of steering as they are shown: worked out of sealed responses, anew when fifty more are there."""

    id = Serial(primary_key=True)
    campaign = ForeignKey(Campaign, null=False, unique=True, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    responses = BigInt(default=0)  # sealed at that time
    text = Text()  # JSON


class ScreenCount(Table):
    """How many visits reached a screen of the form: counted in memory, added here once an hour. No answers."""

    id = Serial(primary_key=True)
    campaign = ForeignKey(Campaign, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    screen = BoundedText(length=160, least=1)
    visits = BigInt(default=0)
    screen_count_once = Unique([campaign, screen])


class TrialResponse(Table):
    """Answers of somebody who tried a questionnaire out. Nothing reads them into a count, an export or a snapshot."""

    identifier = BoundedText(length=32, least=32, primary_key=True)
    questionnaire = ForeignKey(
        QuestionnaireVersion, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict
    )
    day = Date(default=None, null=False)
    flags = BoundedText(length=255)
    answers = Text()
    orders = Text()
