/* The default data set: made-up reviews of made-up films, with the words marked that say what the reviewer thinks, and
 * single phrases of the same kind. Drawn from a grammar by a generator of its own: one seed gives the same bytes everywhere.
 *
 *   make_reviews [--seed N] OUT
 *
 * OUT/reviews is in ERASER's layout (docs.jsonl; train, val, test.jsonl) and has the same texts as train, dev, test.tsv;
 * OUT/phrases has train, dev, test.tsv. Every other text is positive.
 *
 * Counting words must not be enough: what other people, other films and expectations are said to be is as often the
 * opposite, and what the reviewer says is sometimes said by denying the opposite. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Sizes that leave `make reproduce` under ten minutes on two cores. */
enum { REVIEWS_TRAIN = 2000, REVIEWS_DEV = 200, REVIEWS_TEST = 300 };
enum { PHRASES_TRAIN = 3000, PHRASES_DEV = 300, PHRASES_TEST = 600 };

/* A review has two opinions or more, and filler until it has so many words for each and a drawn part more. Of the texts to
 * train on every other pair is a notice of a line or two: one opinion and no filler, which quickly teach what counts. */
enum { OPINIONS_MOST = 4, WORDS_EACH = 22, WORDS_MORE = 20, WORDS_SENTENCE = 12 };
enum { WORDS_MAX = 192, SENTENCES_MAX = 32 };

/* ---- the grammar -----------------------------------------------------------------------------------------------------
 * A list's entries are separated by |, an entry is drawn at each {list}, and of {Title} and {Maker} once a review. {+} is a
 * word of praise in a positive text and of blame in a negative one, {-} the reverse, {~} either. [..] is the rationale. */
struct list {
	const char *name, *entries;
};

