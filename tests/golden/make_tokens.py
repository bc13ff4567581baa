"""Writes tokens.json: texts and the ids that OpenAI's tokenizer gives them.

The tokenizer is the one in the PyPI package clip-anytorch (OpenAI's simple_tokenizer.py, unchanged), with
ftfy and regex; nothing else of the package is loaded, so torch is not needed:

    python3 -m venv VENV
    VENV/bin/pip install --no-deps clip-anytorch==2.6.0 ftfy==6.3.1 regex wcwidth
    VENV/bin/python tests/golden/make_tokens.py > tests/golden/tokens.json

The first part is a list of hand-made texts, the second is drawn from a fixed seed. Texts that only
ftfy's guessing of wrong code pages changes are left out: data/clean.h says that this is not reproduced.
"""

import importlib.util
import json
import pathlib
import random
import sys
import unicodedata

import ftfy

HAND = """\
a photo of a cat.
This is a photo of a teddy bear
There is the wall-concrete in the scene
a photo of a {}.
A PHOTO OF A DOG
dining table, cell phone, hair drier, teddy bear
door-stuff
wall-other
ceiling-merged
sky-other-merged
plant, flora, plant life
crt screen
person;individual;someone
Saturn V
Ukulele
it's  the\tDOG's 2nd toy &amp; ball
we're they've I'm you'll he'd can't isn't
WE'RE THEY'VE I'M YOU'LL HE'D CAN'T ISN'T
'tis the season
rock 'n' roll
dogs' toys
'S 'T 'RE 'VE 'M 'LL 'D
's
''s
!'s
it's's
o'clock o'neill d'angelo l'eau
'lla 'rex 'vex 'db 'tx
the dog\u2019s bowl
the dog\u2018s bowl
\u201cquoted\u201d text
\u2018single\u2019
\u201a low \u201e quotes \u201f
\u02bcokina \u02bbokina
a'\u017f b
\u017ftop \u017f
1234567890
3.14159
2nd 3rd 4x4 h2o co2
1,000,000 $5.00 100%
\u00bd cup \u00b2 \u00b3 \u2460 \u2167 \u0663\u0664 \u0967\u0968
no. 5
a-b a--b a---b a----b
- -- --- ...
... ..... !!! ??? !?!? ;;
hello,world
hello , world
"hello"
(hello) [hello] {hello} <hello>
<a href="x">link</a> &amp; more
#hashtag @mention user@example.com
https://example.com/a?b=c&d=e
c:\\path\\to\\file.txt
snake_case camelCase kebab-case
a/b a\\b a|b a~b a^b a`b
+ = * / % & $ # @
<|startoftext|>
<|endoftext|>
a <|endoftext|> b
x<|startoftext|>y
<|STARTOFTEXT|>
<|endoftext
!<|endoftext|>
<start_of_text> <end_of_text>
caf\u00e9
cafe\u0301
\u00c9COLE \u00dcBER STRASSE Stra\u00dfe
na\u00efve r\u00e9sum\u00e9 jalape\u00f1o
\u00c5ngstr\u00f6m \u212b \u212a \u2126
\u0130stanbul I\u0307 \u0131
\u1e9eharp S
\u039f\u0394\u039f\u03a3 \u03a3\u03a3 \u03a3 \u03b1\u03a3
\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2
\u0391\u03a3' \u0391\u03a3. \u0391\u03a3\u0392
\u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac
\u0440\u0443\u0441\u0441\u043a\u0438\u0439 \u0442\u0435\u043a\u0441\u0442
\u0420\u0423\u0421\u0421\u041a\u0418\u0419
\u05e2\u05d1\u05e8\u05d9\u05ea
\u0627\u0644\u0639\u0631\u0628\u064a\u0629
\u0939\u093f\u0928\u094d\u0926\u0940
\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22
\u4e2d\u6587
\u4e2d\u6587\u5b57\u7b26
\u732b\u3068\u72ac
\u3053\u3093\u306b\u3061\u306f
\u30ab\u30bf\u30ab\u30ca \uff76\uff80\uff76\uff85
\ud55c\uad6d\uc5b4
\u1112\u1161\u11ab
\uff21\uff22\uff23\uff11\uff12\uff13\uff01
\uff07s \uff02
a\u3000b
\u3002\u3001\u300c\u300d
\U0001f600
\U0001f600\U0001f601 \U0001f602
\U0001f468\u200d\U0001f469\u200d\U0001f467
\U0001f44d\U0001f3fd
\U0001f1fa\U0001f1f8
\u2764\ufe0f
\u2603 \u2600 \u2605
a\U0001f408b
\u20ac5 \u00a35 \u00a55 \u20bf
\u2122 \u00ae \u00a9 \u00b0 \u00b1 \u00d7 \u00f7
\u00a1hola! \u00bfqu\u00e9?
\u00ab guillemets \u00bb
en\u2013dash em\u2014dash \u2212minus \u2010hyphen \u2011nb
ellipsis\u2026
bullet \u2022 point \u00b7 dot
\ufb01sh \ufb02y \ufb00 \ufb03 \ufb04 \ufb05op \ufb06
\u0132sland \u0133s \u0149 \u01c4 \u01c5 \u01c6 \u01c7 \u01ca \u01f1 \u01f2 \u01f3
\u00aa \u00ba \u2070 \u00b9
&lt;tag&gt;
&amp;lt;
&amp;amp;lt;
&amp;amp;amp;amp;lt;
&quot;quoted&quot; &apos;x&apos;
&nbsp;space&nbsp;
a&nbsp;b
&copy; &reg; &trade; &hellip; &mdash; &ndash;
&lsquo;a&rsquo; &ldquo;b&rdquo;
&eacute;t&eacute; &Eacute;T&Eacute;
&euro;5 &pound;5 &yen;5 &cent;5
&alpha;&beta;&Omega; &rarr; &hearts;
&#65;&#66;&#x43;
&#39;s it&#39;s it&#x27;s
&#128512; &#x1F600;
&#150; &#x80; &#129;
&#0; &#xD800; &#x110000; &#99999999999;
&#1; &#127; &#xFDD0; &#xFFFF;
&#xA; &#9; &#13;
&# &#; &#x &#x; &#xg; &#a;
& && &a &; &amp &ampx &ltx &notit; &notin; &copycat
&AMP; &LT; &GT; &QUOT; &COPY; &Amp;
AT&T R&D Q&A
fish&chips fish &chips; &unknown; &
<b> &amp; </b>
<b> &amp;amp; </b>
a < b &lt; c
tab\there
line\nbreak
line\r\nbreak\rhere
form\x0cfeed vertical\x0btab
\x00nul
\x01\x02control\x1f
unit\x1fsep rec\x1esep grp\x1dsep file\x1csep
del\x7f
next\x85line
c1 \x80 \x93 \x99 \x9f
\x1b[31mred\x1b[0m
\x1b[ \x1b x
nb\u00a0sp \u2003em \u2009thin \u202fnn \u205fmm
ogham\u1680space
\u2028ls\u2029ps
zero\u200bwidth \u200cnon \u200djoin \u2060wj
soft\u00adhyphen
\ufeffbom
\u202abidi\u202c \u206a \u2066x\u2069
\ufff9 \ufffa \ufffb \ufffc \ufffd
  leading and trailing  
 
.
a
A
i
z\u0335\u0321\u0303a\u0334\u0348l\u0337g\u0338o
e\u0301\u0302\u0303
\u0301a
\u0345\u0391
1st2nd3rd
abc123def456
\u00bd\u00bc1\u2155
\u2160\u2161\u2162 \u24b6\u24d0 \u2480
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
antidisestablishmentarianism
supercalifragilisticexpialidocious
pneumonoultramicroscopicsilicovolcanoconiosis
qwertyuiopasdfghjklzxcvbnm
xkcd zzzz qqq
giraffe zebra frisbee snowboard skateboard surfboard
tennis racket, baseball glove, hot dog, potted plant
bicycle motorcycle airplane refrigerator microwave
a herd of giraffes herding in the wilderness
television cameras capture a tennis player during a match
a multicolored kite flies over the all-white snow-covered hill
i can't believe it's not butter!
man/woman, 20-30 years old; 5'11" tall
w/ w/o b/c etc. e.g. i.e.
3d 2d 4k 1080p u.s.a. mr. dr.
""".split("\n")[:-1]


