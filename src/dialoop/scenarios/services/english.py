"""What customers and agents of services say in English. Plain data; {item}, {items}, {record} are the service's words,
{tails} what is told besides, other slots are values.
"""

from __future__ import annotations


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


HI = [
    *[""] * 8,
    *"Hi,|Hello,|Hey,|Good morning,|Good afternoon,|Hi there,|Hello there,|Excuse me,|Morning,|Greetings,".split("|"),
]

BOOK = _lines("""
I'd like to book a {item} {tails}
I want a {item} {tails}
I need a {item} {tails}
can I book a {item} {tails}?
could you reserve a {item} {tails}?
please reserve a {item} for me {tails}
we are looking for a {item} {tails}
looking for a {item} {tails}
do you have a {item} {tails}?
do you have any {items} free {tails}?
any {items} available {tails}?
what {items} do you have {tails}?
which {items} can we get {tails}?
is there a {item} left {tails}?
are there still {items} open {tails}?
show me what is free {tails}
what can you offer {tails}?
what's available {tails}?
anything free {tails}?
I was hoping to get a {item} {tails}
we'd love a {item} {tails}
make me a {record} {tails}
I'd like to make a {record} {tails}
can you set up a {record} {tails}?
I have to arrange a {item} {tails}
help me find a {item} {tails}
check availability {tails}
what would a {item} cost {tails}?
how much are your {items} {tails}?
please find us a {item} {tails}
get me a {item} {tails}
one {item} {tails}
a {item} {tails}, please
I am interested in a {item} {tails}
we are planning something {tails} and need a {item}
thinking of a {item} {tails}
my family wants a {item} {tails}
it's for work: a {item} {tails}
do you have space {tails}?
would there be something {tails}?
is it possible to have a {item} {tails}?
let me book a {item} {tails}
I want to come {tails}
we want to come by {tails}
sign me up for a {item} {tails}
""")
BOOK_ITEM = _lines("""
I'd like the {name_of} {tails}
can I have the {name_of} {tails}?
book the {name_of} {tails}
please reserve the {name_of} {tails}
I want to take the {name_of} {tails}
is the {name_of} free {tails}? I want it
we'd like to get the {name_of} {tails}
the {name_of} again {tails}, please
could we book the {name_of} {tails}?
put us in the {name_of} {tails}
I have my eye on the {name_of} {tails}
I've chosen the {name_of} {tails}
a colleague praised the {name_of}, can I book it {tails}?
reserve {name_of} {tails}
make it the {name_of} {tails}
""")
FIND = _lines("""
can you look up my {record} {tails}?
what did I book {tails}?
I want to check my {record} {tails}
is my {record} fine {tails}?
please find my {record} {tails}
could you read me my {record} {tails}?
do you see my {record} {tails}?
show me the {record} {tails}
I can't remember my {record} {tails}
when was my {record} {tails}?
did you get my {record} {tails}?
details of my {record} {tails}
pull up my {record} {tails}
I'd like to know if my {record} is in order {tails}
""")
CHANGE = _lines("""
I'd like to change my {record} {tails}
can we move my {record} {tails}?
please change the {record} {tails}
I need to reschedule {tails}
I must adjust my {record} {tails}
could you amend my {record} {tails}?
my plans are different now, change my {record} {tails}
we need another date or size for our {record} {tails}
shift my {record} {tails}
there was an error in my {record} {tails}
something in my {record} has to be different {tails}
is a change to my {record} possible {tails}?
can I still alter my {record} {tails}?
update the {record} {tails}
""")
CANCEL = _lines("""
cancel my {record} {tails}
I'd like to cancel my {record} {tails}
please cancel the {record} {tails}
I can't make it, cancel {tails}
we don't need the {item} any more {tails}
I have to call it off {tails}
can you delete my {record} {tails}?
scrap my {record} {tails}
can I still get out of my {record} {tails}?
I won't come, please cancel {tails}
remove my {record} {tails}
it's not happening, cancel the {record} {tails}
""")
ASK_TOPIC = _lines("""
what about {topic}?
what are the rules for {topic}?
do you have a policy on {topic}?
tell me about {topic}
is there anything I should know about {topic}?
I have a question on {topic}
how does {topic} work?
how do you deal with {topic}?
can you explain {topic}?
info on {topic}, please
what do you say to {topic}?
anything special about {topic}?
I wonder about {topic}
{topic}: how is that handled?
could you tell me something about {topic}?
we'd like to know about {topic}
what's the deal with {topic}?
any restrictions on {topic}?
who pays for {topic}?
is {topic} allowed?
do you offer {topic}?
""")
FIRST_ASK = _lines("""
before I decide, what about {topic}?
one question first: {topic}?
hold on, how is it with {topic}?
by the way, what are the rules on {topic}?
wait, first tell me about {topic}
oh, and {topic}?
another thing, is there a policy for {topic}?
sorry, quick one about {topic}
""")
ASK_ITEM = _lines("""
what is the {name_of} like?
tell me more about the {name_of}
how much is the {name_of}?
describe the {name_of}, please
is the {name_of} any good?
what do I get with the {name_of}?
how big is the {name_of}?
can you say more about the {name_of}?
details on the {name_of}?
what does the {name_of} come with?
""")
COMPARE = _lines("""
{name_of} or {other}: which is better?
what is the difference between the {name_of} and the {other}?
compare the {name_of} with the {other}, please
how does the {name_of} differ from the {other}?
should I take the {name_of} or the {other}?
which costs less, the {name_of} or the {other}?
""")
COMPLAIN = _lines("""
{problem} in number {unit_number}
I want to report something: {problem}
this is {unit_number}, {problem}
there is a problem, {problem}
I have to complain, {problem}
in {unit_number} {problem}
we are in {unit_number} and {problem}
can somebody come to {unit_number}? {problem}
just to tell you, {problem}
not happy at all: {problem}
it's about {unit_number}: {problem}
{problem}, can you fix that?
help, {problem}
""")
GREET = _lines("""
hello
hi there
good evening
hey, is anyone around?
hi, I have a question
good morning, can you help?
hello, are you open?
""")
CHAT = [
    (["are you a bot?", "is this a person or a machine?", "am I talking to a human?", "do you have a name?"],
     ["I am the digital assistant here.", "I am an assistant program, happy to help."]),
    (["what can you do?", "what are you good for?", "how can you help me?", "what should I ask you?"],
     ["I can look things up, book, change and cancel.", "I take bookings and answer questions about the house."]),
    (["how are you?", "how's your day?", "all good with you?"], ["I am fine, thank you!", "Very well, thanks."]),
    (["what's the weather like?", "will it rain tomorrow?", "is it warm out there?"],
     ["I can't see the weather, sorry.", "I know nothing about the weather, I'm afraid."]),
    (["you are great!", "I love your place.", "people say nice things about you."], ["How kind, thank you!", "That is nice to hear."]),
    (["can you buy me a plane ticket?", "write me a song", "do my homework", "who should I vote for?", "tell me a joke",
      "what's the capital of Chile?", "translate this for me", "can you get me concert tickets?", "who wins the election?"],
     ["Sorry, I only take care of our own services.", "That is not something I can do here."]),
]  # fmt: skip
TAILS = {
    "day": ["on {v}", "for {v}", "{v}", "from {v}", "starting {v}", "beginning {v}", "the day is {v}", "as from {v}", "arriving {v}",
            "we come {v}", "we start on {v}", "first day {v}"],
    "time": ["at {v}", "around {v}", "{v}", "at {v} sharp", "starting at {v}"],
    "people": ["for {v}", "{v}", "with {v}", "for a group of {v}", "we are {v}", "there will be {v}", "a party of {v}", "big enough for {v}",
               "for {v} altogether", "it's {v}"],
    "length": ["for {v}", "{v}", "{v} long", "lasting {v}", "over {v}", "for {v} altogether", "it takes {v}", "{v} in all", "a total of {v}"],
    "place": ["in {v}", "at {v}", "from {v}", "near {v}", "{v} would be good"],
    "budget": ["under {v}", "for {v} at most", "no more than {v}", "up to {v}", "my limit is {v}", "below {v}", "max {v}", "not above {v}"],
    "reference": ["under {v}", "number {v}", "it's {v}", "with {v}", "({v})", "{v}", "the code is {v}", "I gave you {v}", "made with {v}"],
    "new_day": ["to {v}", "on {v} instead", "so that it starts {v}", "new date {v}", "move it to {v}", "from {v} rather"],
    "new_length": ["to {v}", "for {v} instead", "make it {v}", "{v} rather", "with {v} now"],
    "new_people": ["for {v} instead", "we are {v} now", "make it {v}"],
    "new_item": ["to the {v}", "into the {v}", "with the {v} instead", "the {v} rather"],
    "unit_number": ["number {v}", "we are in {v}", "it's {v}"],
}  # fmt: skip
ANSWERS = {
    "day": ["{v}", "on {v}", "{v} would be good", "it's {v}", "let's say {v}", "we'd come {v}", "starting {v}"],
    "time": ["{v}", "at {v}", "{v} is fine", "say {v}"],
    "people": ["{v}", "we are {v}", "{v} of us", "for {v}", "it'll be {v}"],
    "length": ["{v}", "for {v}", "{v} will do", "we want {v}", "let it be {v}"],
    "place": ["{v}", "in {v}", "at {v}"],
    "name": ["{v}", "my name is {v}", "it's {v}", "{v} is the name", "name: {v}", "put it under {v}", "I'm {v}", "call me {v}", "on {v}"],
    "contact": ["{v}", "you can reach me at {v}", "my number is {v}", "contact: {v}", "it's {v}", "write to {v}", "{v} works"],
    "reference": ["{v}", "it's {v}", "the number is {v}", "{v}, I think", "look for {v}", "here: {v}", "I have {v} here"],
    "unit_number": ["{v}", "number {v}", "it's {v}", "we are in {v}"],
    "problem": ["{v}", "well, {v}", "it's that {v}", "the thing is: {v}"],
    "new_day": ["to {v}", "make it {v}", "start on {v}", "{v} instead", "new day: {v}"],
    "new_length": ["make it {v}", "{v} instead", "change it to {v}", "we take {v}"],
    "new_people": ["we are {v} now", "{v} instead", "make it for {v}"],
    "new_item": ["the {v} instead", "give me the {v}", "to the {v}", "I'd rather have the {v}"],
}  # fmt: skip
WHAT = {
    "day": ["the day", "the date", "your first day", "the day you would come", "when it starts"],
    "time": ["the time", "at what time", "the hour"],
    "people": ["how many {heads} you are", "the number of {heads}", "the size of your group"],
    "length": ["for how many {units}", "the number of {units}", "how long you need it"],
    "place": ["the place", "where"],
    "name": ["your name", "a name", "the name for the {record}"],
    "contact": ["a phone number or e-mail", "how we can reach you", "your phone or e-mail"],
    "reference": ["the number of your {record}", "your {record} number, phone or e-mail", "the phone, e-mail or number of the {record}"],
    "unit_number": ["the number", "which number it is", "the number of your {item}"],
    "problem": ["what is wrong", "what the trouble is"],
}  # fmt: skip
ASKING = ["Could you tell me {what}?", "May I ask {what}?", "I need {what}.", "Please give me {what}.", "What I need to know: {what}.",
          "Sure. Could you tell me {what}?", "Happy to help! Tell me {what}.", "And {what}?"]  # fmt: skip