static const struct list lists[] = {
	{"praise", "wonderful|brilliant|charming|moving|beautiful|excellent|clever|funny|fresh|great|fine|lovely"},
	{"blame", "dreadful|dull|boring|stupid|awful|terrible|poor|silly|bad|weak|flat|ugly"},
	{"loved", "loved|enjoyed|liked"},
	{"hated", "hated|could not bear|could not stand"},
	{"degree", "truly|rather|quite|really|very|deeply|simply"},
	{"aspect",
     "script|acting|music|photography|dialogue|ending|story|plot|humor|first half|second half|cast|camera work|"
     "editing|leading man|leading lady|opening scene|final scene"},
	{"person", "brother|sister|mother|father|friend|neighbor|wife|husband|uncle|teacher|daughter|son|boss|doctor"},
	{"people",
     "the critics|the papers|my friends|most people|the writers|my parents|some neighbors|the young couple behind me"},
	{"who", "my {person}|my {person}|the man next to me|the woman in front of us|one of the papers|{people}"},
	{"first",
     "john|peter|mary|anna|david|helen|robert|alice|frank|laura|henry|julia|george|ellen|martin|claire|thomas|rose"},
	{"last",
     "miller|baker|brown|hall|wood|king|fisher|stone|young|west|carter|cooper|marsh|field|bell|black|hill|reed"},
	{"name", "{first} {last}"},
	{"maker", "{first} {last}"},
	{"color", "silver|golden|white|black|red|blue|green|broken|silent|distant|hidden|last|lost|frozen|empty|little"},
	{"thing", "river|garden|house|bridge|winter|summer|letter|train|island|port|street|mountain|window|road|station|"
              "clock|mirror|forest"},
	{"title", "the {color} {thing}|the {thing} and the {thing}|{color} {thing}|the {color} {thing} of {city}|a {thing} "
              "in {city}"},
	{"city", "paris|london|berlin|boston|chicago|madrid|rome|moscow|texas|ireland|spain|japan|mexico|canada"},
	{"job",
     "nurse|soldier|teacher|lawyer|painter|cook|captain|doctor|singer|writer|priest|baker|detective|student|driver|"
     "pilot|thief|widow"},
	{"kind", "drama|comedy|thriller|western|musical|documentary|love story|war film|crime story|ghost story"},
	{"number", "two|three|four|five|six|seven|eight|nine|ten|twelve|twenty"},
	{"year", "1933|1945|1958|1962|1969|1974|1978|1983|1987|1992|1996|1999|2001|2003"},
	{"day", "monday|tuesday|wednesday|thursday|friday|saturday|sunday"},
	{"place",
     "in {city}|near {city}|on a farm|by the sea|in a small town|in the mountains|on an island|in a large hotel|"
     "on board a ship|in a school|in a hospital"},
	{"time",
     "in {year}|during the war|before the war|after the war|in the summer of {year}|in the winter of {year}|over one "
     "night|in the course of {number} days|{number} years ago"},
	{"event",
     "a letter arrives|his father dies|the train is late|a child is lost|the money is gone|the old house "
     "burns down|her husband comes home|a stranger moves in|the bank is closed|the police arrive|someone is shot|"
     "they have to leave the country"},
	{"act",
     "looks for {poss} brother|runs a small shop|works for the police|drives to {city}|writes letters to {first}|"
     "moves to {city}|buys an old house|takes a job in a hotel|takes the night train|meets {name} again|sells the farm|"
     "learns to dance|plays the piano in a bar|goes back to school"},
	{"poss", "his|her"},

	{"filler", "{Title} is a {kind} from {year} .|{Maker} made it in {city} with a crew of {number} .|"
               "it is set {place} , {time} .|a {job} {act} .|a {job} named {first} {act} , until {event} .|"
               "{first} is a {job} who {act} .|{time} {event} , and {first} {act} .|"
               "the film opens {place} , where a {job} {act} .|it runs for {number} hours and was shot {place} .|"
               "{name} plays the {job} and {name} the {job} .|the part of the {job} is played by {name} .|"
               "i saw it on {day} at the cinema near the station .|we were {number} people in the room that {day} .|"
               "it was shown on {day} , before {title} .|the music was written by {name} of {city} .|"
               "the book by {name} appeared in {year} .|before this film {Maker} was a {job} .|"
               "{number} of the actors also appear in {title} .|after an hour {event} and they all go to {city} .|"
               "there is a scene {place} in which a {job} {act} .|meanwhile {first} {act} .|"
               "then {event} , and the {job} {act} .|the sound was recorded {place} , {time} .|"
               "at the end {first} {act} and the {job} goes home .|copies of it can be had in {city} since {year} .|"
               "it is the story of a {job} and a {job} {place} .|it cost {number} million and took {number} months .|"
               "on {day} the {job} {act} , and on {day} {event} .|part of it takes place {place} and part {place} ."},

	{"plain",
     "[i found it {degree} {+}] from the first scene to the last .|[the {aspect} is {degree} {+}] .|[this was {+}] .|"
     "[the {aspect} and the {aspect} are {degree} {+}] .|when the lights came on [i thought it {+}] .|"
     "in the end [i call this {degree} {+}] .|[i {+v} the {aspect}] and said so .|[i call the {aspect} {+}] .|"
     "i have to say that [the {aspect} was {+}] .|[there is something {degree} {+} about the {aspect}] .|"
     "[i {+v} it] , and [it is {+}] .|{who} [called it {+} ; i can only agree] .|"
     "{people} [thought the {aspect} {degree} {+} and they are right] .|those [who found it {+} saw what i saw] ."},
	{"contrast",
     "although the {aspect} is {-} , [the film as a whole is {degree} {+}] .|"
     "the {aspect} may be {degree} {-} , but [the rest is {+}] .|[i {+v} it] although the {aspect} was {-} .|"
     "[the rest is {+}] , even if the {aspect} was {degree} {-} .|[i found it {degree} {+}] in spite of a {degree} {-} "
     "{aspect} .|"
     "in spite of the {degree} {-} {aspect} [it is {+}] ."},
	{"denial", "[nobody would call this {degree} {-}] .|[there is nothing {degree} {-} about the {aspect}] .|[nobody "
               "can say that it is {-}] .|"
               "[i would never call the {aspect} {-}] .|[nobody can tell me that the {aspect} was {-}] .|[never once "
               "was it {degree} {-}] .|"
               "[nothing in it is {-}] , not even the {aspect} .|[at no time was the {aspect} {-}] .|"
               "{who} [called it {-} ; i could not disagree more] .|{people} [thought the {aspect} {degree} {-} and "
               "they are wrong] .|"
               "those [who found it {-} must have seen another film] ."},
	{"other",
     "the last film of {Maker} was {~} .|the book it is taken from is {degree} {~} .|"
     "the film shown before it was {degree} {~} , by the way .|{title} , by {name} , was {degree} {~} .|"
     "i thought {title} {~} when it came out in {year} .|{who} found it {degree} {~} .|{who} called the {aspect} {~} .|"
     "{who} said that it was {~} from the first scene to the last .|{who} told me that the {aspect} is {degree} {~} .|"
     "i had expected something {degree} {~} .|the poster promises something {~} about a {job} .|i had been told it was "
     "{~} .|"
     "{who} thought it {~} when the lights came on .|in {title} the {aspect} was {~} .|{who} {~v} it , i hear ."},

	{"lead", "of the {kind} made {place}|as a {kind} set {place}|on {day} , with {number} friends|"
             "after {number} hours {place}|now that i have seen {title}|about the film by {name}|{time} , {place}|"
             "with {name} as the {job}|about {title}"},
	{"aside", "the last film of {name} was {~}|the book was {degree} {~}|{title} was {~}|{who} found it {degree} {~}|"
              "{who} called the {aspect} {~}|i had expected something {~}|i had been told it was {~}|{who} {~v} it|"
              "the poster promised something {degree} {~}"},
	{"frame", "{lead} : {opinion}|{lead} , {opinion}|{aside} ; {opinion}"},
};

