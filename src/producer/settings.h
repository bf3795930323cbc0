/* settings.h - what the command line says, checked. */
#ifndef SHMLINE_PRODUCER_SETTINGS_H
#define SHMLINE_PRODUCER_SETTINGS_H

#include "src/base/pace.h"
#include "src/base/whenfull.h"
#include "src/producer/source.h"

#define SETTING_NONE UINT64_MAX		/* a number that was not given */

struct settings {
	const char *ring;
	uint64_t slots, item_max;	/* of a ring that is made; 0: not given */

	const struct source *source;
	struct source_request request;
	uint64_t items;			/* that this producer publishes; 0: no end */
	struct when_full when_full;
	struct pace pace;
	bool keep_open;
	bool is_launched;		/* by a launcher, which gave it a number */
	bool only_check, only_show;

	/* as given; settings_read() makes the above of them */
	const char *source_arg;
	const char **files;
	size_t n_files;
	int delimiter;
	bool is_null;
	uint64_t broken, items_in_all, work_ns, number, lanes;
	uint64_t first;			/* number of the first that shares the source; 0: 1 */
	bool quiet, verbose;
};

/* Of main()'s arguments. Ends the program when they are wrong, or ask for help. */
void settings_read(struct settings *settings, int argc, char **argv);
void settings_free(struct settings *settings);

#endif