AGENT = {
    "greet": ["Hello, how can I help?", "Welcome! What can I do for you?", "Hi, this is {who}. What would you like?"],
    "offer": ["We have {things}. Which one?", "Free are {things}. Which would you like?", "You could have {things}. What do you prefer?",
              "There is a choice of {things}.", "I can give you {things}. Which shall it be?"],
    "offer_one": ["There is {things}. Do you want it?", "Only {things} is free. Shall we take it?", "I can offer {things}. Is that good?"],
    "which": ["So which one would you like?", "Which one shall it be?", "Which do you prefer?"],
    "none": ["Sorry, nothing is free then. The next day would be {next}. Does that suit you?", "We are full; {next} is possible. Is that fine?"],
    "too_dear": ["The cheapest is {price}. Would you pay that?", "Nothing at that price; it starts at {price}. Is that all right?"],
    "confirm": ["Let me repeat: {facts}. Shall I book it?", "So that is {facts}. Is that right?", "{facts}. May I book this?", "To be sure: {facts}. Correct?"],
    "done": ["Booked! Your number is {code}.", "Done, {code}. See you then!", "It is booked as {code}, total {total}.", "All set, number {code}, {total} in total."],
    "found": ["I see {facts}.", "Here it is: {facts}.", "Found: {facts}."],
    "not_found": ["I can't find that. Could you check the number?", "Nothing under that. Do you have another number or e-mail?"],
    "what_change": ["What would you like changed?", "What should be different?", "How shall I change it?"],
    "confirm_change": ["I would change {code}: {facts}. Is that right?", "{code} then becomes: {facts}. Shall I?", "Shall I change {code} to {facts}?"],
    "changed": ["Changed: {code}, {facts}.", "Done, {code} is now {facts}.", "All right, {code}: {facts}."],
    "confirm_cancel": ["Shall I really cancel {code}?", "I would cancel {code}. Are you sure?", "Cancel {code}, is that right?"],
    "cancelled": ["{code} is cancelled.", "Done, {code} is gone.", "I have cancelled {code}."],
    "refused": ["Sorry, that is not possible any more.", "I'm afraid it is too late for that."],
    "rule": ["{rule}", "Here is what we say: {rule}", "It is like this: {rule}"],
    "no_rule": ["I have found nothing about {topic}.", "Sorry, I know no rule on {topic}."],
    "item": ["{facts}.", "The facts: {facts}.", "It has this: {facts}."],
    "compared": ["The first: {facts}. The other: {more}.", "{facts}; against that {more}."],
    "reported": ["Thank you, your report is {code}; somebody comes in {minutes} minutes.", "Sorry about that! Ticket {code}, we come within {minutes} minutes."],
    "no_number": ["There is no such number. Which one is it?", "I don't know that number. Could you check?"],
    "bad_day": ["I can't make out that day. Could you say it again?", "That day does not exist. Which day do you mean?"],
    "kept": ["Fine, nothing is changed.", "All right, we leave it as it is.", "OK, I do nothing."],
    "else": ["Anything else?", "Is there more I can do?", "What else can I do for you?", "", "", ""],
    "thanks": ["You're welcome!", "My pleasure.", "Glad to help."],
    "bye": ["Goodbye!", "Bye, have a good day.", "See you soon!"],
}  # fmt: skip
CHOOSE = ["{v}", "the {v}, please", "I'll have the {v}", "let's take the {v}", "{v} sounds good", "we like the {v}", "the {v} is fine", "then the {v}",
          "I'd go for the {v}", "give me the {v}"]  # fmt: skip