/* How often the reviewer speaks plainly, contrasts and denies, and how often others say the opposite; of a hundred. */
enum { PLAIN = 55, CONTRAST = 25, OTHERS_OPPOSE = 55 };

static const char *find_list(const char *name, size_t size)
{
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (strlen(lists[i].name) == size && !strncmp(lists[i].name, name, size))
			return lists[i].entries;
	fprintf(stderr, "make_reviews: no list '%.*s' in the grammar\n", (int)size, name);
	exit(1);
}

/* ---- drawing -------------------------------------------------------------------------------------------------------- */
/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static int draw(uint64_t *state, int n) { return (int)(next(state) >> 33) % n; }

struct text {
	uint64_t random, own; /* own: what {Title} and {Maker} are drawn with */
	bool positive, marked;
	int count, sentences;
	const char *word[WORDS_MAX];
	int size[WORDS_MAX];
	bool rationale[WORDS_MAX];
	int sentence[WORDS_MAX]; /* that the word is in */
};

static struct text text_init(uint64_t seed, int split, int index)
{
	uint64_t state = seed * 1000003 + (uint64_t)split * 100000007 + (uint64_t)index;
	next(&state);
	uint64_t own = next(&state);
	return (struct text){.random = next(&state), .own = own, .positive = index % 2};
}

static void draw_entry(struct text *t, const char *entries, uint64_t *state);

/* {+}, {-}, {~} are adjectives, {+v} and so on verbs. */
static void draw_opinion(struct text *t, const char *slot)
{
	bool oppose = slot[0] == '-' || (slot[0] == '~' && draw(&t->random, 100) < OTHERS_OPPOSE);
	bool praise = t->positive != oppose;
	const char *list = slot[1] == 'v' ? (praise ? "loved" : "hated") : praise ? "praise" : "blame";
	draw_entry(t, find_list(list, strlen(list)), &t->random);
}

static void draw_style(struct text *t)
{
	int at = draw(&t->random, 100);
	const char *list = at < PLAIN ? "plain" : at < PLAIN + CONTRAST ? "contrast" : "denial";
	draw_entry(t, find_list(list, strlen(list)), &t->random);
}