def load_tokenizer():
    package = importlib.util.find_spec("clip")  # its __init__ wants torch; the file alone does not
    path = pathlib.Path(package.submodule_search_locations[0]) / "simple_tokenizer.py"
    spec = importlib.util.spec_from_file_location("simple_tokenizer", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SimpleTokenizer()


def is_assigned(c):
    """Before Unicode 14, so that the answer does not hang on the versions of Python and regex."""
    return unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")


def draw_text(rng):
    blocks = [(32, 127)] * 6 + [(0, 32), (0x80, 0x250), (0x250, 0x370), (0x370, 0x590), (0x590, 0x900), (0x900, 0x1100),
              (0x1E00, 0x2000), (0x2000, 0x2070), (0x2070, 0x2C00), (0x3000, 0x3100), (0x4E00, 0x5000), (0xAC00, 0xAD00),
              (0xFB00, 0xFB50), (0xFE00, 0x10000), (0x1F300, 0x1F700)]
    pieces = ["the ", "'s", "'LL", "&amp;", "&#8217;", "&lt", " ", "dog", "A", "\u0130", "\u03a3", "7", "!"]
    text = ""
    for _ in range(rng.randrange(1, 12)):
        if rng.random() < 0.4:
            text += rng.choice(pieces)
            continue
        low, high = rng.choice(blocks)
        for _ in range(rng.randrange(1, 6)):
            c = rng.randrange(low, high)
            if c and is_assigned(c):
                text += chr(c)
    return text


def guesses(text):
    """ftfy would take the text for one that was decoded with a wrong code page."""
    guess = ("decode_inconsistent_utf8", "restore_byte_a0", "replace_lossy_sequences")
    steps = ftfy.fix_and_explain(text).explanation or []
    return any(s.action in ("encode", "decode", "transcode") or s.parameter in guess for s in steps)


def main():
    tokenizer = load_tokenizer()
    rng = random.Random(1)
    texts = [t for t in HAND if "\0" not in t]  # C text ends there
    drawn = (draw_text(rng) for _ in range(100 * int(sys.argv[1]) if len(sys.argv) > 1 else 10000))
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 120
    for text in drawn:
        if count and not guesses(text):
            texts.append(text)
            count -= 1
    rows = [json.dumps([t, tokenizer.encode(t)], separators=(",", ":")) for t in texts]
    print("[" + ",\n".join(rows) + "]")


main()
