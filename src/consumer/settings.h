/* settings.h - what the command line says, checked. */
#ifndef SHMLINE_CONSUMER_SETTINGS_H
#define SHMLINE_CONSUMER_SETTINGS_H

#include "shm/ring.h"
#include "src/base/pace.h"
#include "src/consumer/sink.h"
#include "src/consumer/verdict.h"

#define SETTING_NONE UINT64_MAX		/* a number that was not given */

struct settings {
	const char *ring;
	uint64_t slots, item_max;	/* of a ring that is made; 0: not given */

	const struct sink *sink;
	struct sink_request request;
	struct rules rules;
	enum ring_stop_mode stop;	/* what a broken item raises; NONE: nothing */
	struct pace pace;
	uint64_t idle_exit_ns;		/* SETTING_NONE: never */
	const char *dead_file;
	bool keep_open;
	bool is_launched;		/* by a launcher, which gave it a number */
	bool only_check, only_show;

	/* as given; settings_read() makes the above of them */
	int stop_choice;
	const struct sink *worker;
	uint64_t batch, window, block, number;
	bool is_null, quiet, verbose;
};

/* Of main()'s arguments. Ends the program when they are wrong, or ask for help. */
void settings_read(struct settings *settings, int argc, char **argv);

#endif