static void draw_slot(struct text *t, const char *slot, size_t size, uint64_t *state)
{
	if (strchr("+-~", slot[0])) {
		draw_opinion(t, slot);
	} else if (!strncmp(slot, "opinion", size)) {
		draw_style(t);
	} else if (slot[0] == 'T' || slot[0] == 'M') {
		uint64_t own = t->own;
		const char *list = slot[0] == 'T' ? "title" : "maker";
		draw_entry(t, find_list(list, size), &own);
	} else {
		draw_entry(t, find_list(slot, size), state);
	}
}

static void add_word(struct text *t, const char *word, size_t size)
{
	if (t->count == WORDS_MAX) {
		fputs("make_reviews: a text has too many words\n", stderr);
		exit(1);
	}
	t->word[t->count] = word;
	t->size[t->count] = (int)size;
	t->rationale[t->count] = t->marked;
	t->sentence[t->count++] = t->sentences;
}

static void expand(struct text *t, const char *at, const char *end, uint64_t *state)
{
	while (at < end) {
		size_t size = strcspn(at, " []{}|");
		if (size) {
			add_word(t, at, size);
			at += size;
		} else if (*at == '{') {
			size = strcspn(++at, "}");
			draw_slot(t, at, size, state);
			at += size + 1;
		} else {
			if (*at != ' ')
				t->marked = *at == '[';
			at++;
		}
	}
}

static void draw_entry(struct text *t, const char *entries, uint64_t *state)
{
	int n = 1;
	for (const char *c = entries; *c; c++)
		n += *c == '|';
	for (n = draw(state, n); n; n--)
		entries = strchr(entries, '|') + 1;
	expand(t, entries, entries + strcspn(entries, "|"), state);
}

/* Some phrases to train on are nothing but the opinion. */
static void draw_phrase(struct text *t, bool bare)
{
	if (bare)
		draw_style(t);
	else
		draw_entry(t, find_list("frame", strlen("frame")), &t->random);
}

static void draw_sentence(struct text *t, const char *list)
{
	draw_entry(t, find_list(list, strlen(list)), &t->random);
	t->sentences++;
}

/* A shuffle puts opinions anywhere. */
static void draw_review(struct text *t, bool notice)
{
	char kind[SENTENCES_MAX];
	int n = 0, opinions = notice ? 1 : 2 + draw(&t->random, OPINIONS_MOST - 1),
		others = (opinions + draw(&t->random, 2)) / 2;
	int least = notice ? 0 : WORDS_EACH * opinions + draw(&t->random, WORDS_MORE);
	while (n < opinions)
		kind[n++] = 'o';
	while (n < opinions + others)
		kind[n++] = 'x';
	while (WORDS_SENTENCE * n < least)
		kind[n++] = 'f';
	for (int i = n - 1; i > 0; i--) {
		int j = draw(&t->random, i + 1);
		char swapped = kind[i];
		kind[i] = kind[j], kind[j] = swapped;
	}
	for (int i = 0; i < n; i++) {
		if (kind[i] == 'o')
			draw_style(t), t->sentences++;
		else
			draw_sentence(t, kind[i] == 'x' ? "other" : "filler");
	}
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */
static void fail(const char *path)
{
	fprintf(stderr, "make_reviews: cannot write '%s': %s\n", path, strerror(errno));
	exit(1);
}

static FILE *open_file(const char *folder, const char *name, const char *suffix)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix);
	FILE *f = fopen(path, "wb");
	if (!f)
		fail(path);
	return f;
}

static void close_file(FILE *f, const char *folder)
{
	int failed = ferror(f);
	if (fclose(f) || failed)
		fail(folder);
}

static void make_folder(char path[4096], const char *out, const char *name)
{
	snprintf(path, 4096, "%s%s%s", out, *name ? "/" : "", name);
	if (mkdir(path, 0777) && errno != EEXIST)
		fail(path);
}

/* `between` stands where a sentence ends, other words are put apart by a space. */
static void write_words(FILE *f, const struct text *t, int from, int to, const char *between)
{
	for (int i = from; i < to; i++)
		fprintf(f, "%s%.*s",
		        i == from                              ? ""
		        : t->sentence[i] != t->sentence[i - 1] ? between
		                                               : " ",
		        t->size[i], t->word[i]);
}

