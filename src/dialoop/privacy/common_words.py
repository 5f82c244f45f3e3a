"""English words as data: those that are no names though a name may stand in their place, and common given names.

Short lists made by hand, in small letters; they know no context.
"""

from __future__ import annotations

COMMON = frozenset(
    "a an the this that these those my your his her our their its it i you he she we they not no yes ok okay on in at "
    "of for from to under over with without by and or but so as "
    "is are was were be been am do does did have has had will "
    "would can could should may might must if then than there here where when who what which why how all any some too "
    "very just still also already now today tomorrow tonight please thanks thank sorry hello hi hey good morning "
    "afternoon evening looking trying going coming calling writing interested happy sure afraid late early ready "
    "staying traveling travelling arriving leaving having getting planning wondering hoping asking "
    "booking reservation reserved room rooms hotel number phone email mail address name names spelled spelt misspelled "
    "wrong right correct different same new one two three about correctly missing unknown private listed up out "
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august september "
    "october november december american british english chinese german french spanish italian canadian australian "
    "japanese korean indian dutch swiss russian irish scottish mexican brazilian vegan vegetarian vip mr mrs ms dr sir "
    "miss madam guest customer member manager staff everything nothing something anything great fine perfect amazing "
    "terrible urgent important standard deluxe double single twin suite family king queen garden sea view breakfast "
    "dinner lunch wifi parking pool spa check checkin checkout visa mastercard amex id usd eur gbp reception desk "
    "because since until after before only really actually currently unfortunately basically again speaking me us them "
    "him non smoking another other try cool alright great awesome well let get see maybe "
    "write use put ask send go ahead reachable dear".split()
)
"""Words that end a name or are none."""

GIVEN = frozenset(
    "james john robert michael william david richard joseph thomas charles daniel matthew anthony donald steven paul "
    "andrew joshua kenneth kevin brian george timothy ronald edward jason jeffrey ryan jacob gary nicholas eric "
    "jonathan stephen larry justin scott brandon benjamin samuel gregory "
    "alexander patrick jack dennis jerry tyler aaron jose "
    "adam nathan henry douglas zachary peter kyle noah ethan jeremy walter keith roger sean dylan liam lucas oliver "
    "mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty sandra margaret ashley "
    "kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca laura sharon cynthia kathleen amy "
    "angela shirley anna brenda pamela emma nicole helen samantha katherine christine debra rachel carolyn janet maria "
    "heather diane ruth julie olivia joyce virginia victoria kelly lauren christina joan evelyn judith megan andrea "
    "cheryl hannah jacqueline martha gloria teresa ann sara madison frances kathryn janice jean alice julia sophia "
    "chloe lucy mia ella zoe tom mike dave bob jim joe steve chris nick ben sam alex tony dan matt kate jenny lucia "
    "sofia carlos juan pedro luis miguel ahmed mohammed fatima ali omar yuki hiroshi priya raj wei ming hans klaus "
    "pierre marie luca marco giulia ivan olga sven lars ingrid fiona ian leo max felix clara lea nora tina "
    "ahmad aisha alessandro alexandra alicia ana anastasia andre andreas anita anton antonio arjun astrid beatrice "
    "bernard birgit boris bruno camille carla carmen caroline cecilia chen chiara claire claudia daniela diana dimitri "
    "dmitri edith eleanor elena elise emil emilia erik eva fabian fatou federico felicia felipe fernando filip "
    "florian francesca francesco francisco franz frank fred frederik gabriel gabriela gerhard giovanni greta gustav "
    "hannes harry hassan hector heinz helena helga henrik hugo ibrahim ines irene isabel isabella jan jana javier "
    "jens joanna johan johanna jonas jorge josef juliet jun katarina katja katrin kofi kwame lena leon leonardo "
    "leonie lorenzo louis louise lukas magda maja manuel marcel marcus margarita marina mario marta martin martina "
    "mathias matteo matthias mei miriam mohamed monika natalia natasha neha nils oksana oscar otto pablo paula petra "
    "philip philippe pia rafael rahul rajesh ravi renate robin roberto rosa rosalind sabine sandeep sanjay santiago "
    "saskia sebastian silvia simon sonja stefan stella susanne svetlana "
    "sylvia tanya tatiana theo theresa tobias ulrich "
    "ursula valentina vera veronica viktor vincent vladimir walter werner wolfgang xavier yusuf yvonne zara".split()
)
"""Given names, of many places; those that are common words as well are left out."""