NTH = [["the first one", "number one", "the first, please", "your first suggestion"], ["the second one", "number two", "the second, please"],
       ["the third one", "number three", "the third, please"]]  # fmt: skip
CHEAP, DEAR, ONLY = (
    ["the cheapest", "the cheapest one, please", "whatever costs least"],
    ["the dearest", "the best one", "the most expensive one"],
    ["yes, that one", "fine, I take it", "OK, that's good"],
)
YES = ["yes", "yes, please", "that's right", "correct", "exactly", "go ahead", "sure", "fine with me", "yes, do that", "please do", "OK", "perfect", "yep, all good",
       "sounds right", "absolutely"]  # fmt: skip
NO = [
    "no",
    "no, leave it",
    "no thanks",
    "rather not",
    "forget it",
    "no, I changed my mind",
    "don't",
    "never mind, let it be",
]
CORRECT = [
    "no, {tail}",
    "sorry, {tail}",
    "wait, better {tail}",
    "I meant {tail}",
    "actually {tail}",
    "change that: {tail}",
    "hmm, make it {tail}",
]
REPAIR = ["{wrong}, no, {right}", "{wrong}, sorry, {right}", "{wrong}, I mean {right}", "{wrong}, or rather {right}"]
THANKS, BYE = (
    ["thanks", "thank you very much", "great, thanks", "many thanks"],
    ["bye", "goodbye", "that's all, bye", "nothing else, thank you", "see you", "that was it"],
)
TOPICS = (
    "parking,pets,smoking,late arrival,early arrival,wheelchairs,children,deposits,refunds,payment by card,vouchers,gift cards,student discounts,"
    "group discounts,lost property,insurance,photos,music,noise,loud music,food of one's own,drinks,vegetarian food,allergies,towels,showers,lockers,"
    "shoes,helmets,dress code,opening hours,public holidays,waiting lists,no-shows,delays,overtime,extra guests,minors,baby chairs,prams,wifi,"
    "electricity,heating,air conditioning,fuel,mileage,tolls,drivers under 25,driving licences,damage,cleaning,keys,spare keys,invoices,receipts,tips,"
    "taxes,service fees,cancellation,changes,luggage,bikes,charging cars,first aid,lifeguards,teachers,certificates,homework,trial lessons,missed lessons,"
    "prescriptions,sick notes,emergencies,interpreters,seat changes,intermission,recording,autographs,pick-up service,airport transfer,delivery,mail,visitors,"
    "candles,barbecues,campfires,swimming,the sauna,the gym,laundry,ironing,wake-up calls,night service,shuttles,house keys,medicine,dogs,cats"
).split(",")
RULES = ["We ask {n} for it.", "It is free.", "It costs {n}.", "Only until {h} o'clock.", "Not allowed inside.", "Please ask at the desk by {h} o'clock.",
         "Possible at {n} a day.", "There is no charge.", "We offer it from {h} o'clock.", "Allowed outside only.", "Bring your own, please."]  # fmt: skip
PROBLEMS = ["the {n} is broken", "the {n} does not work", "there is no {n}", "the {n} is dirty", "the {n} smells", "the {n} is too loud", "somebody took my {n}",
            "the {n} is {a}", "there is water on the {n}", "we never got the {n}", "the {n} fell down", "the {a} {n} is missing", "I can't open the {n}",
            "it is too {a} in here"]  # fmt: skip
PRICE, JOIN, AND, END = (
    ["{item} at {price}", "the {item} for {price}", "{item} ({price})", "{item}, {price}"],
    ", ",
    " and ",
    ".",
)
NUMBERS = "one two three four five six seven eight nine ten eleven twelve".split()
GROUPS = {
    1: ["just me", "only me", "myself"],
    2: ["the two of us", "my wife and me", "a couple", "me and a friend"],
    3: ["the three of us"],
    4: ["the four of us"],
}