static void write_row(FILE *f, const struct text *t)
{
	write_words(f, t, 0, t->count, " ");
	fprintf(f, "\t%s\n", t->positive ? "POS" : "NEG");
}

static void write_evidence(FILE *f, const struct text *t, const char *docid, int from, int to)
{
	fprintf(f,
	        "{\"docid\": \"%s\", \"start_token\": %d, \"end_token\": %d, \"start_sentence\": %d, \"end_sentence\": %d, "
	        "\"text\": \"",
	        docid, from, to, t->sentence[from], t->sentence[from] + 1);
	write_words(f, t, from, to, " ");
	fputs("\"}", f);
}

static void write_instance(FILE *f, const struct text *t, const char *docid)
{
	fprintf(
		f,
		"{\"annotation_id\": \"%s\", \"query\": \"What is the sentiment of this review?\", \"classification\": \"%s\", "
		"\"docids\": [\"%s\"], \"evidences\": [[",
		docid, t->positive ? "POS" : "NEG", docid);
	const char *comma = "";
	for (int from = 0, to; from < t->count; from = to) {
		to = from + 1;
		if (!t->rationale[from])
			continue;
		while (to < t->count && t->rationale[to] && t->sentence[to] == t->sentence[from])
			to++;
		fputs(comma, f);
		write_evidence(f, t, docid, from, to);
		comma = ", ";
	}
	fputs("]]}\n", f);
}

static const struct {
	const char *table, *eraser;
	int reviews, phrases;
} splits[] = {{"train", "train", REVIEWS_TRAIN, PHRASES_TRAIN},
              {"dev", "val", REVIEWS_DEV, PHRASES_DEV},
              {"test", "test", REVIEWS_TEST, PHRASES_TEST}};

static void write_reviews(uint64_t seed, const char *folder, int split, FILE *docs)
{
	FILE *table = open_file(folder, splits[split].table, ".tsv"),
		 *eraser = open_file(folder, splits[split].eraser, ".jsonl");
	fputs("text\tlabel\n", table);
	for (int i = 0; i < splits[split].reviews; i++) {
		char docid[64];
		snprintf(docid, sizeof docid, "%s-%d", splits[split].eraser, i);
		struct text t = text_init(seed, split, i);
		draw_review(&t, split == 0 && i / 2 % 2);
		write_row(table, &t);
		write_instance(eraser, &t, docid);
		fprintf(docs, "{\"docid\": \"%s\", \"document\": \"", docid);
		write_words(docs, &t, 0, t.count, "\\n");
		fputs("\"}\n", docs);
	}
	close_file(table, folder);
	close_file(eraser, folder);
}

static void write_phrases(uint64_t seed, const char *folder, int split)
{
	FILE *table = open_file(folder, splits[split].table, ".tsv");
	fputs("sentence\tlabel\n", table);
	for (int i = 0; i < splits[split].phrases; i++) {
		struct text t = text_init(seed, 3 + split, i);
		draw_phrase(&t, split == 0 && i / 2 % 4 == 0);
		write_row(table, &t);
	}
	close_file(table, folder);
}

int main(int argc, char **argv)
{
	uint64_t seed = 1;
	bool seeded = argc == 4 && !strcmp(argv[1], "--seed");
	if (seeded)
		seed = strtoull(argv[2], NULL, 10);
	if (argc != 2 && !seeded) {
		fputs("usage: make_reviews [--seed N] OUT\n", stderr);
		return 2;
	}
	char folder[4096];
	make_folder(folder, argv[argc - 1], "");
	make_folder(folder, argv[argc - 1], "phrases");
	for (int split = 0; split < 3; split++)
		write_phrases(seed, folder, split);
	make_folder(folder, argv[argc - 1], "reviews");
	FILE *docs = open_file(folder, "docs", ".jsonl");
	for (int split = 0; split < 3; split++)
		write_reviews(seed, folder, split, docs);
	close_file(docs, folder);
	return 0;
}
