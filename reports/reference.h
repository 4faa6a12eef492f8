/* Figures that others published, out of a JSON file, to stand beside one's own:
 *   {"source": "...", "url": "...", "notes": ["..."],
 *    "rows": [{"task": "sst2", "method": "AdapLeR", "settings": "BERT-base", "metric": "accuracy", "quality": 92.3,
 *              "flops_speedup": null, "time_speedup": null, "note": "..."}]}
 * Quality is in percent, as papers have it. task, method and quality are needed. */
#ifndef ADAPLER_REFERENCE_H
#define ADAPLER_REFERENCE_H

#include <cjson/cJSON.h>

struct err;

struct reference_row {
	const char *task, *method, *settings, *metric; /* settings and metric may be "" */
	double quality;                                /* a share */
	double flops_speedup, time_speedup;            /* NaN: not published */
	const char *note;                              /* may be "" */
};

struct reference {
	cJSON *json; /* owns the texts; NULL: none was given */
	const char *source;
	struct reference_row *row;
	int rows;
};

/* `path` NULL: no rows. Errors name the file, the row and the field. */
int reference_read(struct reference *r, const char *path, struct err *e);
void reference_free(struct reference *r);

#endif
