/*
 * input.h - what becomes the producers' standard input.
 */
#ifndef SHMLINE_LAUNCHER_INPUT_H
#define SHMLINE_LAUNCHER_INPUT_H

#include <stdbool.h>

#include "src/launcher/settings.h"

struct input {
	int fd;
	bool can_go_back;	/* what a killed producer had read can be read again */
};

/*
 * The launcher's own standard input where the source reads it, else /dev/null. A FILE that can be read
 * only once, such as a FIFO or a shell's <(...), is opened here and handed over as standard input, for
 * all producers and all their lives; then the settings say so. 0, or an exit code, and why has been
 * said.
 */
int input_open(struct input *input, struct settings *settings);
void input_close(struct input *input);

#endif
